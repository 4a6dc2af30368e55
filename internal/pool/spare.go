package pool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// emptyFor is how long a host has been empty, and in service, before it may be retired: what was ordered or let in again
// lately is not sent away at once, and neither is one whose tenant has just left.
const emptyFor = 6 * time.Hour

// Spare says how many slots a pool could do without, and why not more, in words with the numbers: less than none where it
// lacks some, or must not lose a host for another reason.
type Spare struct {
	Slots int
	Why   string
}

// Spares looks whether a pool has slots to spare, beyond all that was wanted within the policy's keepEmpty, or is scheduled
// within as much. What is still coming counts for nothing: a pool that waits for a host, or has somebody waiting, spares none.
// plan is what was decided on the same look.
func Spares(o Observed, p Policy, plan Plan, known Outlook, now time.Time) Spare {
	keep := time.Duration(p.KeepEmpty)
	none := func(format string, args ...any) Spare { return Spare{Slots: -1, Why: fmt.Sprintf(format, args...)} }
	c := o.Record.Counters
	peak, since := known.Peak(p.Kind, keep, now)
	switch {
	case keep <= 0:
		return none("keepEmpty is 0: no host is retired")
	case o.Waiting > 0:
		return none("%d waiting for slots", o.Waiting)
	case c.Provisioning > 0:
		return none("hosts provisioning: %d", c.Provisioning)
	case len(plan.Actions) > 0 || len(plan.Held) > 0:
		return none("hosts are wanted: %d ordered, %d held back", len(plan.Actions), plan.Missing())
	case since.IsZero() || now.Sub(since) < keep:
		return none("what was wanted is not known for %s yet", keep)
	case c.InService <= p.Floor:
		return none("floor %d hosts, there are %d in service", p.Floor, c.InService)
	}
	need, why := plan.Buffer, "wanted now"
	if peak > need {
		need, why = peak, fmt.Sprintf("the largest buffer of %s", keep)
	}
	if ahead, until := p.scheduled(now, keep); ahead > need {
		need, why = ahead, "scheduled until "+until.UTC().Format(time.RFC3339)
	}
	free := o.Free(p)
	return Spare{Slots: free - need, Why: fmt.Sprintf("%d free, %d %s", free, need, why)}
}

// Retiree is the host of a pool that is to be retired, and why; or why none is.
type Retiree struct {
	Host HostID // empty: none
	Why  string
}

// ChooseEmpty chooses which host of a pool is retired, of those that were looked at: one that has been empty for long, and
// without which what is spare stays so. Of several, one with nothing on the shelf, and then the one that was empty longest.
func ChooseEmpty(s Spare, hosts []Host, p Policy, shelf Shelf, now time.Time) Retiree {
	var fit []Host
	least := 0
	for _, h := range hosts {
		if h.Key() != p.Key() || h.Keeps(shelf, now) != "" {
			continue
		}
		gives := h.gives(p)
		if least == 0 || gives < least {
			least = gives
		}
		if gives <= s.Slots {
			fit = append(fit, h)
		}
	}
	switch {
	case s.Slots <= 0:
		return Retiree{Why: s.Why}
	case len(fit) == 0 && least > 0:
		return Retiree{Why: fmt.Sprintf("%s: an empty host takes %d slots away, and %d can be spared", s.Why, least, s.Slots)}
	case len(fit) == 0:
		return Retiree{Why: fmt.Sprintf("%s; no host has been empty for %s", s.Why, emptyFor)}
	}
	chosen := slices.MinFunc(fit, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.count(SlotOffered), b.count(SlotOffered)), a.emptySince().Compare(b.emptySince()), cmp.Compare(a.ID, b.ID))
	})
	return Retiree{Host: chosen.ID, Why: fmt.Sprintf("empty since %s; %s, and %d without it",
		chosen.emptySince().UTC().Format(time.RFC3339), s.Why, freeOf(s, chosen, p))}
}

// freeOf is how many slots stay free beyond what is needed once a host is gone.
func freeOf(s Spare, h Host, p Policy) int { return s.Slots - h.gives(p) }

// Keeps says why a host in service is not one to be retired, as it and the shelf stand, whatever its pool can spare;
// empty: it may be.
func (h Host) Keeps(s Shelf, now time.Time) string {
	switch why := h.NotEmpty(s); {
	case h.State != HostInService:
		return fmt.Sprintf("it is %s", h.State)
	case h.Protected != "":
		return "it is protected, by " + h.Protected
	case h.Repair > 0:
		return fmt.Sprintf("it is being repaired (%s.%d)", h.ID, h.Repair)
	case h.Step != "":
		return fmt.Sprintf("step %s of it is to be done", h.Step)
	case why != "":
		return why
	}
	if since := h.emptySince(); now.Sub(since) < emptyFor {
		return fmt.Sprintf("it is empty, or in service, since %s only; an empty host is kept for %s", since.UTC().Format(time.RFC3339), emptyFor)
	}
	return ""
}

// NotEmpty says what a host has that is not free: a slot that is somebody's, was, or may become it; empty: nothing. Slots on
// the shelf's lists are free.
func (h Host) NotEmpty(s Shelf) string {
	for _, slot := range h.Slots {
		switch slot.State {
		case SlotFree, SlotOffered, SlotRetired:
		case SlotAssigned:
			return fmt.Sprintf("slot %d is of tenant %s", slot.Index, slot.Tenant)
		default:
			return fmt.Sprintf("slot %d is %s", slot.Index, slot.State)
		}
	}
	_, seq, _ := h.ID.Parse()
	for _, tenant := range slices.Sorted(maps.Keys(s.Held)) {
		for _, l := range s.Held[tenant].Listed() {
			if l.Kind == h.Kind && l.Offer.Host == seq {
				return fmt.Sprintf("slot %d was claimed by tenant %s", l.Offer.Index, tenant)
			}
		}
	}
	for _, w := range s.Withdrawn {
		if w.Kind == h.Kind && w.Offer.Host == seq && w.Tenant != "" {
			return fmt.Sprintf("slot %d is taken back from tenant %s", w.Offer.Index, w.Tenant)
		}
	}
	return ""
}

// OnShelf reports whether a shelf names a host in any way: offers, holds, what is on its way back, or a refill.
func (h Host) OnShelf(s Shelf) bool {
	_, seq, _ := h.ID.Parse()
	mine := func(l Listed) bool { return l.Kind == h.Kind && l.Offer.Host == seq }
	return s.hostsOf(h.Kind)[seq] || slices.ContainsFunc(s.Withdrawn, mine) || s.Refill != nil && slices.ContainsFunc(s.Refill.Offers, mine)
}

// emptySince is since when every slot of a host has stood as it does, and the host itself.
func (h Host) emptySince() time.Time {
	since := h.Since
	for _, slot := range h.Slots {
		since = later(since, slot.Since)
	}
	return since
}

// gives is how many of a pool's free slots are a host's, under a policy.
func (h Host) gives(p Policy) int {
	return h.count(SlotOffered) + min(h.Free(), max(0, p.Limit()-h.Used()))
}
