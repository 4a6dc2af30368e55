package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// priced is a pool's host that is ordered for a price, under a cap.
func priced(k pool.Key, seq int, price, most pool.Cents) pool.Host {
	h := Host(k, seq, 3)
	h.State, h.Slots, h.Price, h.Cap = pool.HostOrdered, nil, price, most
	return h
}

func spent(t *testing.T, l ledger.Ledger, want pool.Cents) {
	t.Helper()
	got, err := l.Spent(t.Context())
	must(t, err)
	expect(t, "spent", got, want)
}

func spends(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	spent(t, l, 0)
	record := func() pool.Record {
		r, err := l.Pool(ctx, key(pool.Share))
		must(t, err)
		return r
	}
	must(t, l.Order(ctx, record(), priced(key(pool.Share), 1, 20_700, 30_000)))
	if err := l.Order(ctx, record(), priced(key(pool.Share), 2, 20_700, 30_000)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("beyond the cap: %v", err)
	}
	if err := l.Order(ctx, record(), priced(key(pool.Share), 2, 40_000, 30_000)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("dearer than the cap: %v", err)
	}
	expect(t, "the last number after orders that were refused", record().Seq, 1)
	spent(t, l, 20_700)
	must(t, l.Order(ctx, record(), priced(key(pool.Share), 2, 9_300, 30_000)))
	must(t, l.Order(ctx, record(), priced(key(pool.Share), 3, 100_000, 0))) // without a cap
	spent(t, l, 130_000)
	h, err := l.Host(ctx, key(pool.Share).Host(3))
	must(t, err)
	gone, err := pool.MoveHost(h, pool.HostDeleted, start, "gone")
	must(t, err)
	must(t, l.SaveHost(ctx, h, gone, pool.Failed, start))
	spent(t, l, 30_000)
	first, err := l.Host(ctx, key(pool.Share).Host(1))
	must(t, err)
	expect(t, "price and cap on record", []pool.Cents{first.Price, first.Cap}, []pool.Cents{20_700, 30_000})
}

func capHolds(t *testing.T, l ledger.Ledger) {
	const buyers, price, most = 12, 1_000, 5_500
	group, ctx := errgroup.WithContext(t.Context())
	for n := range buyers {
		group.Go(func() error {
			k := pool.Key{Kind: pool.Share, Tier: pool.Tier(fmt.Sprintf("t%d", n))} // of pools of their own, so that only money is in the way
			err := l.Order(ctx, pool.Record{Key: k}, priced(k, 1, price, most))
			if errors.Is(err, pool.ErrConflict) {
				return nil
			}
			return err
		})
	}
	must(t, group.Wait())
	spent(t, l, 5*price)
}

func holdsMoney(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	for range 2 {
		must(t, l.HoldMoney(ctx, "move#1", 700, 1_000))
		spent(t, l, 700)
	}
	if err := l.HoldMoney(ctx, "move#2", 700, 1_000); !errors.Is(err, pool.ErrCapped) {
		t.Errorf("beyond the cap: %v", err)
	}
	must(t, l.HoldMoney(ctx, "move#2", 300, 1_000))
	for range 2 {
		must(t, l.FreeMoney(ctx, "move#1"))
		spent(t, l, 300)
	}
	must(t, l.FreeMoney(ctx, "never held"))
	spent(t, l, 300)
	must(t, l.HoldMoney(ctx, "a move#3", 200, 1_000))
	held, err := l.HeldMoney(ctx)
	must(t, err)
	expect(t, "what money is held for", held, []pool.HeldMoney{{Name: "a move#3", Price: 200}, {Name: "move#2", Price: 300}})
}

// listsAllMoney holds money by so many names, and such long ones, that they are more than one answer of DynamoDB has, which
// ends after a megabyte: who looks for money that is held for nothing must see all of it.
func listsAllMoney(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	const names, length = 1_200, 1_000
	var want []pool.HeldMoney
	for n := range names {
		name := fmt.Sprintf("move#%04d#%s", n, strings.Repeat("x", length-len("move#0000#")))
		must(t, l.HoldMoney(ctx, name, 3, 0))
		want = append(want, pool.HeldMoney{Name: name, Price: 3})
	}
	held, err := l.HeldMoney(ctx)
	must(t, err)
	expect(t, "how much of it is listed", len(held), names)
	if !equal(held, want) {
		t.Error("what is listed is not what was held, by name")
	}
}

func notesCounted(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	if err := l.NoteCounted(ctx, key(pool.Share), 1); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of a pool without hosts: %v", err)
	}
	counted := func(want int) {
		t.Helper()
		r, err := l.Pool(ctx, key(pool.Share))
		must(t, err)
		expect(t, "counted", r.Counted, want)
	}
	order := func(seq int, price pool.Cents) {
		t.Helper()
		r, err := l.Pool(ctx, key(pool.Share))
		must(t, err)
		must(t, l.Order(ctx, r, priced(key(pool.Share), seq, price, 0)))
	}
	order(1, 0)
	order(2, 200)
	counted(0)
	for _, seq := range []int{2, 1, 2} {
		must(t, l.NoteCounted(ctx, key(pool.Share), seq))
		counted(2)
	}
	order(3, 200) // with its price
	counted(3)
	order(4, 0)
	counted(3)
}
