package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Hosts of before there were prices count, by the policy of now, once; until all do, nothing is ordered under the cap.
func TestHostsOfBeforeThereWerePricesAreCounted(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) {
		p.SlotsPerHost, p.Floor, p.Ceiling, p.MaxOrders = 1, 2*countedAtOnce, 4*countedAtOnce, 1
	})
	w.want(databases, func(p *pool.Policy) { p.Floor = 0 })
	for range countedAtOnce + 10 {
		w.add(shares, 1)
	}
	before := w.pool(shares).Seq
	w.must(w.check())
	if got := w.spent(); got != 0 || w.pool(shares).Seq != before+1 {
		t.Fatalf("without a cap %s are spent, and there are %d hosts", got, w.pool(shares).Seq)
	}
	before++
	w.moneyCap = 20_000
	w.want(shares, func(p *pool.Policy) { p.HostPrice, p.MaxOrders = 207, 9 })
	w.want(databases, func(p *pool.Policy) { p.HostPrice = 325 })
	w.must(w.check())
	if got := w.spent(); got != countedAtOnce*20_700 || w.pool(shares).Seq != before {
		t.Errorf("after one check %s are spent for %d hosts", got, w.pool(shares).Seq)
	}
	for range 5 {
		w.must(w.check())
	}
	if got, want := w.spent(), pool.Cents(w.pool(shares).Seq)*20_700; got != want || w.pool(shares).Seq <= before {
		t.Errorf("%s are spent for %d hosts", got, w.pool(shares).Seq)
	}
	reads := 0
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "NoteCounted" {
			reads++
		}
		return do()
	}))
	if reads > 0 {
		t.Error("hosts are counted again that are")
	}
}

func TestMoneyThatIsHeldForNothingIsTakenBack(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	going := pool.Restoration{Tenant: "acme", Number: 2, Ordered: true, Instance: "i", State: pool.RestorationRestoring}
	_, err := w.ledger.SaveRestoration(ctx, pool.Restoration{Tenant: "acme"}, going)
	w.must(err)
	_, err = w.ledger.SaveRepair(ctx, pool.Repair{Host: "share-standard-1"}, pool.Repair{
		Host: "share-standard-1", Number: 1, State: pool.RepairMended, Kept: []pool.KeptDisk{{Volume: "vol-1", Until: w.now.Add(time.Hour)}},
	})
	w.must(err)
	over := pool.Restoration{Tenant: "acme", Number: 1}
	gone := pool.Repair{Host: "share-standard-9", Number: 1}
	for _, name := range []string{going.MoneyName(), over.MoneyName(), gone.MoneyName(), pool.Repair{Host: "share-standard-1", Number: 1}.MoneyName(), "something new"} {
		w.must(w.ledger.HoldMoney(ctx, name, 100, 0))
	}
	w.now = w.now.Truncate(moneyRound).Add(time.Minute)
	w.must(w.check())
	if w.spent() != 500 {
		t.Errorf("%s are spent before a round", w.spent())
	}
	w.now = w.now.Truncate(moneyRound).Add(moneyRound)
	w.must(w.check())
	var names []string
	held, err := w.ledger.HeldMoney(ctx)
	w.must(err)
	for _, m := range held {
		names = append(names, m.Name)
	}
	if want := []string{"repair/share-standard-1.1", "restoration/acme.restore-2", "something new"}; !slices.Equal(names, want) || w.spent() != 300 {
		t.Errorf("held are %v, and %s spent", names, w.spent())
	}
}

// However checks race, with hosts that fail and money that is held and taken back between any two of their calls, no more is
// spent than the cap.
func TestNoMoreIsSpentThanTheCapAtAnyStep(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		w.metrics.Reset()
		w.moneyCap = float64(rapid.IntRange(300, 3_000).Draw(r, "cap"))
		w.want(databases, func(p *pool.Policy) {
			p.Floor, p.BufferSlots, p.MaxOrders, p.HostPrice = 0, rapid.IntRange(0, 60).Draw(r, "databases"), 3, 325
		})
		w.want(shares, func(p *pool.Policy) {
			p.Floor, p.BufferSlots, p.MaxOrders, p.HostPrice = 0, rapid.IntRange(0, 60).Draw(r, "shares"), 3, 207
		})
		most := pool.Cents(w.moneyCap * 100)
		depth, held := 0, 0
		var call func(operation string, do func() error) error
		call = func(operation string, do func() error) error {
			depth++
			defer func() { depth-- }()
			if depth <= 2 {
				switch rapid.IntRange(0, 99).Draw(r, "between") {
				case 0:
					_ = w.checkBy(call) // it may meet the other
				case 1, 2, 3:
					held++
					err := w.ledger.HoldMoney(context.Background(), fmt.Sprint("x", held), pool.Cents(rapid.IntRange(1, 40_000).Draw(r, "price")), most)
					if err != nil && !errors.Is(err, pool.ErrCapped) {
						r.Fatal(err)
					}
				case 4, 5:
					w.must(w.ledger.FreeMoney(context.Background(), fmt.Sprint("x", rapid.IntRange(0, held).Draw(r, "freed"))))
				}
			}
			err := do()
			if got := w.spent(); got > most {
				r.Fatalf("after %s %s are spent of %s", operation, got, most)
			}
			return err
		}
		for range 2 {
			_ = w.checkBy(call)
			w.now = w.now.Add(time.Minute)
		}
	})
}

func TestMoneyIsMeasured(t *testing.T) {
	w := newWorld(t)
	w.moneyCap = 1_000
	w.must(w.ledger.HoldMoney(t.Context(), "x", 50_000, 0))
	w.must(w.check())
	if spent, used := w.last(telemetry.MoneySpent), w.last(telemetry.MoneyCapUsed); spent != 500 || used != 50 {
		t.Errorf("spent %v, used %v %%", spent, used)
	}
}
