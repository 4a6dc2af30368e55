package local

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
)

// death is the end of a cloud one of whose parts has died: tables and queues were in its memory, so nothing
// that is acknowledged after it would be kept.
type death struct {
	once sync.Once
	done chan struct{}
	err  error
}

func (d *death) is() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// Done is closed when a part that the cloud can't do without has died. From then on every call is cut, the
// cloud says nothing any more in its log, and all that is left to do is to Close it.
func (c *Cloud) Done() <-chan struct{} { return c.death.done }

// Err names the part that died, and how it did. It is nil until then.
func (c *Cloud) Err() error {
	if !c.death.is() {
		return nil
	}
	return c.death.err
}

// While returns a context that ends with ctx, and when the cloud dies, with Err as its cause.
func (c *Cloud) While(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-c.Done():
			cancel(c.Err())
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// mourn waits for the end of a part. One that ends while the cloud does not has died.
func (c *Cloud) mourn(what string, part *parts.Part) {
	select {
	case <-part.Done():
	case <-c.life.Done():
		return
	}
	if c.life.Err() != nil {
		return
	}
	how := "it ended by itself"
	if err := part.Err(); err != nil {
		how = err.Error()
	}
	c.death.once.Do(func() {
		c.death.err = fmt.Errorf("the program of %s died (%s), and with it all that it held", what, how)
		close(c.death.done)
	})
}

// cut is a hook of the router: who calls a dead cloud is not answered.
func (c *Cloud) cut(endpoint.Call) error { return c.Err() }

// untilDeath is the handler of a log that says nothing once the cloud is dead: everything fails then, again
// and again, and the cause is Err.
type untilDeath struct {
	slog.Handler
	death *death
}

func (h untilDeath) Enabled(ctx context.Context, level slog.Level) bool {
	return !h.death.is() && h.Handler.Enabled(ctx, level)
}

func (h untilDeath) WithAttrs(attributes []slog.Attr) slog.Handler {
	return untilDeath{h.Handler.WithAttrs(attributes), h.death}
}

func (h untilDeath) WithGroup(name string) slog.Handler {
	return untilDeath{h.Handler.WithGroup(name), h.death}
}
