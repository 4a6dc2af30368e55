package dynamo

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// stalled does something before the first transaction of a client is sent.
type stalled struct {
	next http.RoundTripper
	do   func()
}

func (s *stalled) Do(r *http.Request) (*http.Response, error) {
	if do := s.do; do != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		s.do = nil
		do()
	}
	return s.next.RoundTrip(r)
}

// Between the number that it draws and the place on the list, a signup stalls. Meanwhile the tenant is
// put on the list by another delivery of its signup, and its turn comes: it must not wait again.
func TestASignupThatStallsDoesNotUndoTheTenantsTurn(t *testing.T) {
	server := dynamotest.Start(t)
	table := server.Table(t)
	ctx, other := t.Context(), open(t, server.Client(), table)
	id := ledgertest.ID(1)
	if err := signUp(1)(ctx, other); err != nil {
		t.Fatal(err)
	}
	slow := open(t, server.Client(func(o *dynamodb.Options) {
		o.HTTPClient = &stalled{next: http.DefaultTransport, do: func() {
			if err := wait(ctx, other, 1); err != nil {
				t.Error(err)
			}
			before, err := other.Shelf(ctx, "standard")
			if err != nil {
				t.Error(err)
			}
			after := before.Clone()
			for _, k := range pool.Kinds {
				after.SetOffers(k, ledgertest.Offers(ledgertest.Host(pool.Key{Kind: k, Tier: "standard"}, 1, 1)))
			}
			if err := other.SaveShelf(ctx, before, after); err != nil {
				t.Error(err)
			}
			if _, err := other.Claim(ctx, "standard", id, true); err != nil {
				t.Error(err)
			}
			if err := move(pool.TenantRequested)(ctx, other); err != nil {
				t.Error(err)
			}
		}}
	}), table)
	if err := wait(ctx, slow, 1); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("late onto the list: %v", err)
	}
	waiters, err := other.Waiting(ctx, "standard", 10)
	if err != nil || len(waiters) != 0 {
		t.Errorf("waiting: %v, %v", waiters, err)
	}
	if tenant, err := other.Tenant(ctx, id); err != nil || tenant.State != pool.TenantRequested {
		t.Errorf("tenant: %+v, %v", tenant, err)
	}
}
