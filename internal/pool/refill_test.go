package pool_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

var shares = pool.Key{Kind: pool.Share, Tier: standard}

// host is a share host in service with slots in the states that the letters say: free, offered,
// assigned, planned.
func host(seq int, letters string) pool.Host {
	states := map[rune]pool.SlotState{'f': pool.SlotFree, 'o': pool.SlotOffered, 'a': pool.SlotAssigned, 'p': pool.SlotPlanned, 'l': pool.SlotLeaving, 'c': pool.SlotCooling, 'r': pool.SlotReturned}
	h := pool.Host{ID: shares.Host(seq), Kind: pool.Share, Tier: standard, State: pool.HostInService, Size: len(letters)}
	for i, letter := range letters {
		o := shareOffer(seq, i+1)
		h.Slots = append(h.Slots, pool.Slot{Index: o.Index, Generation: o.Generation, Name: o.Name, State: states[letter], Share: o.Share})
	}
	return h
}

// states writes a host's slots as host reads them.
func states(h pool.Host) string {
	var letters []byte
	for _, s := range h.Slots {
		letters = append(letters, s.State[0])
	}
	return string(letters)
}

func policy(placement pool.Placement, tenantsPerHost int) pool.Policy {
	return pool.Policy{Kind: pool.Share, Tier: standard, SlotsPerHost: 10, Floor: 0, Ceiling: 100, MaxOrders: 10, Placement: placement, TenantsPerHost: tenantsPerHost}
}

func TestChoose(t *testing.T) {
	cordoned := host(9, "ffff")
	cordoned.State = pool.HostCordoned
	tests := []struct {
		name   string
		hosts  []pool.Host
		policy pool.Policy
		room   int
		want   []pool.Offer
	}{
		{
			"pack empties the fullest host first",
			[]pool.Host{host(1, "ffff"), host(2, "aaff"), host(3, "afff")},
			policy(pool.Pack, 0), 6,
			[]pool.Offer{shareOffer(2, 3), shareOffer(2, 4), shareOffer(3, 2), shareOffer(3, 3), shareOffer(3, 4), shareOffer(1, 1)},
		},
		{
			"spread takes from the emptiest at each point",
			[]pool.Host{host(1, "aaff"), host(2, "ffff"), host(3, "afff")},
			policy(pool.Spread, 0), 5,
			[]pool.Offer{shareOffer(2, 1), shareOffer(2, 2), shareOffer(3, 2), shareOffer(1, 3), shareOffer(2, 3)},
		},
		{
			"equal hosts are taken in the order of their numbers",
			[]pool.Host{host(10, "f"), host(2, "f")},
			policy(pool.Pack, 0), 2,
			[]pool.Offer{shareOffer(2, 1), shareOffer(10, 1)},
		},
		{"no more than there is room for", []pool.Host{host(1, "ffff")}, policy(pool.Pack, 0), 2, []pool.Offer{shareOffer(1, 1), shareOffer(1, 2)}},
		{"no room", []pool.Host{host(1, "ffff")}, policy(pool.Pack, 0), 0, nil},
		{"no more tenants than the limit", []pool.Host{host(1, "aoff"), host(2, "aaaf")}, policy(pool.Pack, 3), 9, []pool.Offer{shareOffer(1, 3)}},
		{"only free slots", []pool.Host{host(1, "poaf")}, policy(pool.Pack, 0), 9, []pool.Offer{shareOffer(1, 4)}},
		{"only hosts in service", []pool.Host{cordoned}, policy(pool.Pack, 0), 9, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			diff(t, "offers", pool.Choose(pool.NewShelf(standard), test.hosts, test.policy, test.room), test.want)
		})
	}
}

func TestAnOfferIsOfItsSlotsGeneration(t *testing.T) {
	h := host(1, "ff")
	h.Slots[1].Generation = 4
	want := []pool.Offer{shareOffer(1, 1), shareOffer(1, 2)}
	want[1].Generation = 4
	diff(t, "offers", pool.Choose(pool.NewShelf(standard), []pool.Host{h}, policy(pool.Pack, 0), 9), want)
}

func TestChooseKeepsWithinTheShelf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := pool.NewShelf(standard)
		for range rapid.IntRange(0, 4).Draw(t, "set out") {
			s.Shares = append(s.Shares, shareOffer(100+rapid.IntRange(1, 3).Draw(t, "host"), 1))
		}
		var hosts []pool.Host
		used, free := map[int]int{}, map[pool.Offer]bool{}
		for seq := range rapid.IntRange(0, 10).Draw(t, "hosts") {
			h := host(seq+1, rapid.StringMatching(`[foap]{1,10}`).Draw(t, "slots"))
			hosts = append(hosts, h)
			used[seq+1] = h.Used()
			for _, slot := range h.Slots {
				if slot.State == pool.SlotFree {
					free[shareOffer(seq+1, slot.Index)] = true
				}
			}
		}
		p := policy(rapid.SampledFrom([]pool.Placement{pool.Pack, pool.Spread}).Draw(t, "placement"), rapid.IntRange(0, 10).Draw(t, "limit"))
		room := rapid.IntRange(0, 60).Draw(t, "room")
		onShelf := map[int]bool{}
		for _, o := range s.Shares {
			onShelf[o.Host] = true
		}
		offers := pool.Choose(s, hosts, p, room)
		if len(offers) > room {
			t.Fatalf("%d offers for room %d", len(offers), room)
		}
		for _, o := range offers {
			if !free[o] {
				t.Fatalf("%v is not free, or offered twice", o)
			}
			delete(free, o)
			onShelf[o.Host] = true
			if used[o.Host]++; used[o.Host] > p.Limit() {
				t.Fatalf("host %d has %d tenants of %d", o.Host, used[o.Host], p.Limit())
			}
		}
		if len(onShelf) > pool.ShelfHosts {
			t.Fatalf("%d hosts on the shelf", len(onShelf))
		}
		if again := pool.Choose(s, hosts, p, room); !slices.Equal(again, offers) {
			t.Fatalf("chose %v, then %v", offers, again)
		}
	})
}

func TestSetOut(t *testing.T) {
	offers := []pool.Offer{shareOffer(1, 1), shareOffer(1, 2), shareOffer(2, 1), shareOffer(1, 9)}
	r := pool.Refill{Number: 7, Offers: append(pool.List(pool.Database, []pool.Offer{offer(1, 3)}), pool.List(pool.Share, offers)...)}
	marked := func(h pool.Host, number int64) pool.Host {
		h = h.Clone()
		for i := range h.Slots {
			h.Slots[i].Refill = number
		}
		return h
	}
	cordoned := host(1, "off")
	cordoned.State, cordoned.Slots[0].Refill = pool.HostCordoned, 7
	tests := []struct {
		name string
		host pool.Host
		want string
		good []pool.Offer
	}{
		{"free slots of this host are set out", host(1, "fff"), "oof", offers[:2]},
		{"what this refill set out before holds", marked(host(1, "oof"), 7), "oof", offers[:2]},
		{"what another refill set out does not", marked(host(1, "off"), 6), "oof", offers[1:2]},
		{"assigned slots do not", host(1, "aff"), "aof", offers[1:2]},
		{"of a cordoned host only what was set out before", cordoned, "off", offers[:1]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := states(test.host)
			out, good := pool.SetOut(test.host, r, now)
			diff(t, "slots", states(out), test.want)
			diff(t, "good", good, test.good)
			diff(t, "the argument", states(test.host), before)
			again, goodAgain := pool.SetOut(out, r, now)
			diff(t, "set out again", again, out)
			diff(t, "good again", goodAgain, good)
		})
	}
}

func TestSlotsAreMovedFromOfferedOnly(t *testing.T) {
	h := host(1, "foap")
	var offers, older []pool.Offer
	var back, held, olderBack []pool.Listed
	for i := 1; i <= 5; i++ {
		o := shareOffer(1, i)
		offers, back = append(offers, o), append(back, pool.Listed{Kind: pool.Share, Offer: o})
		held = append(held, pool.Listed{Kind: pool.Share, Offer: o, Tenant: "a"})
		o.Generation--
		older, olderBack = append(older, o), append(olderBack, pool.Listed{Kind: pool.Share, Offer: o})
	}
	diff(t, "put back", states(pool.PutBack(h, back, now)), "ffap")
	diff(t, "put back from a tenant", states(pool.PutBack(h, held, now)), "frap")
	diff(t, "whose that was", pool.PutBack(h, held, now).Slots[1].Tenant, pool.TenantID("a"))
	diff(t, "put back of an earlier generation", states(pool.PutBack(h, olderBack, now)), "foap")
	tenants := func(tenant pool.TenantID, offers ...pool.Offer) []pool.Listed {
		taken := pool.List(pool.Share, offers)
		for i := range taken {
			taken[i].Tenant = tenant
		}
		return taken
	}
	assigned := pool.Assign(h, tenants("a", offers...), now)
	diff(t, "assigned of an earlier generation", states(pool.Assign(h, tenants("a", older[1]), now)), "foap")
	_, good := pool.SetOut(h, pool.Refill{Number: 7, Offers: pool.List(pool.Share, older)}, now)
	diff(t, "set out of an earlier generation", good, []pool.Offer(nil))
	diff(t, "assigned", states(assigned), "faap")
	diff(t, "tenant", assigned.Slots[1].Tenant, pool.TenantID("a"))
	// A claim may have been settled while its slots were on their way back.
	diff(t, "put back, and just assigned", states(pool.PutBack(assigned, held, now)), "frap")
	diff(t, "put back of another's", states(pool.PutBack(pool.Assign(h, tenants("b", offers[1]), now), held, now)), "faap")
	for name, test := range map[string]struct {
		tenant            pool.TenantID
		index, generation int
		want              string
	}{"its own": {"a", 2, 1, "frap"}, "another's": {"b", 2, 1, "faap"}, "of another generation": {"a", 2, 2, "faap"}, "one that is only set out": {"a", 4, 1, "faap"}} {
		has := pool.Holding{Host: h.ID, Index: test.index, Generation: offers[1].Generation - 1 + test.generation}
		diff(t, "taken back, "+name, states(pool.TakeBack(assigned, has, test.tenant, now)), test.want)
		diff(t, "whose it was, "+name, pool.TakeBack(assigned, has, test.tenant, now).Slots[1].Tenant, pool.TenantID("a"))
	}
	diff(t, "another's tenant", assigned.Slots[2].Tenant, pool.TenantID(""))
	diff(t, "the argument", states(h), "foap")
}

func TestAListIsRefilledWhenHalfOfItIsTaken(t *testing.T) {
	moment, while := now.Add(-time.Second), now.Add(-time.Minute)
	for name, test := range map[string]struct {
		left, held int
		settled    time.Time
		want       int
	}{
		"it is bare":                       {left: 0, settled: while, want: pool.ShelfSize},
		"it runs low":                      {left: pool.ShelfLow, settled: while, want: pool.ShelfSize - pool.ShelfLow},
		"it does not":                      {left: pool.ShelfLow + 1, settled: while, want: 0},
		"many were settled a moment ago":   {left: pool.ShelfSize, settled: moment, want: pool.ShelfMost - pool.ShelfSize},
		"many hold slots":                  {left: pool.ShelfSize, held: pool.HeldMost, settled: while, want: pool.ShelfMost - pool.ShelfSize},
		"it is full enough for many":       {left: pool.ShelfSize + 1, held: pool.HeldMost, settled: while, want: 0},
		"it is fuller than it ever should": {left: pool.ShelfMost + 5, settled: moment, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := shelf(test.left, pool.ShelfMost)
			s.Settled = test.settled
			for i := range test.held {
				s.Held[pool.TenantID(rune('a'+i))] = pool.Hold{}
			}
			diff(t, "databases lacking", s.Lacks(pool.Database, now), test.want)
			diff(t, "shares lacking", s.Lacks(pool.Share, now), 0)
		})
	}
}

func TestHostsOfHoldsTakeUpRoomOnTheShelf(t *testing.T) {
	s := pool.NewShelf(standard)
	for i := 1; i < pool.ShelfHosts; i++ {
		s.Held[pool.TenantID(rune('a'+i))] = pool.Hold{Database: offer(1, i), Share: shareOffer(100+i, 1)}
	}
	offers := pool.Choose(s, []pool.Host{host(1, "ff"), host(2, "ff")}, policy(pool.Pack, 0), 9)
	diff(t, "offers", offers, []pool.Offer{shareOffer(1, 1), shareOffer(1, 2)})
}

// One reconciler finds a host cordoned, and leaves its slots out of the shelf. Another one that finishes the
// same refill, and finds the host in service again, must not set them out: nothing would ever take them.
func TestASlotThatARefillWasRefusedStaysOutOfIt(t *testing.T) {
	r := pool.Refill{Number: 7, Offers: pool.List(pool.Share, []pool.Offer{shareOffer(1, 1)})}
	cordoned := host(1, "f")
	cordoned.State = pool.HostCordoned
	refused, good := pool.SetOut(cordoned, r, now)
	diff(t, "granted by a cordoned host", good, []pool.Offer(nil))
	back := refused.Clone()
	back.State = pool.HostInService
	after, good := pool.SetOut(back, r, now)
	diff(t, "granted after all", good, []pool.Offer(nil))
	diff(t, "slots", states(after), "f")
	r.Number = 8
	if _, good = pool.SetOut(back, r, now); len(good) != 1 {
		t.Errorf("the next refill was granted %v", good)
	}
}

// A recovery may free a slot in its host's record that a hold has still, which is not to be believed any more.
func TestASlotThatAHoldHasIsNotSetOut(t *testing.T) {
	s := pool.NewShelf(standard)
	held := shareOffer(1, 1)
	held.Share = "share-of-an-earlier-gateway"
	s.Held["acme"] = pool.Hold{Database: offer(2, 1), Share: held}
	earlier := shareOffer(1, 3)
	earlier.Generation--
	s.Held["other"] = pool.Hold{Database: offer(2, 2), Share: earlier}
	offers := pool.Choose(s, []pool.Host{host(1, "fff")}, policy(pool.Pack, 0), 9)
	diff(t, "offers", offers, []pool.Offer{shareOffer(1, 2), shareOffer(1, 3)})
}
