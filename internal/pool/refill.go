package pool

import (
	"slices"
	"time"
)

// Lacks is how many slots of a kind a refill should set out: none while more than half of them are there, because
// refills in small bits would be many. Where claims crowd, more is set out.
func (s Shelf) Lacks(k Kind, now time.Time) int {
	low, full := ShelfLow, ShelfSize
	if crowded(len(s.Held), s.Settled, now) {
		low, full = ShelfSize, ShelfMost
	}
	if n := len(s.Offers(k)); n <= low {
		return full - n
	}
	return 0
}

// hostsOf numbers the hosts of a kind that have offers or holds on the shelf.
func (s Shelf) hostsOf(k Kind) map[int]bool {
	hosts := map[int]bool{}
	for _, o := range s.Offers(k) {
		hosts[o.Host] = true
	}
	for _, hold := range s.Held {
		for _, l := range hold.Listed() {
			if l.Kind == k {
				hosts[l.Offer.Host] = true
			}
		}
	}
	return hosts
}

// heldSlots are the slots of a kind that holds have.
func (s Shelf) heldSlots(k Kind) map[Offer]bool {
	held := map[Offer]bool{}
	for _, hold := range s.Held {
		for _, l := range hold.Listed() {
			if l.Kind == k {
				held[l.Offer.slot()] = true
			}
		}
	}
	return held
}

// slot is an offer as far as it says which generation of which slot it is.
func (o Offer) slot() Offer { return Offer{Host: o.Host, Index: o.Index, Generation: o.Generation} }

// Choose decides which slots of which hosts a refill sets out, and in which order: with pack the
// fullest host is emptied before the next is begun, with spread each slot comes from the host that
// has the fewest tenants at that point. hosts are candidates in service; no host goes over the
// policy's limit of tenants, and no more than ShelfHosts hosts come to lie on the shelf. A slot that a hold has is none, though a
// recovery may have freed it in its host's record: once the hold is given back the slot would be freed as it lies on the shelf.
func Choose(s Shelf, hosts []Host, p Policy, room int) []Offer {
	onShelf, held := s.hostsOf(p.Kind), s.heldSlots(p.Kind)
	type candidate struct {
		host Host
		seq  int
		used int
		free []Slot
	}
	var candidates []*candidate
	for _, h := range hosts {
		_, seq, err := h.ID.Parse()
		if err != nil || h.State != HostInService {
			continue
		}
		c := &candidate{host: h, seq: seq, used: h.Used()}
		for _, slot := range h.Slots {
			if slot.State == SlotFree && !held[slot.Offer(h.ID).slot()] {
				c.free = append(c.free, slot)
			}
		}
		if left := p.Limit() - c.used; left < len(c.free) {
			c.free = c.free[:max(0, left)]
		}
		if len(c.free) > 0 {
			candidates = append(candidates, c)
		}
	}
	better := func(a, b *candidate) int {
		if a.used != b.used {
			if p.Placement == Spread {
				return a.used - b.used
			}
			return b.used - a.used
		}
		return a.seq - b.seq
	}
	var offers []Offer
	for len(offers) < room && len(candidates) > 0 {
		slices.SortStableFunc(candidates, better)
		at := slices.IndexFunc(candidates, func(c *candidate) bool {
			return onShelf[c.seq] || len(onShelf) < ShelfHosts
		})
		if at < 0 {
			break
		}
		c := candidates[at]
		slot := c.free[0]
		onShelf[c.seq] = true
		offers = append(offers, slot.Offer(c.host.ID))
		c.used++
		if c.free = c.free[1:]; len(c.free) == 0 {
			candidates = slices.Delete(candidates, at, at+1)
		}
	}
	return offers
}

// SetOut decides once for all which slots of a refill are set out of one host, and marks them so in
// the host's record. It returns the host and the offers that hold; the others must not come onto the
// shelf. The slots of a host that is not in service are refused, by leaving the refill's number at
// the free slot: were that not written, another reconciler could find the host in service again and set
// out slots that the first had already left out of the shelf.
func SetOut(h Host, r Refill, now time.Time) (Host, []Offer) {
	out := h.Clone()
	_, seq, _ := h.ID.Parse()
	var good []Offer
	for _, o := range r.Of(h.Kind) {
		slot := out.Slot(o.Index)
		if o.Host != seq || slot == nil || slot.Generation != o.Generation {
			continue
		}
		switch {
		case slot.State == SlotOffered && slot.Refill == r.Number:
			good = append(good, o)
		case slot.State != SlotFree || slot.Refill == r.Number: // not ours, or refused before
		case h.State != HostInService:
			slot.Refill = r.Number
		case slot.move(SlotOffered, now):
			slot.Refill = r.Number
			good = append(good, o)
		}
	}
	return out, good
}

// PutBack marks withdrawn slots in their host's record: as free, as the tenant's that moves there, and those that a tenant held
// as returned, also when a reconciler has just made them the tenant's. withdrawn are of the host's kind and number.
func PutBack(h Host, withdrawn []Listed, now time.Time) Host {
	out := h.Clone()
	for _, w := range withdrawn {
		slot := out.offered(w.Offer)
		switch {
		case slot != nil && w.Moves:
			slot.move(SlotAssigned, now)
			slot.Tenant = w.Tenant
		case w.Moves:
			continue // it was done before
		case slot != nil && w.Tenant == "":
			slot.move(SlotFree, now)
		case slot != nil:
			slot.move(SlotReturned, now)
			slot.Tenant = w.Tenant
		case w.Tenant != "":
			out.takeBack(w.Offer.Index, w.Offer.Generation, w.Tenant, now)
			continue
		default:
			continue
		}
		slot.Refill = 0
	}
	return out.closing(now)
}

// TakeBack marks a slot as returned that is a tenant's by its host's record, and that the tenant does not get.
func TakeBack(h Host, has Holding, tenant TenantID, now time.Time) Host {
	out := h.Clone()
	out.takeBack(has.Index, has.Generation, tenant, now)
	return out.closing(now)
}

func (h *Host) takeBack(index, generation int, tenant TenantID, now time.Time) {
	slot := h.Slot(index)
	if slot != nil && slot.Generation == generation && slot.State == SlotAssigned && slot.Tenant == tenant {
		slot.move(SlotReturned, now)
	}
}

// closing begins the closing of returned slots of a host in service that is at rest.
func (h Host) closing(now time.Time) Host {
	if h.State == HostInService && h.Step == "" {
		return Onward(h, now)
	}
	return h
}

// Assign marks slots as their tenants' in their host's record. taken are of the host's kind and number.
func Assign(h Host, taken []Listed, now time.Time) Host {
	out := h.Clone()
	for _, l := range taken {
		if slot := out.offered(l.Offer); slot != nil && slot.move(SlotAssigned, now) {
			slot.Tenant, slot.Refill = l.Tenant, 0
		}
	}
	return out
}

// offered finds the slot of an offer, if it is set out in this generation; else nil.
func (h *Host) offered(o Offer) *Slot {
	if slot := h.Slot(o.Index); slot != nil && slot.State == SlotOffered && slot.Generation == o.Generation {
		return slot
	}
	return nil
}

// move is MoveSlot in place; false when the slot is there already or can't go there.
func (s *Slot) move(to SlotState, now time.Time) bool {
	moved, err := MoveSlot(*s, to, now)
	if err != nil || moved.State == s.State {
		return false
	}
	*s = moved
	return true
}
