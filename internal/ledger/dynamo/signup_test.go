package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// layout is what the meter has to know of the table.
var layout = meter.Table{Key: []string{"pk", "sk"}, Indexes: []meter.Index{{Key: []string{"due", "dueAt"}}, {Key: []string{"reserve", "used"}}}}

// shop is a tier with signups, which are metered, and a tender of its shelf, which is not.
type shop struct {
	tier       pool.Tier
	gauge      *meter.Meter
	signup     *Ledger // metered
	reconciler *shelf.Reconciler
	asked      chan struct{} // a pool check that was asked for
}

// fixed are policies that do not change.
type fixed pool.Policies

func (f fixed) Load(context.Context) (pool.Policies, error) { return pool.Policies(f), nil }

// newShop opens a tier that was seeded.
func newShop(tb testing.TB, server *dynamotest.Server, table string, tier pool.Tier) *shop {
	tb.Helper()
	gauge := meter.New(server.Client(), layout)
	s := &shop{tier: tier, gauge: gauge, asked: make(chan struct{}, 1), signup: open(tb, server.Client(gauge.Attach), table)}
	var err error
	s.reconciler, err = shelf.New(shelf.Config{
		Ledger: open(tb, server.Client(), table), Policies: fixed(policiesOf(tier)), Now: func() time.Time { return began },
	})
	if err != nil {
		tb.Fatal(err)
	}
	s.ask()
	s.reconcile(tb)
	return s
}

// ask asks for a pool check; asking while one is asked for already changes nothing.
func (s *shop) ask() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// reconcile does the pool check, if one was asked for.
func (s *shop) reconcile(tb testing.TB) {
	tb.Helper()
	select {
	case <-s.asked:
		if err := s.reconciler.Reconcile(tb.Context(), s.tier); err != nil {
			tb.Fatalf("reconcile the shelf: %v", err)
		}
	default:
	}
}

// serve signs one tenant up as internal/handler/signup does. When the shelf is bare it fills it and claims
// again.
func (s *shop) serve(ctx context.Context, n int) (pool.Claim, error) {
	address := netip.AddrFrom4([4]byte{10, 128, byte(n / 250), byte(1 + n%250)}).String()
	if err := s.signup.Register(ctx, address, ledgertest.ID(n)); err != nil {
		return pool.Claim{}, err
	}
	t, _, err := s.signup.Request(ctx, pool.Tenant{
		ID: ledgertest.ID(n), Tier: s.tier, Mark: "k3v9x2m7qa", Addresses: []string{address}, State: pool.TenantRequested,
		RequestedAt: began.Add(123456789), Progress: pool.Started(pool.StepOpen, began),
		History: []pool.Entry{{At: began.Add(123456789), What: string(pool.TenantRequested), Why: "signup message 5e1c1b70-87b4-4af1-a1f2-0a58a9feac02"}},
	})
	if err != nil {
		return pool.Claim{}, err
	}
	claim, err := s.signup.Claim(ctx, s.tier, t.ID, began, false)
	for try := 0; errors.Is(err, pool.ErrEmpty) && try < 20; try++ {
		if err := s.reconciler.Reconcile(ctx, s.tier); err != nil && !errors.Is(err, pool.ErrConflict) {
			return pool.Claim{}, err
		}
		claim, err = s.signup.Claim(ctx, s.tier, t.ID, began, false)
	}
	if err != nil {
		return pool.Claim{}, err
	}
	if claim.NeedsReconciling() {
		s.ask()
	}
	before := t
	t.Database, t.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
	t.Secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:headroom/prod/tenant/" + string(t.ID) + "/k3v9x2m7qa-AbCdEf"
	t.ReadyAt = began.Add(987654321)
	t, err = pool.MoveTenant(t, pool.TenantReady, t.ReadyAt, fmt.Sprintf(
		"next in the order of placement: database %s/%d, share %s/%d", t.Database.Host, t.Database.Index, t.Share.Host, t.Share.Index))
	if err != nil {
		return pool.Claim{}, err
	}
	_, err = s.signup.SaveTenant(ctx, before, t)
	return claim, err
}

// atOnce signs up tenants, numbered from first, all at the same time. It stands for signups that
// come in together: what a real one does between its claim and the end takes longer than reconciling
// the shelf, so the pool check that one burst asks for is done before the next.
func (s *shop) atOnce(tb testing.TB, first, tenants int) map[pool.TenantID]pool.Claim {
	tb.Helper()
	group, ctx := errgroup.WithContext(tb.Context())
	var mu sync.Mutex
	claims := map[pool.TenantID]pool.Claim{}
	for n := first; n < first+tenants; n++ {
		group.Go(func() error {
			claim, err := s.serve(ctx, n)
			if err != nil {
				return fmt.Errorf("signup %d: %w", n, err)
			}
			mu.Lock()
			defer mu.Unlock()
			claims[ledgertest.ID(n)] = claim
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		tb.Fatal(err)
	}
	return claims
}
