package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// refusedWait is how long to wait after the guard has refused a call.
const refusedWait = 5 * time.Minute

// errRefused is a call that the guard refused.
var errRefused = errors.New("the guard refuses it")

// condemned is something of a host that is retired, as it was observed just now.
type condemned struct {
	what, name, want string
	mark, wantMark   string
	found            []string
}

// observe reads all that the destruction of something of a host depends on, consistently, and the shelf after the host.
func (h *Handler) observe(ctx context.Context, of pool.Host, c condemned) (pool.RetireTarget, error) {
	t := pool.RetireTarget{What: c.what, Name: c.name, Want: c.want, Mark: c.mark, WantMark: c.wantMark, Found: c.found, Step: of.Step}
	fail := func(err error) (pool.RetireTarget, error) {
		return t, fmt.Errorf("look at host %s before %s %q is destroyed: %w", of.ID, c.what, c.name, err)
	}
	var err error
	if t.Host, err = h.Ledger.Host(ctx, of.ID); err != nil {
		return fail(err)
	}
	if t.Shelf, err = h.Ledger.Shelf(ctx, of.Tier); err != nil {
		return fail(err)
	}
	if t.Repair, err = h.Ledger.Repair(ctx, of.ID); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return fail(err)
	}
	if t.Bays, err = h.Ledger.Bays(ctx); err != nil {
		return fail(err)
	}
	if t.Stops, err = h.Ledger.Stops(ctx); err != nil {
		return fail(err)
	}
	return t, nil
}

// allow has the guard decide on all that is read just now. It stands directly before each call that destroys something of a
// host that is retired.
func (h *Handler) allow(ctx context.Context, host pool.Host, c condemned) error {
	t, err := h.observe(ctx, host, c)
	if err != nil {
		return err
	}
	if reasons := pool.GuardRetire(t); len(reasons) > 0 {
		return fmt.Errorf("destroy %s %q: %w: %s", c.what, c.name, errRefused, strings.Join(reasons, "; "))
	}
	// Commit point: it is on record before it is destroyed, and again when that is tried again.
	return h.destroyed(ctx, host, c.what, c.name, host.Why)
}

func (h *Handler) destroyed(ctx context.Context, host pool.Host, what, name, why string) error {
	return h.Ledger.Audit(ctx, pool.Audit{
		At: h.Now().UTC(), Message: string(host.ID) + "/" + host.Mark, What: "destroyed " + what, Of: name,
		Why: fmt.Sprintf("step %s of the retirement of host %s: %s", host.Step, host.ID, why),
	})
}

// held has a host wait that the guard refused. A stop switch may be on for days, and no try of the step fails by it; any
// other refusal is found by the step's deadline, and given up with its reason.
func (h *Handler) held(ctx context.Context, host pool.Host, refusal error) (progress, error) {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return progress{}, err
	}
	if stops.On(pool.StopDestroy) {
		host.Tries, host.Due = 0, h.Now().Add(pool.Deadline(host.Step))
	}
	if host.Failed(refusal).Error != host.Error {
		h.Log.ErrorContext(ctx, "refused to destroy", "host", host.ID, "step", host.Step, "reason", refusal.Error())
	}
	return progress{Record: host, Wait: refusedWait, Because: refusal}, nil
}

// guarded does a step of a retirement; what the guard refuses waits.
func (h *Handler) guarded(do func(context.Context, pool.Host) (progress, error)) func(context.Context, pool.Host) (progress, error) {
	return func(ctx context.Context, host pool.Host) (progress, error) {
		p, err := do(ctx, host)
		if errors.Is(err, errRefused) {
			return h.held(ctx, host, err)
		}
		return p, err
	}
}
