package ledgertest

import (
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// roomAddsUp fills hosts to different heights, the largest that a policy allows among them: each
// write moves the room of a pool for as many tenants as it sets out slots.
func roomAddsUp(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	k := key(pool.Database)
	var want pool.Counters
	for i, fill := range []struct{ size, used int }{{100, 60}, {100, 0}, {20, 20}, {5, 3}} {
		before := add(t, l, Host(k, i+1, fill.size))
		after := before.Clone()
		for s := range fill.used {
			after.Slots[s].State = pool.SlotOffered
		}
		must(t, l.SaveHost(ctx, before, after, pool.Neutral, start))
		want = want.Add(pool.Contribution(after))
	}
	record, err := l.Pool(ctx, k)
	must(t, err)
	expect(t, "counters", record.Counters, want)
	expect(t, "room under a limit of 10", record.Counters.Room.Under(10), 10+2)
	expect(t, "room without a limit", record.Counters.Room.Under(100), 40+100+2)
}
