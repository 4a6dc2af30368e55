package parts

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"headroom/internal/local/clock"
)

// startTimeout bounds how long a part may take from its start until it answers.
const startTimeout = 20 * time.Second

// stopGrace is how long a part may take to end by itself.
const stopGrace = 2 * time.Second

// Options say where the parts are and what cloud they are to be part of.
type Options struct {
	Modules string // the node_modules folder that holds the parts
	Dir     string // where each part's output goes, as <part>.log
	Account string // twelve digits
	Region  string
	Clock   *clock.Clock // what the queues tell and wait by; nil: the machine's
}

// Part is a third-party server that listens on a loopback address.
type Part struct {
	*Process
	URL *url.URL
	log *os.File
}

// Close stops the part.
func (p *Part) Close() error {
	p.Stop(stopGrace)
	return p.log.Close()
}

// launch starts a part whose output goes to its log, and waits until ready answers its URL.
func launch(ctx context.Context, name string, o Options, cmd *exec.Cmd, ready func(context.Context, *Process) (*url.URL, error)) (*Part, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	log, err := os.Create(filepath.Join(o.Dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd.Stderr = log
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	process, err := Start(cmd)
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	part := &Part{Process: process, log: log}
	if part.URL, err = ready(ctx, process); err != nil {
		_ = part.Close()
		return nil, fmt.Errorf("wait for %s (its output is in %s): %w", name, log.Name(), err)
	}
	return part, nil
}
