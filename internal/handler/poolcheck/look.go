package poolcheck

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// view is what one check sees of a tier, and what is wanted of it.
type view struct {
	pool.Sight
	asked bool // whether the stop switch was looked at: it is when something is to be ordered
}

func (h *Handler) look(ctx context.Context, tier pool.Tier, doc pool.Document) (view, error) {
	s, err := ledger.Look(ctx, h.Ledger, tier, doc, h.Now())
	return view{Sight: s}, err
}

// decide plans both pools. Where something is to be ordered it asks first what keeps orders from being made at all, and
// plans under that.
func (h *Handler) decide(ctx context.Context, v *view) (map[pool.Kind]pool.Plan, error) {
	plans := v.Plans()
	if v.asked || len(plans[pool.Database].Actions)+len(plans[pool.Share].Actions) == 0 {
		return plans, nil
	}
	var err error
	if v.Stops, err = h.Ledger.Stops(ctx); err != nil {
		return nil, fmt.Errorf("read the stop switch, before which nothing is ordered: %w", err)
	}
	if v.Sight, err = ledger.LookAtQuotas(ctx, h.Ledger, v.Sight); err != nil {
		return nil, fmt.Errorf("read the quotas, before which nothing is ordered: %w", err)
	}
	v.asked = true
	return v.Plans(), nil
}

// note notes in the tier's outlook who came since it was written, and what is planned for that. Of checks at once one
// notes it, and the others plan with what that one saw. The view goes on with the outlook, written or not: an outlook that
// can't be written keeps no host from being ordered.
func (h *Handler) note(ctx context.Context, v *view) (plans map[pool.Kind]pool.Plan, err error) {
	noted := ledger.UpdateOutlook(ctx, h.Ledger, v.Tier, func(read pool.Outlook) (pool.Outlook, error) {
		v.Outlook = v.Noted(read)
		if plans, err = h.decide(ctx, v); err != nil {
			return read, ledger.ErrUnchanged
		}
		after := v.Planned(plans)
		if !after.News(read) {
			return read, ledger.ErrUnchanged
		}
		v.Outlook = after
		return after, nil
	})
	if err != nil {
		return nil, err
	}
	if noted != nil {
		noted = fmt.Errorf("note who came to tier %s: %w", v.Tier, noted)
	}
	if plans == nil { // it could not be read either
		plans, err = h.decide(ctx, v)
	}
	return plans, errors.Join(noted, err)
}
