package archivist

import (
	"context"
	"fmt"
	"time"
)

const (
	// probeFor is how long a share that was made anew has to let this task in: whose address it is to be opened to is
	// known from the task's first report alone.
	probeFor   = 15 * time.Minute
	probeEvery = 5 * time.Second
	// probeWait bounds one look.
	probeWait = 30 * time.Second
)

// probe looks into a share as a tenant would: over NFS. What lies in its root is found; nothing is what there must be.
func (t *task) probe(ctx context.Context) (proof string, found []string, err error) {
	share := t.job.Share
	until := t.Now().Add(probeFor)
	for {
		names, err := t.root(ctx)
		if err == nil {
			var all findings
			for _, name := range names {
				all.add("%q lies in the share", name)
			}
			return fmt.Sprintf("%s:%s mounted by %s, and its root is empty", share.Host, share.Path, t.Address), all.all(), nil
		}
		if ctx.Err() != nil || !t.Now().Before(until) {
			return "", nil, fmt.Errorf("look into the share: %w", err)
		}
		t.say(ctx)
		if slept := t.Sleep(ctx, probeEvery); slept != nil {
			return "", nil, fmt.Errorf("look into the share: %w", err)
		}
	}
}

func (t *task) root(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	return t.Shares.Root(ctx, t.job.Share.Host, t.job.Share.Path, foundMost+1)
}
