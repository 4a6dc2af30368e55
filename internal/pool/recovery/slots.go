package recovery

import (
	"fmt"
	"slices"

	"headroom/internal/pool"
)

// slots decides what a host's slots are. h is its record, with no slots if it is to be adopted.
func (p *planner) slots(h pool.Host, f Host) []pool.Slot {
	indexes := map[int]bool{}
	for _, s := range h.Slots {
		indexes[s.Index] = true
	}
	for _, s := range f.Slots {
		indexes[s.Index] = true
	}
	var slots []pool.Slot
	for index := 1; len(indexes) > 0; index++ {
		if !indexes[index] {
			continue
		}
		delete(indexes, index)
		slot := p.slotAt(h, index)
		if slot.State != pool.SlotQuarantined {
			slot.Doubt = ""
		}
		slots = append(slots, slot)
	}
	return slots
}

// stands chooses among the generations of a slot that stand on its host: the one that is somebody's, or else the last; of two
// that are both the last, the one of which less is certain.
func (p *planner) stands(host pool.HostID, index int) (at place, found bool) {
	rank := func(at place) [3]int {
		s := p.slot(at)
		_, held := p.holder[at]
		_, contested := p.contested[at]
		return [3]int{count(held), s.Generation, count(contested) + count(s.Open) + count(s.Holds)}
	}
	for i, s := range p.Found.Hosts[host].Slots {
		if one := (place{host, i}); s.Index == index && (!found || slices.Compare(slice(rank(one)), slice(rank(at))) > 0) {
			at, found = one, true
		}
	}
	return at, found
}

func slice(a [3]int) []int { return a[:] }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *planner) slotAt(h pool.Host, index int) pool.Slot {
	of := fmt.Sprintf("slot %s/%d", h.ID, index)
	s, recorded := pool.Slot{Index: index, State: pool.SlotPlanned}, false
	if r := h.Slot(index); r != nil {
		s, recorded = *r, true
	}
	at, found := p.stands(h.ID, index)
	if !found {
		return p.missing(h, s, of)
	}
	e := p.slot(at)
	if e.Generation < s.Generation {
		return p.doubt(s, of, "generation %d stands, which is before generation %d on record", e.Generation, s.Generation)
	}
	is := s // what stands, in the state of the record
	is.Generation, is.Name = e.Generation, e.Name
	if h.Kind == pool.Share {
		is.Bucket, is.Role, is.Share = e.Bucket, e.Role, e.Share
	}
	same := recorded && s.Generation == e.Generation && s.Name == e.Name
	if holder := p.holder[at]; holder != "" {
		return p.held(h, s, is, same, holder, of)
	}
	if why := p.contested[at]; why != "" {
		if same && (taken(s.State) && !p.forsaken(h, s) || s.State == pool.SlotOffered && p.claimed(h, s)) {
			return is
		}
		return p.quarantined(is, of, why)
	}
	if resting, known := p.resting[at]; known && !e.Open && !e.Holds { // a share may bear its tag
		return p.rested(h, s, is, same, resting, of)
	}
	if e.Open || e.Holds || e.Tenant != "" {
		if same && (taken(s.State) && !p.forsaken(h, s) || s.State == pool.SlotReturned || s.State == pool.SlotOffered && p.onShelf(h, s)) {
			return is // it is known whose it is or was, and what becomes of it
		}
		return p.quarantined(is, of, "it may hold somebody's data, and no tenant's secret or share says whose")
	}
	return p.empty(h, s, is, same, of)
}

// taken are the states of slots that nobody is given.
func taken(s pool.SlotState) bool {
	return slices.Contains([]pool.SlotState{pool.SlotAssigned, pool.SlotLeaving, pool.SlotQuarantined, pool.SlotRetired}, s)
}

// forsaken reports whether a slot is a tenant's by its own record, and by nothing else: the tenant is to have others, and nothing is
// under way that would clear it.
func (p *planner) forsaken(h pool.Host, s pool.Slot) bool {
	t, _ := p.planned(s.Tenant)
	is := func(has pool.Holding) bool { return has.Host == h.ID && has.Index == s.Index }
	return s.State == pool.SlotAssigned && t.State == pool.TenantReady && !is(t.Database) && !is(t.Share) && p.underWay(s.Tenant, is) == ""
}

// missing is a slot of which nothing stands.
func (p *planner) missing(h pool.Host, s pool.Slot, of string) pool.Slot {
	if taken(s.State) || s.State == pool.SlotPlanned {
		if s.State == pool.SlotAssigned {
			p.unsure("look for", of, "it is tenant %s's by the record, and does not stand", s.Tenant)
		}
		return s
	}
	if s.State == pool.SlotOffered && p.onShelf(h, s) && len(p.Found.Hosts[h.ID].Slots) == 0 {
		return s
	}
	return p.quarantined(s, of, "it does not stand on its host")
}

// doubt keeps what nobody is given, and quarantines what somebody could be.
func (p *planner) doubt(s pool.Slot, of, format string, args ...any) pool.Slot {
	if taken(s.State) {
		p.unsure("look at", of, format, args...)
		return s
	}
	return p.quarantined(s, of, fmt.Sprintf(format, args...))
}

// held is a slot that is a tenant's for certain.
func (p *planner) held(h pool.Host, s, is pool.Slot, same bool, holder pool.TenantID, of string) pool.Slot {
	if same && s.Tenant == holder && (s.State == pool.SlotAssigned || s.State == pool.SlotLeaving) {
		return is
	}
	if same && s.State == pool.SlotOffered && p.isHeld(h, s, holder) {
		return is // its claim is to be settled
	}
	is.State, is.Since, is.Tenant, is.Refill = pool.SlotAssigned, p.now, holder, 0
	p.does("give", of, "it is tenant %s's, and by the record it was %s", holder, worded(s))
	return is
}

// claimed reports whether a tenant holds a slot on the shelf.
func (p *planner) claimed(h pool.Host, s pool.Slot) bool {
	for id := range p.Shelves[h.Tier].Held {
		if p.isHeld(h, s, id) {
			return true
		}
	}
	return false
}

// isHeld reports whether one tenant holds a slot on the shelf.
func (p *planner) isHeld(h pool.Host, s pool.Slot, id pool.TenantID) bool {
	hold, held := p.Shelves[h.Tier].Held[id]
	return held && !p.stale[id] && slices.ContainsFunc(hold.Listed(), func(l pool.Listed) bool {
		return l.Kind == h.Kind && l.Host(h.Tier) == h.ID && l.Offer.Index == s.Index && l.Offer.Generation == s.Generation
	})
}

func worded(s pool.Slot) string {
	if s.Generation == 0 {
		return "not there"
	}
	if s.Tenant != "" {
		return fmt.Sprintf("%s (generation %d, tenant %s)", s.State, s.Generation, s.Tenant)
	}
	return fmt.Sprintf("%s (generation %d)", s.State, s.Generation)
}

// rested is a slot that a tenant was about to get, and does not: it is closed, and free, a while later.
func (p *planner) rested(h pool.Host, s, is pool.Slot, same bool, id pool.TenantID, of string) pool.Slot {
	if same && (taken(s.State) || s.State == pool.SlotReturned || s.State == pool.SlotOffered && p.onShelf(h, s)) {
		return is // it rests, or another has it by now
	}
	if _, known := p.planned(id); !known {
		return p.quarantined(is, of, "a signup of tenant "+string(id)+" was about to open it")
	}
	is.State, is.Since, is.Tenant, is.Refill = pool.SlotReturned, p.now, id, 0
	p.does("let rest", of, "a signup of tenant %s was about to open it", id)
	return is
}

// empty is a slot that holds nothing and is open to nobody.
func (p *planner) empty(h pool.Host, s, is pool.Slot, same bool, of string) pool.Slot {
	if !same {
		is.State, is.Since, is.Tenant, is.Refill = pool.SlotFree, p.now, "", 0
		p.does("free", of, "generation %d holds nothing and is open to nobody, and by the record it was %s", is.Generation, worded(s))
		return is
	}
	switch s.State {
	case pool.SlotAssigned:
		if p.underWay(s.Tenant, func(has pool.Holding) bool { return has.Host == h.ID && has.Index == s.Index }) != "" {
			break // it leaves, and wrote nothing
		}
		p.unsure("look at", of, "it is tenant %s's by the record, and is empty and shut", s.Tenant)
	case pool.SlotOffered:
		if !p.onShelf(h, s) {
			is.State, is.Since, is.Refill = pool.SlotFree, p.now, 0
			p.does("free", of, "it is set out by the record, and lies on no shelf")
		}
	case pool.SlotQuarantined:
		if s.Doubted() {
			is.State, is.Since, is.Tenant, is.Refill = pool.SlotReturned, p.now, "", 0
			p.does("give back", of, "it holds nothing and is open to nobody by now, and was quarantined because %s", s.Doubt)
		}
	case pool.SlotPlanned:
		if !h.State.Provisioning() {
			is.State, is.Since = pool.SlotFree, p.now
			p.does("free", of, "it stands, and by the record it is still to be made")
		}
	}
	return is
}

func (p *planner) quarantined(s pool.Slot, of, why string) pool.Slot {
	if s.State == pool.SlotQuarantined {
		p.unsure("look at", of, "%s", why)
		return s
	}
	s.State, s.Since, s.Refill, s.Doubt = pool.SlotQuarantined, p.now, 0, why
	p.does("quarantine", of, "%s", why)
	p.unsure("look at", of, "%s", why)
	return s
}
