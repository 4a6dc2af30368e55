package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// leftAfter is how long an instance is left alone that nothing seems to need: longer than any that is ordered takes to be
// recorded, or than a record that was put back may be behind.
const leftAfter = time.Hour

// round looks for temporary instances that nothing needs: of a restoration that is over, or that nobody knows. Each holds a
// copy of a host's data, so they are told of, and go. They bear our mark, and no tenant was ever told of one.
func (h *Handler) round(ctx context.Context) error {
	all, err := h.Instances.List(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, i := range all {
		failures = append(failures, h.clear(ctx, i))
	}
	return errors.Join(failures...)
}

func (h *Handler) clear(ctx context.Context, i pool.RestoredInstance) error {
	why, err := h.needless(ctx, i)
	if err != nil || why == "" || h.Now().Sub(i.Made) < leftAfter {
		return err
	}
	h.Log.ErrorContext(ctx, "temporary instance was left", "instance", i.Name, "mark", i.Mark, "status", i.Status, "reason", why)
	if i.Status != "deleting" {
		if err := h.Announce.InstanceLeft(ctx, i, why); err != nil {
			return err
		}
	}
	if i.Status != "deleting" {
		// Commit point: it is on record before it is destroyed.
		if err := h.Ledger.Audit(ctx, pool.Audit{At: h.Now().UTC(), Message: i.Mark, What: "destroyed instance", Of: i.Name, Why: why}); err != nil {
			return err
		}
	}
	if err := h.Instances.Delete(ctx, i.Name, i.Mark); err != nil && !errors.Is(err, pool.ErrInTransit) {
		return fmt.Errorf("delete instance %s, which was left: %w", i.Name, err)
	}
	return nil
}

// needless says why nothing needs a temporary instance; empty: something does.
func (h *Handler) needless(ctx context.Context, i pool.RestoredInstance) (string, error) {
	tenant, number, ok := pool.RestorationID(i.Mark).Parse()
	if !ok {
		return fmt.Sprintf("its mark %q is of no restoration", i.Mark), nil
	}
	r, err := h.Ledger.Restoration(ctx, tenant)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return "nobody knows restoration " + i.Mark, nil
	case err != nil:
		return "", err
	case r.Number == number && r.Instance == i.Name && !r.State.Ended():
		return "", nil
	}
	return "restoration " + i.Mark + " is over", nil
}
