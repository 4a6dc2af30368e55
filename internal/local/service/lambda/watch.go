package lambda

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// watchInterval is how often the memory of processes is looked at.
const watchInterval = 200 * time.Millisecond

// watch kills processes that use more memory than their function has, and stops idle ones.
func (h *Host) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
		h.mu.Lock()
		sandboxes := make([]*sandbox, 0, len(h.sandboxes))
		for _, s := range h.sandboxes {
			sandboxes = append(sandboxes, s)
		}
		functions := make([]*function, 0, len(h.functions))
		for _, f := range h.functions {
			functions = append(functions, f)
		}
		h.mu.Unlock()
		for _, s := range sandboxes {
			h.weigh(s)
		}
		for _, f := range functions {
			f.reap(time.Now().Add(-h.cfg.IdleTimeout))
		}
	}
}

// weigh looks at the most memory that a process has had, so that a short peak counts.
func (h *Host) weigh(s *sandbox) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.PID()))
	if err != nil {
		return // it has just ended
	}
	peak := field(status, "VmHWM:") << 10
	s.mu.Lock()
	s.peak = peak
	s.mu.Unlock()
	if limit := int64(s.function.properties.MemorySize) << 20; peak > limit {
		h.cfg.Log.Error("function out of memory", "function", s.function.name, "used", peak, "limit", limit)
		s.process.Kill()
	}
}

// field reads a number from /proc/<pid>/status, where sizes are in KiB.
func field(status []byte, name string) int64 {
	_, rest, ok := bytes.Cut(status, []byte(name))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	number, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return number
}
