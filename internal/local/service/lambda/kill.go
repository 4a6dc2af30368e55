package lambda

import (
	"errors"
	"sync/atomic"

	"headroom/internal/local/endpoint"
)

// Kill is a fault: a function's process dies at one of the AWS calls that it makes.
type Kill struct {
	Function string // its name
	Call     int    // which of its allowed calls from now on, the first being 1
	Applied  bool   // whether the call is carried out before the process dies

	seen    int // calls counted so far
	call    endpoint.Call
	victim  *sandbox
	happens atomic.Bool
}

// Happened reports whether the process has been killed.
func (k *Kill) Happened() bool { return k.happens.Load() }

// Arm sets a fault up. It happens at most once.
func (h *Host) Arm(k *Kill) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills = append(h.kills, k)
}

// Disarm takes all faults back that have not happened.
func (h *Host) Disarm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills = nil
}

var errKilled = errors.New("the calling process was killed")

// BeforeCall is to see each AWS call before it is carried out. An error means that the caller has
// been killed and the call must not be carried out: what was under way beside the call at which it died,
// and what its SDK tries again before the signal ends it, included.
func (h *Host) BeforeCall(call endpoint.Call) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := endpoint.AccessKeyID(call.Request)
	if h.killed[key] {
		return errKilled
	}
	if len(h.kills) == 0 {
		return nil
	}
	s := h.byKey[key]
	if s == nil {
		return nil
	}
	for _, k := range h.kills {
		if k.Function != s.function.name || k.victim != nil {
			continue
		}
		if k.seen++; k.seen < k.Call {
			continue
		}
		k.victim, k.call = s, call
		if !k.Applied {
			h.strike(k)
			return errKilled
		}
	}
	return nil
}

// AfterCall is to see each AWS call after it has been carried out. An error means that the caller
// has been killed and must not have the answer.
func (h *Host) AfterCall(call endpoint.Call, _ int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.kills {
		if k.victim != nil && k.call.Request == call.Request && !k.Happened() {
			h.strike(k)
			return errKilled
		}
	}
	return nil
}

// strike ends the victim; the caller holds the lock.
func (h *Host) strike(k *Kill) {
	h.killed[k.victim.accessKeyID] = true
	k.victim.process.Kill()
	k.happens.Store(true)
}
