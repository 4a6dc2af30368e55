package recovery

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
	plans "headroom/internal/pool/recovery"
)

// slot does what a person wants done about a slot that a recovery quarantined, and answers. It may come at any time: what is held, and
// what is planned, stays as it is.
func (h *Handler) slot(ctx context.Context, d events.Delivery) error {
	q, err := events.ParseSlotRequest([]byte(d.Body))
	if err != nil {
		return h.unread(ctx, d, err)
	}
	record, err := h.Ledger.Recovery(ctx)
	if err != nil || record.Slot.Message == d.ID {
		return err // it was answered before
	}
	host, digits, _ := strings.Cut(q.Slot, "/")
	index, err := strconv.Atoi(digits)
	if err != nil {
		return fmt.Errorf("read the number of slot %s: %w", q.Slot, err)
	}
	answer := plans.Answer{Message: d.ID, Of: q.Slot}
	change := h.giveBack
	if q.Action == events.SlotRetire {
		change = h.retire
	}
	if answer.Came, answer.Done, err = change(ctx, pool.HostID(host), index); err != nil {
		return fmt.Errorf("%s for slot %s: %w", q.Action, q.Slot, err)
	}
	h.Log.InfoContext(ctx, "slot", "slot", q.Slot, "action", q.Action, "done", answer.Done, "came", answer.Came)
	if record, err = h.Ledger.Recovery(ctx); err != nil {
		return err
	}
	after := record.Clone()
	after.Slot = answer
	return h.Ledger.SaveRecovery(ctx, record, after)
}

// giveBack gives a slot back, if all that is found says that it is nobody's. It destroys nothing: who says that it is empty is whoever
// looks.
func (h *Handler) giveBack(ctx context.Context, id pool.HostID, index int) (came string, done bool, err error) {
	s, err := h.see(ctx)
	if err != nil {
		return "", false, err
	}
	b, err := h.books(ctx, s)
	if err != nil {
		return "", false, err
	}
	host := b.Hosts[id]
	if is := host.Slot(index); is != nil && is.State == pool.SlotReturned {
		return "it rests, is closed then, and is free", true, nil // killed before it was answered
	}
	c, why, err := plans.Release(b, plans.Gather(b.Books, s.seen, s.look), id, index, h.Now())
	if err != nil || why != "" {
		return why, false, err
	}
	// Commit point: it is given back, on the condition that nothing of its host has changed since.
	if err := h.Ledger.SaveHost(ctx, c.Before, c.After, c.Outcome, h.Now()); err != nil {
		return "", false, err
	}
	return "it is nobody's: it rests, is closed then, and is free", true, nil
}

// retire takes a slot out of use.
func (h *Handler) retire(ctx context.Context, id pool.HostID, index int) (came string, done bool, err error) {
	const retired = "it is out of use, for good"
	before, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return "its host is not on record", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if is := before.Slot(index); is != nil && is.State == pool.SlotRetired {
		return retired, true, nil // killed before it was answered
	}
	after, err := pool.RetireDoubted(before, index, h.Now())
	if err != nil {
		return err.Error(), false, nil
	}
	if err := h.Ledger.SaveHost(ctx, before, after, pool.Neutral, h.Now()); err != nil {
		return "", false, err
	}
	return retired, true, nil
}
