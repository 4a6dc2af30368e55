package dynamo

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// requested is a tenant whose signup is under way.
func requested(n int) pool.Tenant {
	return pool.Tenant{ID: ledgertest.ID(n), Tier: "standard", State: pool.TenantRequested, RequestedAt: began, Progress: pool.Progress{Step: pool.StepOpen, Due: began}, Version: 1}
}

// signUp records tenants.
func signUp(tenants ...int) func(context.Context, *Ledger) error {
	return func(ctx context.Context, l *Ledger) error {
		var failures []error
		for _, n := range tenants {
			_, _, err := l.Request(ctx, requested(n))
			failures = append(failures, err)
		}
		return errors.Join(failures...)
	}
}

// enqueue records tenants and puts them on the waiting list.
func enqueue(tenants ...int) func(context.Context, *Ledger) error {
	return func(ctx context.Context, l *Ledger) error {
		failures := []error{signUp(tenants...)(ctx, l)}
		for _, n := range tenants {
			failures = append(failures, wait(ctx, l, n))
		}
		return errors.Join(failures...)
	}
}

// wait puts a tenant that is requested on the waiting list.
func wait(ctx context.Context, l *Ledger, n int) error {
	seq, err := l.Draw(ctx, "standard", ledgertest.ID(n), false)
	if err != nil {
		return err
	}
	waits, err := pool.MoveTenant(requested(n), pool.TenantWaiting, began, "test")
	if err != nil {
		return err
	}
	waits.Seq = seq
	_, err = l.SaveTenant(ctx, requested(n), waits)
	return err
}

// move takes the first tenant to another state.
func move(to pool.TenantState) func(context.Context, *Ledger) error {
	return func(ctx context.Context, l *Ledger) error {
		before, err := l.Tenant(ctx, ledgertest.ID(1))
		if err != nil {
			return err
		}
		after, err := pool.MoveTenant(before, to, began, "test")
		if err != nil {
			return err
		}
		_, err = l.SaveTenant(ctx, before, after)
		return err
	}
}

// order records a host, and brings it to where change says.
func order(kind pool.Kind, change func(*pool.Host)) func(context.Context, *Ledger) error {
	return func(ctx context.Context, l *Ledger) error {
		h := ledgertest.Host(pool.Key{Kind: kind, Tier: "standard"}, 1, 3)
		ordered := h.Clone()
		ordered.State, ordered.Slots = pool.HostOrdered, nil
		if err := l.Order(ctx, pool.Record{Key: h.Key()}, ordered); err != nil {
			return err
		}
		if change == nil {
			return nil
		}
		before, err := l.Host(ctx, h.ID)
		if err != nil {
			return err
		}
		change(&h)
		return l.SaveHost(ctx, before, h, pool.Neutral, began)
	}
}

// preparing has a host in the midst of its making.
func preparing(h *pool.Host) { h.State, h.Step, h.Slots = pool.HostPreparing, pool.StepCache, nil }

// save reads the share host and saves it changed.
func save(outcome pool.Outcome, change func(*pool.Host)) func(context.Context, *Ledger) error {
	return func(ctx context.Context, l *Ledger) error {
		before, err := l.Host(ctx, "share-standard-1")
		if err != nil {
			return err
		}
		after := before.Clone()
		change(&after)
		return l.SaveHost(ctx, before, after, outcome, began)
	}
}

// retried is a tenant whose signup is sent again.
func retried(n int) pool.Tenant {
	t := requested(n)
	t.Tries, t.Due = 1, began.Add(time.Minute)
	return t
}

func TestALostReplyIsNoConflict(t *testing.T) {
	server := dynamotest.Start(t)
	tests := []struct {
		name        string
		prepare, do func(context.Context, *Ledger) error
	}{
		{"to a host's order", signUp(), order(pool.Share, nil)},
		{"to a look at a host's step", order(pool.Share, preparing), save(pool.Neutral, func(h *pool.Host) { h.Count++ })},
		{"to a host's next step", order(pool.Share, preparing), save(pool.Neutral, func(h *pool.Host) { h.Step = pool.StepShares })},
		{"to a host's next state", order(pool.Share, preparing), save(pool.Succeeded, func(h *pool.Host) { h.State = pool.HostInService })},
		{"to a host's failure", order(pool.Share, preparing), save(pool.Failed, func(h *pool.Host) { h.State = pool.HostDeleting })},
		{"to a signup's retry", signUp(1), func(ctx context.Context, l *Ledger) error {
			_, err := l.SaveTenant(ctx, requested(1), retried(1))
			return err
		}},
		{"to the record of a tenant", signUp(1), move(pool.TenantReady)},
		{"to a place on the waiting list", signUp(1), func(ctx context.Context, l *Ledger) error {
			return wait(ctx, l, 1)
		}},
		{"to the turn of a tenant that waits", enqueue(1, 2), move(pool.TenantRequested)},
		{"to the record of a tenant that waited", enqueue(1, 2), move(pool.TenantReady)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { everyWrite(t, server, test.prepare, test.do) })
	}
}

// TestTendingWithRepliesLost is about the writes of the shelf: they answer a conflict with
// themselves, and reconciling finds them done.
func TestTendingWithRepliesLost(t *testing.T) {
	server := dynamotest.Start(t)
	reconcile := func(ctx context.Context, l *Ledger) error {
		reconciler, err := shelf.New(shelf.Config{Ledger: l, Policies: fixed(policiesOf("standard")), Now: func() time.Time { return began }})
		if err != nil {
			return err
		}
		return reconciler.Reconcile(ctx, "standard")
	}
	hosts := func(ctx context.Context, l *Ledger) error {
		serve := func(*pool.Host) {}
		return errors.Join(order(pool.Database, serve)(ctx, l), order(pool.Share, serve)(ctx, l))
	}
	tests := []struct {
		name    string
		prepare func(context.Context, *Ledger) error
	}{
		{"while slots are set out", hosts},
		{"while claims are settled", func(ctx context.Context, l *Ledger) error {
			if err := errors.Join(hosts(ctx, l), reconcile(ctx, l), signUp(1)(ctx, l)); err != nil {
				return err
			}
			claim, err := l.Claim(ctx, "standard", ledgertest.ID(1), false)
			if err != nil {
				return err
			}
			served, err := pool.MoveTenant(requested(1), pool.TenantReady, began, "test")
			if err != nil {
				return err
			}
			served.Database, served.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
			_, err = l.SaveTenant(ctx, requested(1), served)
			return err
		}},
		{"while a host's slots are taken back", func(ctx context.Context, l *Ledger) error {
			return errors.Join(hosts(ctx, l), reconcile(ctx, l), save(pool.Neutral, func(h *pool.Host) { h.State = pool.HostCordoned })(ctx, l))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { everyWrite(t, server, test.prepare, reconcile) })
	}
}

// TestWhatIsMetAgainAfterALostReply is about the writes of a signup, which bear no mark.
func TestWhatIsMetAgainAfterALostReply(t *testing.T) {
	server := dynamotest.Start(t)
	table, w := server.Table(t), &writes{}
	l := losing(t, server, table, w.lose)
	ctx := t.Context()
	loseNext := func() { w.lost = w.made + 1 }

	loseNext()
	if stored, fresh, err := l.Request(ctx, requested(1)); err != nil || fresh || stored.ID != ledgertest.ID(1) {
		t.Errorf("a tenant is known by the second sending: %+v, fresh %v, error %v", stored, fresh, err)
	}

	s := pool.NewShelf("standard")
	s.Databases = []pool.Offer{{Host: 1, Index: 1, Name: "db1"}, {Host: 1, Index: 2, Name: "db2"}}
	s.Shares = ledgertest.Offers(ledgertest.Host(pool.Key{Kind: pool.Share, Tier: "standard"}, 1, 3))[:2]
	if err := l.SaveShelf(ctx, pool.NewShelf("standard"), s); err != nil {
		t.Fatal(err)
	}
	loseNext()
	claim, err := l.Claim(ctx, "standard", ledgertest.ID(1), false)
	if err != nil || !claim.Replayed || claim.Share.Offer != s.Shares[0] || claim.Left != 1 {
		t.Errorf("one pair is taken, and given by the second sending: %+v, error %v", claim, err)
	}

	loseNext()
	if err := l.Register(ctx, "10.0.0.1", ledgertest.ID(1)); err != nil {
		t.Errorf("an address is the tenant's by the second sending: %v", err)
	}
}

func TestOneOfTwoEqualWritesGoesOn(t *testing.T) {
	server := dynamotest.Start(t)
	count := func(h *pool.Host) { h.Count++ }
	tests := []struct {
		name    string
		prepare func(context.Context, *Ledger) error
		write   func(context.Context, *Ledger) (again func(*Ledger) error, err error)
	}{
		{"of a host", order(pool.Share, preparing), func(ctx context.Context, l *Ledger) (func(*Ledger) error, error) {
			before, err := l.Host(ctx, "share-standard-1")
			after := before.Clone()
			count(&after)
			return func(l *Ledger) error { return l.SaveHost(ctx, before, after, pool.Neutral, began) }, err
		}},
		{"of a tenant", signUp(1), func(ctx context.Context, _ *Ledger) (func(*Ledger) error, error) {
			return func(l *Ledger) error {
				_, err := l.SaveTenant(ctx, requested(1), retried(1))
				return err
			}, nil
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, w := server.Table(t), &writes{lost: 1}
			first, second := losing(t, server, table, w.lose), open(t, server.Client(), table)
			if err := test.prepare(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			write, err := test.write(t.Context(), second)
			if err != nil {
				t.Fatal(err)
			}
			if err := write(first); err != nil {
				t.Errorf("the first answered %v", err)
			}
			if err := write(second); !errors.Is(err, pool.ErrConflict) {
				t.Errorf("the second answered %v", err)
			}
		})
	}
}

func TestAWriteThatWasWrittenOverIsAConflict(t *testing.T) {
	server := dynamotest.Start(t)
	table := server.Table(t)
	other := open(t, server.Client(), table)
	if err := order(pool.Share, preparing)(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	count := save(pool.Neutral, func(h *pool.Host) { h.Count++ })
	w := &writes{lost: 1}
	l := losing(t, server, table, func(r *http.Request) bool {
		lost := w.lose(r)
		if lost { // somebody else writes before it is sent again
			if err := count(t.Context(), other); err != nil {
				t.Error(err)
			}
		}
		return lost
	})
	if err := count(t.Context(), l); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("answered %v", err)
	}
	h, err := other.Host(t.Context(), "share-standard-1")
	if err != nil || h.Count != 2 {
		t.Errorf("host at count %d, error %v: a write was lost", h.Count, err)
	}
}

// claiming is a ledger that shows no hold before the claim that took it is answered: as a hold is
// settled only once its tenant is ready. A claim that is sent again after that would take another pair.
type claiming struct {
	*Ledger
	mu    sync.Mutex
	under map[pool.TenantID]bool // claims under way
}

func (c *claiming) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	set := func(under bool) { c.mu.Lock(); c.under[tenant] = under; c.mu.Unlock() }
	set(true)
	defer set(false)
	return c.Ledger.Claim(ctx, tier, tenant, waiting)
}

func (c *claiming) Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error) {
	s, err := c.Ledger.Shelf(ctx, tier)
	c.mu.Lock() // after the shelf is read: what it shows was answered by now, or is under way
	defer c.mu.Unlock()
	maps.DeleteFunc(s.Held, func(id pool.TenantID, _ pool.Hold) bool { return c.under[id] })
	return s, err
}

func TestClaimsAtOnceWithRepliesLost(t *testing.T) {
	const oneIn = 50
	server := dynamotest.Start(t)
	var sent atomic.Int64
	l := losing(t, server, server.Table(t), func(*http.Request) bool { return sent.Add(1)%oneIn == 0 })
	ledgertest.ClaimsAtOnce(t, &claiming{Ledger: l, under: map[pool.TenantID]bool{}})
}
