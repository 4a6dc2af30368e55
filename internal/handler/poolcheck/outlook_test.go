package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// forecasting has all pools plan by the forecast.
func (w *world) forecasting() {
	for _, k := range pool.Kinds {
		w.want(pool.Key{Kind: k, Tier: tier}, func(p *pool.Policy) { p.ServeAtOnce, p.MaxOrders, p.Ceiling = 99, 30, 60 })
	}
}

// come has tenants come, and take what there is.
func (w *world) come(n int) {
	w.t.Helper()
	for range n {
		w.came++
		if _, err := w.ledger.Claim(context.Background(), tier, pool.TenantID(fmt.Sprintf("c%d", w.came)), false); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) outlook() pool.Outlook {
	w.t.Helper()
	o, err := w.ledger.Outlook(context.Background(), tier)
	w.must(err)
	return o
}

func TestHostsAreOrderedForThoseWhoCome(t *testing.T) {
	w := newWorld(t)
	w.forecasting()
	for range 4 {
		w.add(databases, 10)
		w.add(shares, 10)
	}
	w.must(w.check())
	quiet := w.pool(shares).Seq
	w.come(30)
	w.now = w.now.Add(time.Minute)
	w.must(w.check())
	if got := w.pool(shares).Seq; quiet != 4 || got < quiet+3 {
		t.Errorf("%d share hosts while nobody came, and %d after thirty came in a minute", quiet, got)
	}
	for _, k := range pool.Kinds {
		plan := w.outlook().Plans[k]
		if plan.Orders < 3 || !strings.Contains(plan.Reason, "surge") || !strings.Contains(plan.Reason, fmt.Sprintf("; %d ordered", plan.Orders)) {
			t.Errorf("the plan on record: %+v", plan)
		}
	}
	if why := w.host(shares.Host(5)).History[0].Why; !strings.Contains(why, "share standard: 10 free + 0 coming") || !strings.Contains(why, "surge") {
		t.Errorf("the order bears: %s", why)
	}
}

func TestACheckWritesTheOutlookOnceAndOnlyWithNews(t *testing.T) {
	w := newWorld(t)
	w.forecasting()
	w.add(databases, 10)
	w.add(shares, 10)
	w.must(w.check())
	count := func() int64 { return w.outlook().Version }
	before := count()
	w.now = w.now.Add(time.Minute)
	w.must(w.check())
	if got := count(); got != before {
		t.Errorf("a minute in which nobody came was written down: %d times", got-before)
	}
	w.come(3)
	w.must(w.check())
	if got := count(); got != before+1 || w.outlook().Demand.Signups != 3 {
		t.Errorf("three came, and %d times %+v was written", got-before, w.outlook().Demand)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.must(w.check())
	if got := count(); got != before+2 {
		t.Errorf("a sample was due, and %d times it was written", got-before-1)
	}
}

// Of two checks at once, one notes who came; the other plans with what that one noted, and counts nobody twice.
func TestChecksAtOnceCountNobodyTwice(t *testing.T) {
	w := newWorld(t)
	w.forecasting()
	w.add(databases, 10)
	w.add(shares, 10)
	w.must(w.check())
	w.come(5)
	w.now = w.now.Add(time.Minute)
	raced := false
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "SaveOutlook" && !raced {
			raced = true
			w.must(w.check())
		}
		return do()
	}))
	once := w.outlook().Demand
	if !raced || once.Signups != 5 || once.Slow.Count < 4.9 || once.Slow.Count > 5 {
		t.Errorf("five came, and noted are %+v", once)
	}
}

func TestAnOutlookThatCannotBeWrittenKeepsNoHostFromBeingOrdered(t *testing.T) {
	w := newWorld(t)
	w.forecasting()
	w.fail["SaveOutlook"] = errors.New("throttled")
	if err := w.check(); err == nil || !strings.Contains(err.Error(), "throttled") {
		t.Errorf("error %v", err)
	}
	if w.pool(shares).Seq == 0 || w.pool(databases).Seq == 0 {
		t.Error("no host was ordered")
	}
}
