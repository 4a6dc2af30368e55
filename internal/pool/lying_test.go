package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestSlotsThatLieOnTheShelfAreNobodys(t *testing.T) {
	h := pool.Host{ID: "share-standard-2", Kind: pool.Share, Tier: "standard", Slots: []pool.Slot{
		{Index: 1, Generation: 1, Name: "a", State: pool.SlotOffered}, // lies there
		{Index: 2, Generation: 2, Name: "b", State: pool.SlotOffered}, // was taken, which is not settled yet
		{Index: 3, Generation: 1, Name: "c", State: pool.SlotAssigned},
		{Index: 4, Generation: 1, Name: "d", State: pool.SlotFree},
	}}
	shelf := pool.NewShelf("standard")
	shelf.Shares = []pool.Offer{h.Slots[0].Offer(h.ID), h.Slots[0].Offer("share-standard-1"), {Host: 2, Index: 2, Generation: 1, Name: "b"}}
	shelf.Databases = []pool.Offer{h.Slots[1].Offer(h.ID)}
	if n := shelf.Lying(h); n != 1 {
		t.Errorf("%d of its slots lie on the shelf", n)
	}
}

func TestWhoUncordonsAHostStandsInItsHistory(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	serving := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", State: pool.HostInService}
	cordoned, err := pool.CordonByHand(serving, "ann: it is slow", now)
	if err != nil {
		t.Fatal(err)
	}
	const why = "uncordoned by bob: it is mended; it was cordoned by hand, by ann: it is slow"
	back, err := pool.Uncordon(cordoned, "bob: it is mended", now)
	if err != nil || back.State != pool.HostInService || back.Why != why || back.ByHand != "" {
		t.Errorf("%v, %+v", err, back)
	}
	cordoned.Doubt = "its gateway does not answer"
	still, err := pool.Uncordon(cordoned, "bob: it is mended", now)
	if err != nil || still.State != pool.HostCordoned || still.ByHand != "" || still.History[len(still.History)-1].Why != why {
		t.Errorf("one that is in doubt besides: %v, %+v", err, still)
	}
}
