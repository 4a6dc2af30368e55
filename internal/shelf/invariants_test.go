package shelf

import (
	"context"
	"fmt"
	"slices"

	"headroom/internal/pool"
)

// places lists where on the shelf each slot is, by host and index.
func places(s pool.Shelf) map[pool.HostID]map[int][]string {
	out := map[pool.HostID]map[int][]string{}
	note := func(k pool.Kind, o pool.Offer, place string) {
		id := pool.Key{Kind: k, Tier: s.Tier}.Host(o.Host)
		if out[id] == nil {
			out[id] = map[int][]string{}
		}
		out[id][o.Index] = append(out[id][o.Index], place)
	}
	for _, k := range pool.Kinds {
		for _, o := range s.Offers(k) {
			note(k, o, "list")
		}
	}
	if s.Refill != nil {
		for _, l := range s.Refill.Offers {
			note(l.Kind, l.Offer, "refill")
		}
	}
	for _, w := range s.Withdrawn {
		note(w.Kind, w.Offer, "withdrawn")
	}
	for id, hold := range s.Held {
		note(pool.Database, hold.Database, "held by "+string(id))
		note(pool.Share, hold.Share, "held by "+string(id))
	}
	return out
}

// check says what is wrong with the world: each slot must be in exactly one place, and the counters
// must be the sums of what the hosts contribute.
func (w *world) check() error {
	ctx := context.Background()
	shelf, err := w.ledger.Shelf(ctx, tier)
	if err != nil {
		return err
	}
	at := places(shelf)
	sums := map[pool.Key]pool.Counters{}
	owners := map[pool.TenantID][]string{}
	for _, id := range w.hosts {
		h, err := w.ledger.Host(ctx, id)
		if err != nil {
			return err
		}
		sums[h.Key()] = sums[h.Key()].Add(pool.Contribution(h))
		for _, slot := range h.Slots {
			if err := misplaced(slot, at[id][slot.Index]); err != nil {
				return fmt.Errorf("%s/%d: %w", id, slot.Index, err)
			}
			if slot.State == pool.SlotAssigned {
				owners[slot.Tenant] = append(owners[slot.Tenant], fmt.Sprintf("%s/%d", id, slot.Index))
			}
		}
		if len(at[id]) > 0 && shelf.Refill == nil && shelf.Hosts[id] == (pool.Access{}) && reachable(at[id]) {
			return fmt.Errorf("the shelf has slots of %s and no access to it", id)
		}
	}
	for key, sum := range sums {
		record, err := w.ledger.Pool(ctx, key)
		if err != nil {
			return err
		}
		if record.Counters != sum {
			return fmt.Errorf("counters of %s are %+v, the hosts' sum is %+v", key, record.Counters, sum)
		}
	}
	for _, id := range w.tenants {
		t, err := w.ledger.Tenant(ctx, id)
		if err != nil || !t.Named() {
			continue
		}
		has := []string{fmt.Sprintf("%s/%d", t.Database.Host, t.Database.Index), fmt.Sprintf("%s/%d", t.Share.Host, t.Share.Index)}
		for _, slot := range owners[id] {
			if !slices.Contains(has, slot) {
				return fmt.Errorf("%s is assigned to tenant %s, who has %v", slot, id, has)
			}
		}
	}
	return nil
}

// reachable reports whether one of a host's slots can be claimed, or is.
func reachable(slots map[int][]string) bool {
	for _, at := range slots {
		if len(at) > 0 && at[0] != "withdrawn" {
			return true
		}
	}
	return false
}

// misplaced says what is wrong with where a slot is on the shelf.
func misplaced(slot pool.Slot, at []string) error {
	if len(at) > 1 {
		return fmt.Errorf("is in several places: %v", at)
	}
	place := ""
	if len(at) == 1 {
		place = at[0]
	}
	switch slot.State {
	case pool.SlotFree: // in the host, or on its way from or to it
		if place != "" && place != "refill" && place != "withdrawn" {
			return fmt.Errorf("is free, and %s", place)
		}
	case pool.SlotOffered:
		if place == "" {
			return fmt.Errorf("leaked: is offered, and not on the shelf")
		}
	case pool.SlotAssigned: // and the hold may not be forgotten yet
		if place != "" && place != "held by "+string(slot.Tenant) {
			return fmt.Errorf("is %s's, and %s", slot.Tenant, place)
		}
	case pool.SlotReturned: // it rests, and may be on its way back still
		if place != "" && place != "withdrawn" {
			return fmt.Errorf("was returned, and %s", place)
		}
	default:
		return fmt.Errorf("is %q", slot.State)
	}
	return nil
}
