package pool

import (
	"maps"
	"slices"
	"time"
)

const (
	// ShelfSize is how many pairs a full shelf sets out. With ShelfMost, ShelfHosts and HeldMost it bounds
	// the size of the shelf's record, and so the write units of a claim.
	ShelfSize = 40
	// ShelfMost is how many pairs are set out when signups come faster than refills.
	ShelfMost = 60
	// ShelfHosts is how many hosts of a kind may have slots on the shelf at once, set out or held.
	ShelfHosts = 10
	// HeldMost is how many unsettled claims there may be: further ones come later.
	HeldMost = 80
	// ShelfLow is how many pairs are left when the shelf is refilled: large refills are few.
	ShelfLow = 20
	// shelfStep is how many pairs lie between the claims that ask for the shelf to be reconciled.
	shelfStep = 10
	// shelfEnd is how many pairs are left when each claim asks, because the pool may be at its end.
	shelfEnd = 5
	// ShelfHeld is how many unsettled claims are worth settling: a host's record is written once for all of
	// its slots. Nothing waits for a claim to be settled.
	ShelfHeld = 20
	// heldMany is how many unsettled claims are a crowd, and crowdTime how soon after claims were settled others
	// are one.
	heldMany  = 25
	crowdTime = 10 * time.Second
	// SettleAfter is how long claims may wait for others to be settled with.
	SettleAfter = 15 * time.Minute
)

// Offer is a slot that is set out, with what opening it takes.
type Offer struct {
	Host       int    // the host's number in its pool
	Index      int    // the slot's index in the host
	Generation int    // the slot's generation
	Name       string // the slot's name
	Share      string // ID of the share ("share-…"); empty for a database
}

// Hold is a claim that is not settled yet: what a tenant took from the shelf.
type Hold struct {
	Database Offer
	Share    Offer
}

// Listed words both slots of a hold.
func (h Hold) Listed() []Listed {
	return []Listed{{Kind: Database, Offer: h.Database}, {Kind: Share, Offer: h.Share}}
}

// Refill is a refill under way: slots that are being set out. It is written into the shelf before any host
// is touched, and the next reconciliation may finish it.
type Refill struct {
	Number int64     // counts a shelf's refills, from 1
	At     time.Time // when it began
	Offers []Listed
}

// RefillTime is how long a refill is left to its maker, before others finish it.
const RefillTime = 10 * time.Second

// Of lists the offers of one kind.
func (r Refill) Of(k Kind) []Offer {
	var offers []Offer
	for _, l := range r.Offers {
		if l.Kind == k {
			offers = append(offers, l.Offer)
		}
	}
	return offers
}

// Shelf is what is set out for the signups of one tier: databases and shares in the order in which
// they are taken, always in pairs.
type Shelf struct {
	Tier      Tier
	Databases []Offer
	Shares    []Offer
	Hosts     map[HostID]Access // of every host that has an offer or a hold here
	Held      map[TenantID]Hold
	Settled   time.Time // when holds were settled last; zero: never

	Refills   int64    // number of the last refill
	Refill    *Refill  // under way; nil when there is none
	Withdrawn []Listed // taken back from the shelf, and on their way back into their hosts

	Tail  int64 // number of the last tenant that had to wait
	Queue int64 // not 0: tenants up to this number may be waiting, and are served first

	Signups int64 // tenants that came so far: those that claimed, and those that had to wait

	Version int64 // moves with every write
}

// Listed is an offer with its kind, which says on which list it belongs.
type Listed struct {
	Kind   Kind
	Offer  Offer
	Tenant TenantID // of what is withdrawn: who held it, and may have opened it; empty: nobody
	Moves  bool     // the tenant did not hold it, but moves there: it becomes its own
}

// List words offers of one kind.
func List(k Kind, offers []Offer) []Listed {
	var listed []Listed
	for _, o := range offers {
		listed = append(listed, Listed{Kind: k, Offer: o})
	}
	return listed
}

// Host is the host that has the slot, on a shelf of a tier.
func (l Listed) Host(tier Tier) HostID { return Key{l.Kind, tier}.Host(l.Offer.Host) }

// NewShelf is the empty shelf of a tier.
func NewShelf(tier Tier) Shelf {
	return Shelf{Tier: tier, Hosts: map[HostID]Access{}, Held: map[TenantID]Hold{}}
}

// Offers returns the list of a kind.
func (s Shelf) Offers(k Kind) []Offer {
	if k == Share {
		return s.Shares
	}
	return s.Databases
}

// SetOut is how many slots of a kind are set out and not taken, or are being set out.
func (s Shelf) SetOut(k Kind) int {
	n := len(s.Offers(k))
	if s.Refill != nil {
		n += len(s.Refill.Of(k))
	}
	return n
}

// Lying counts the slots of a host that lie on the shelf: they are set out, and nobody has taken them.
func (s Shelf) Lying(h Host) (n int) {
	offers := s.Offers(h.Kind)
	for _, slot := range h.Slots {
		if slot.State == SlotOffered && slices.Contains(offers, slot.Offer(h.ID)) {
			n++
		}
	}
	return n
}

// SetOffers replaces the list of a kind.
func (s *Shelf) SetOffers(k Kind, offers []Offer) {
	if k == Share {
		s.Shares = offers
		return
	}
	s.Databases = offers
}

// Pairs is how many tenants can be served from the shelf as it is.
func (s Shelf) Pairs() int { return min(len(s.Databases), len(s.Shares)) }

// Clone copies a shelf so that the copy can be changed without changing s.
func (s Shelf) Clone() Shelf {
	s.Databases, s.Shares = slices.Clone(s.Databases), slices.Clone(s.Shares)
	s.Hosts, s.Held = maps.Clone(s.Hosts), maps.Clone(s.Held)
	s.Withdrawn = slices.Clone(s.Withdrawn)
	if s.Refill != nil {
		refill := *s.Refill
		refill.Offers = slices.Clone(refill.Offers)
		s.Refill = &refill
	}
	return s
}

// Side is one half of a claim: a slot and the host that has it.
type Side struct {
	Host   HostID
	Offer  Offer
	Access Access
}

// Claim is what a tenant took.
type Claim struct {
	Database  Side
	Share     Side
	Left      int       // pairs left on the shelf
	Unsettled int       // claims not settled yet, this one included
	Settled   time.Time // when claims were settled last; zero: never
	Replayed  bool      // the tenant held it already
}

// NeedsReconciling reports whether the claim left the shelf to be reconciled: it has come down by a step, or claims
// are to be settled.
func (c Claim) NeedsReconciling(now time.Time) bool {
	low := ShelfLow
	if c.Crowded(now) {
		low = ShelfSize
	}
	return !c.Replayed && (c.Left <= low && c.Left%shelfStep == 0 || c.Unsettled%ShelfHeld == 0)
}

// LastOnes reports whether the claim left next to nothing on the shelf: the pool may be at its end.
func (c Claim) LastOnes() bool { return !c.Replayed && c.Left < shelfEnd }

// Crowded reports whether claims come so fast that each should be settled before its slots are opened, which takes
// a second: claims are settled when there are many, so many came since they were settled a moment ago.
func (c Claim) Crowded(now time.Time) bool { return crowded(c.Unsettled, c.Settled, now) }

func crowded(unsettled int, settled, now time.Time) bool {
	return unsettled >= heldMany || now.Sub(settled) < crowdTime
}

// Settling reports whether it pays to settle the claims of a shelf: there are many, they keep hosts off it, or they
// have waited long.
func (s Shelf) Settling(now time.Time) bool {
	return len(s.Held) >= ShelfHeld || s.cramped() || len(s.Held) > 0 && now.Sub(s.Settled) >= SettleAfter
}

// cramped reports whether hosts of which the shelf has nothing but holds keep others off it.
func (s Shelf) cramped() bool {
	for _, k := range Kinds {
		offering := map[int]bool{}
		for _, o := range s.Offers(k) {
			offering[o.Host] = true
		}
		if n := len(s.hostsOf(k)); n >= ShelfHosts && n > len(offering) {
			return true
		}
	}
	return false
}

// Claimed is what one of several claims came to.
type Claimed struct {
	Claim Claim
	Err   error // ErrEmpty, ErrQueued, ErrBusy
}

// TakeAll is Take for several tenants, one after the other.
func TakeAll(s Shelf, tenants []TenantID, waiting bool) (Shelf, []Claimed) {
	claimed := make([]Claimed, len(tenants))
	for i, id := range tenants {
		s, claimed[i].Claim, claimed[i].Err = Take(s, id, waiting)
	}
	return s, claimed
}

// Take is the claim as a pure function: the shelf after tenant took the head of both lists. waiting
// says that the tenant comes from the waiting list, and so is not held back by it. Taking again
// returns what the tenant holds already. Errors: ErrEmpty, ErrQueued, ErrBusy.
//
// DynamoDB runs the same rule as one conditional update; the contract suite holds the two together.
func Take(s Shelf, tenant TenantID, waiting bool) (Shelf, Claim, error) {
	if hold, ok := s.Held[tenant]; ok {
		return s, s.claim(hold, true), nil
	}
	if s.Queue != 0 && !waiting {
		return s, Claim{}, ErrQueued
	}
	if s.Pairs() == 0 {
		return s, Claim{}, ErrEmpty
	}
	if len(s.Held) >= HeldMost {
		return s, Claim{}, ErrBusy
	}
	hold := Hold{Database: s.Databases[0], Share: s.Shares[0]}
	s.Databases, s.Shares = s.Databases[1:], s.Shares[1:]
	s.Held = maps.Clone(s.Held) // the only part that is not made anew
	s.Held[tenant] = hold
	if !waiting {
		s.Signups++ // one that waited was counted when it drew its number
	}
	s.Version++
	return s, s.claim(hold, false), nil
}

// Reclaim words what a tenant holds as a claim; ok is false when it holds nothing.
func (s Shelf) Reclaim(tenant TenantID) (c Claim, ok bool) {
	hold, ok := s.Held[tenant]
	if !ok {
		return Claim{}, false
	}
	return s.claim(hold, true), true
}

func (s Shelf) claim(hold Hold, replayed bool) Claim {
	db, share := Key{Database, s.Tier}.Host(hold.Database.Host), Key{Share, s.Tier}.Host(hold.Share.Host)
	return Claim{
		Database:  Side{Host: db, Offer: hold.Database, Access: s.Hosts[db]},
		Share:     Side{Host: share, Offer: hold.Share, Access: s.Hosts[share]},
		Left:      s.Pairs(),
		Unsettled: len(s.Held),
		Settled:   s.Settled,
		Replayed:  replayed,
	}
}

// Withdraw takes a host's offers back: from the lists into Withdrawn, from where they return into
// the host's record. What tenants hold stays with them.
func Withdraw(s Shelf, id HostID) (Shelf, error) {
	key, seq, err := id.Parse()
	if err != nil {
		return s, err
	}
	s = s.Clone()
	var keep []Offer
	for _, o := range s.Offers(key.Kind) {
		if o.Host == seq {
			s.Withdrawn = append(s.Withdrawn, Listed{Kind: key.Kind, Offer: o})
		} else {
			keep = append(keep, o)
		}
	}
	s.SetOffers(key.Kind, keep)
	return s, nil
}

// Return takes back what a tenant holds, on its way back into the hosts' records. The slots may be open.
func Return(s Shelf, tenant TenantID) Shelf {
	hold, held := s.Held[tenant]
	if !held {
		return s
	}
	s = s.Clone()
	delete(s.Held, tenant)
	for _, l := range hold.Listed() {
		l.Tenant = tenant
		s.Withdrawn = append(s.Withdrawn, l)
	}
	return s
}

// Tidy drops the access of hosts that have neither offers nor holds on the shelf any more.
func Tidy(s Shelf) Shelf {
	s = s.Clone()
	used := map[HostID]bool{}
	mark := func(k Kind, o Offer) { used[Key{k, s.Tier}.Host(o.Host)] = true }
	for _, k := range Kinds {
		for _, o := range s.Offers(k) {
			mark(k, o)
		}
	}
	for _, hold := range s.Held {
		mark(Database, hold.Database)
		mark(Share, hold.Share)
	}
	if s.Refill != nil {
		for _, l := range s.Refill.Offers {
			mark(l.Kind, l.Offer)
		}
	}
	maps.DeleteFunc(s.Hosts, func(id HostID, _ Access) bool { return !used[id] })
	return s
}

// Offering names the hosts that have offers on the shelf, sorted.
func (s Shelf) Offering() []HostID {
	var offering []HostID
	for _, k := range Kinds {
		seen := map[int]bool{}
		for _, o := range s.Offers(k) {
			if !seen[o.Host] { // offers are many, hosts are few
				seen[o.Host] = true
				offering = append(offering, Key{k, s.Tier}.Host(o.Host))
			}
		}
	}
	slices.Sort(offering)
	return offering
}
