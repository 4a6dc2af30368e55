package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/local/nfsclient"
)

// What the moving chapter tries.
const (
	noWriteFails = "no write fails while a machine is replaced"
	allIsThere   = "the new machine reads all that was written"
	oldIsOut     = "the old machine is refused, also where it had mounted"
)

// moving replaces a tenant's machine while it writes, and returns the tenant as it is then.
func (s show) moving(ctx context.Context, t Tenant) (Tenant, error) {
	s.p.Heading("a customer's machine is replaced while it writes")
	successor := t
	successor.Instance = Machine(3)
	old, err := mountPatiently(ctx, s.cloud, t)
	if err != nil {
		return t, fmt.Errorf("mount from %s: %w", t.Instance, err)
	}
	defer func() { _ = old.Close() }()
	first := write(ctx, old, "old")
	defer first.stop()
	s.p.Line(fmt.Sprintf("%s writes from %s, and wants %s to be let in too, by one message on the instance change queue", t.ID, t.Instance, successor.Instance))
	if err := s.crowd.Change(ctx, t.ID, []string{successor.Instance}, nil); err != nil {
		return t, err
	}
	_, err = awaitSaid(ctx, s.crowd, s.p, s.o.Patience, successor.Instance+" is served", func(e events.AccessChanged) bool {
		return e.TenantID == t.ID && slices.Contains(e.Added, successor.Instance)
	})
	if err != nil {
		return t, err
	}
	fresh, err := mount(ctx, s.cloud, successor, successor) // the event is to be relied on: at the first try
	if err != nil {
		return t, fmt.Errorf("mount from %s: %w", successor.Instance, err)
	}
	defer func() { _ = fresh.Close() }()
	second := write(ctx, fresh, "new")
	defer second.stop()
	byOld := first.stop()
	s.p.Line(fmt.Sprintf("the new machine has mounted, and writes; the old one ends, after %d files, and is to be put out", len(byOld.files)))
	if err := s.crowd.Change(ctx, t.ID, nil, []string{t.Instance}); err != nil {
		return t, err
	}
	_, err = awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.Instance+" is out", func(e events.AccessChanged) bool {
		return e.TenantID == t.ID && slices.Contains(e.Removed, t.Instance)
	})
	if err != nil {
		return t, err
	}
	byNew := second.stop()

	var done trials
	for _, w := range []written{byOld, byNew} {
		done.try(ctx, noWriteFails, fmt.Sprintf("the %s machine writes %d files", w.who, len(w.files)), func(context.Context) error { return w.err })
	}
	done.try(ctx, allIsThere, fmt.Sprintf("%d files", len(byOld.files)+len(byNew.files)), func(ctx context.Context) error {
		return readsAll(ctx, fresh, slices.Concat(byOld.files, byNew.files))
	})
	done.try(ctx, oldIsOut, "it writes where it had mounted", func(ctx context.Context) error {
		return wantRefusal(old.WriteFile(ctx, "late", nil))
	})
	done.try(ctx, oldIsOut, "it mounts again", func(ctx context.Context) error { return refusedAtShare(ctx, s.cloud, t, t) })
	return successor, s.verdict(ctx, done)
}

// writer writes files, one after the other, until it is stopped.
type writer struct {
	cancel context.CancelFunc
	ended  chan struct{}
	done   written
}

// written is what came of it.
type written struct {
	who   string
	files []string
	err   error // of the write that failed; there is none after it
}

// write begins to write files named after who, each with its name as content.
func write(ctx context.Context, client *nfsclient.Client, who string) *writer {
	until, cancel := context.WithCancel(ctx)
	w := &writer{cancel: cancel, ended: make(chan struct{}), done: written{who: who}}
	go func() {
		defer close(w.ended)
		for until.Err() == nil {
			file := fmt.Sprintf("%s-%d", who, len(w.done.files))
			if w.done.err = writeOne(ctx, client, file); w.done.err != nil {
				return
			}
			w.done.files = append(w.done.files, file)
			_ = awsclient.Sleep(until, 20*time.Millisecond)
		}
	}()
	return w
}

func writeOne(ctx context.Context, client *nfsclient.Client, file string) error {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	return client.WriteFile(ctx, file, []byte(file))
}

// stop ends the writing after the file that is being written. It may be called again.
func (w *writer) stop() written {
	w.cancel()
	<-w.ended
	if w.done.err == nil && len(w.done.files) == 0 {
		w.done.err = errors.New("nothing was written")
	}
	return w.done
}

// readsAll wants each file to have its name as content.
func readsAll(ctx context.Context, client *nfsclient.Client, files []string) error {
	for _, file := range files {
		if content, err := client.ReadFile(ctx, file); err != nil || string(content) != file {
			return fmt.Errorf("%s is read as %q: %w", file, content, err)
		}
	}
	return nil
}
