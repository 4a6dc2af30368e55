package poolcheck

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func (w *world) spent() pool.Cents {
	w.t.Helper()
	c, err := w.ledger.Spent(context.Background())
	w.must(err)
	return c
}

func (w *world) stop(s pool.Stops) {
	w.t.Helper()
	s.By, s.Why = "ops", "a drill"
	w.must(w.ledger.SaveStops(context.Background(), s))
}

func TestNothingIsOrderedWhileOrdersAreStopped(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 2 })
	w.stop(pool.Stops{Order: true})
	w.must(w.check())
	plan := w.outlook().Plans[pool.Share]
	if w.pool(shares).Seq != 0 || plan.Orders != 0 || !strings.Contains(plan.Reason, "none ordered; 2 held back: orders are stopped by ops: a drill") {
		t.Errorf("%d hosts; %s", w.pool(shares).Seq, plan.Reason)
	}
	w.stop(pool.Stops{Destroy: true, Repair: true})
	w.must(w.check())
	if w.pool(shares).Seq != 2 {
		t.Errorf("%d hosts once orders are not stopped", w.pool(shares).Seq)
	}
}

// The switch is in force at the next call: between an order's record and its stack it is read again, and the order waits
// without failing for as long as that is so.
func TestAnOrderOnRecordWaitsWhileOrdersAreStopped(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.must(w.checkBy(func(operation string, do func() error) error {
		err := do()
		if operation == "Order" {
			w.stop(pool.Stops{Order: true})
		}
		return err
	}))
	for range 24 * 60 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
	id := shares.Host(1)
	if h := w.host(id); w.stacks.Count() != 0 || h.State != pool.HostOrdered || w.pool(shares).Failures != 0 || w.pool(shares).Seq != 1 {
		t.Errorf("%d stacks, the host is %s after a day", w.stacks.Count(), h.State)
	}
	w.stop(pool.Stops{})
	w.now = w.now.Add(pool.Deadline(pool.StepOrder))
	w.must(w.check())
	if w.host(id).State != pool.HostBuilding {
		t.Errorf("the host is %s once orders are not stopped", w.host(id).State)
	}
	if waited := w.now.Sub(w.host(id).DecidedAt); waited > time.Hour {
		t.Errorf("%s for which orders were stopped are part of its lead time", waited)
	}
}

func TestNothingIsOrderedWhenTheSwitchCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.fail["Stops"] = errors.New("throttled")
	if err := w.check(); err == nil || w.pool(shares).Seq != 0 {
		t.Errorf("%d hosts, error %v", w.pool(shares).Seq, err)
	}
}

func TestOrdersStayUnderTheCap(t *testing.T) {
	w := newWorld(t)
	w.moneyCap = 1_000
	w.want(databases, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders, p.HostPrice = 50, 9, 325 })
	w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders, p.HostPrice = 50, 9, 207 })
	for range 3 {
		w.must(w.check())
		w.now = w.now.Add(time.Minute)
	}
	// They take turns, because a tenant needs both. After one of each there is no money for two more.
	if got := w.spent(); got != 53_200 {
		t.Errorf("spent are %s", got)
	}
	if d, s := w.pool(databases).Seq, w.pool(shares).Seq; max(d, s)-min(d, s) > 1 {
		t.Errorf("%d database hosts and %d share hosts", d, s)
	}
	reason := w.outlook().Plans[pool.Share].Reason
	if !strings.Contains(reason, "none ordered; 4 held back: there is no money for a host of each kind") || !strings.HasSuffix(reason, "; cap $1,000: $532") {
		t.Errorf("the plan says %s", reason)
	}
}

// Checks that race for the money that is left never spend more than the cap.
func TestChecksThatRaceStayUnderTheCap(t *testing.T) {
	w := newWorld(t)
	w.moneyCap = 500
	w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders, p.HostPrice = 40, 9, 207 })
	w.want(databases, func(p *pool.Policy) { p.HostPrice = 325 })
	depth := 0
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "Order" && depth == 0 {
			depth++
			w.must(w.check())
		}
		return do()
	}))
	if got := w.spent(); got != 41_400 || w.pool(shares).Seq != 2 {
		t.Errorf("spent are %s for %d hosts", got, w.pool(shares).Seq)
	}
}
