package pool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// When many tenants leave, few hosts become empty: each keeps some. Where a pool's policy says so, its emptiest database host is
// drained by itself, if the others can take its tenants over and keep all free that is wanted; it comes back if it is needed
// after all.

// steadyFor is how long a host is in service, and its tenants are on it, before it is drained by itself: nobody is moved twice
// within that, and a host that was needed again is not drained again at once.
const steadyFor = 6 * time.Hour

// Gathers says why a pool drains none of its hosts by itself, whatever these are; empty: it may.
func (p Policy) Gathers(o Observed, s Spare) string {
	switch {
	case p.Kind != Database || !p.Consolidate || p.DrainPace <= 0:
		return "consolidate is off: no host is drained by itself"
	case o.Record.Counters.CordonedUsed > 0: // one after the other; what is kept on one that is emptied keeps no other
		return fmt.Sprintf("there are tenants on cordoned hosts: %d", o.Record.Counters.CordonedUsed)
	case s.Slots <= 0:
		return s.Why
	}
	return ""
}

// ChooseSparse chooses which host of a pool is drained by itself, of those that were looked at, the emptiest ones: the one with the
// fewest tenants, if these have half of its slots at most, and what the pool can spare is as much as its free slots and a slot for each of them. s and o are of the same look.
func ChooseSparse(o Observed, s Spare, hosts []Host, p Policy, shelf Shelf, now time.Time) Retiree {
	if why := p.Gathers(o, s); why != "" {
		return Retiree{Why: why}
	}
	var fit []Host
	least := 0
	for _, h := range hosts {
		tenants := h.tenants(shelf)
		if h.Key() == p.Key() && tenants == 0 && h.NotEmpty(shelf) == "" && h.State == HostInService && h.Protected == "" {
			return Retiree{Why: fmt.Sprintf("%s; host %s is empty, and goes first", s.Why, h.ID)}
		}
		if h.Key() != p.Key() || tenants == 0 || 2*tenants > len(h.Slots) || h.settled(now) != "" {
			continue
		}
		takes := h.gives(p) + tenants
		if least == 0 || takes < least {
			least = takes
		}
		if takes <= s.Slots {
			fit = append(fit, h)
		}
	}
	switch {
	case len(fit) > 0:
	case least > 0:
		return Retiree{Why: fmt.Sprintf("%s: a host less takes %d slots, those of its tenants among them, and %d can be spared", s.Why, least, s.Slots)}
	default:
		return Retiree{Why: fmt.Sprintf("%s; no host is at most half full, and has stood as it does for %s", s.Why, steadyFor)}
	}
	chosen := slices.MinFunc(fit, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.tenants(shelf), b.tenants(shelf)), cmp.Compare(a.count(SlotOffered), b.count(SlotOffered)), cmp.Compare(a.ID, b.ID))
	})
	return Retiree{Host: chosen.ID, Why: fmt.Sprintf("its tenants (%d) have room on others: %s, and %d without it",
		chosen.tenants(shelf), s.Why, s.Slots-chosen.gives(p)-chosen.tenants(shelf))}
}

// tenants is how many have slots of a host, those included whose claims are not settled yet.
func (h Host) tenants(s Shelf) int {
	n := h.Assigned()
	_, seq, _ := h.ID.Parse()
	for _, hold := range s.Held {
		for _, l := range hold.Listed() {
			if l.Kind == h.Kind && l.Offer.Host == seq {
				n++
			}
		}
	}
	return n
}

// settled says why a host is not drained by itself, whatever its pool can spare; empty: it may be.
func (h Host) settled(now time.Time) string {
	switch {
	case h.State != HostInService:
		return fmt.Sprintf("it is %s", h.State)
	case h.Protected != "":
		return "it is protected, by " + h.Protected
	case h.Repair > 0 || h.Step != "" || h.Gateways > 0:
		return "something is to be done for it"
	case now.Sub(h.Since) < steadyFor:
		return fmt.Sprintf("it is in service since %s only", h.Since.UTC().Format(time.RFC3339))
	}
	for _, slot := range h.Slots {
		switch {
		case slot.State == SlotQuarantined || slot.State == SlotPlanned || slot.State == SlotReturned:
			return fmt.Sprintf("slot %d is %s", slot.Index, slot.State)
		case slot.State == SlotAssigned && now.Sub(slot.Since) < steadyFor:
			return fmt.Sprintf("tenant %s is on it since %s only", slot.Tenant, slot.Since.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// byItself is how a host that the pool check drained says by whom.
const byItself = "the pool check: "

// DrainSparse drains a host of a pool by itself.
func DrainSparse(h Host, why string, now time.Time) (Host, error) {
	if held := h.settled(now); held != "" {
		return h, fmt.Errorf("drain host %s: %s", h.ID, held)
	}
	return Drain(h, byItself+why, now)
}

// Undrain has a host that was drained by itself take tenants again.
func Undrain(h Host, why string, now time.Time) (Host, error) {
	out := h.Clone()
	out.Drained = ""
	return Reconsider(out, now, "drained no more: "+why)
}

// DrainedByItself reports whether the pool check drained the host, and not a person.
func (h Host) DrainedByItself() bool { return strings.HasPrefix(h.Drained, byItself) }

// Wanted says why a host that was drained by itself is to take tenants again; empty: it is not.
func (h Host) Wanted(o Observed, p Policy, plan Plan) string {
	switch {
	case !h.DrainedByItself():
		return ""
	case !p.Consolidate || p.DrainPace <= 0:
		return "its pool's policy has hosts drained by themselves no more"
	case h.Protected != "":
		return "it is protected, by " + h.Protected
	case o.Waiting > 0:
		return fmt.Sprintf("%d waiting for slots", o.Waiting)
	case len(plan.Actions)+plan.Missing() > 0:
		return "it is needed: " + plan.Reason
	}
	return ""
}
