package dynamo

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/dynamo/dynamotest"
	"headroom/internal/pool"
	"headroom/internal/pool/ledgertest"
)

// forgetful delivers requests and loses a reply when lose says so.
type forgetful struct {
	next http.RoundTripper
	lose func() bool
}

func (f *forgetful) Do(r *http.Request) (*http.Response, error) {
	response, err := f.next.RoundTrip(r)
	if err == nil && f.lose() {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return nil, errors.New("reply lost")
	}
	return response, err
}

// TestRepliesThatAreLost has the SDK send again what was written already.
func TestRepliesThatAreLost(t *testing.T) {
	server := dynamotest.Start(t)
	lose := false
	wire := &forgetful{next: http.DefaultTransport, lose: func() bool { was := lose; lose = false; return was }}
	l := open(t, server.Client(func(o *dynamodb.Options) { o.HTTPClient = wire }), server.Table(t))
	ctx := t.Context()
	key := pool.Key{Kind: pool.Share, Tier: "standard"}
	h := ledgertest.Host(key, 1, 3)
	tenant := pool.Tenant{ID: ledgertest.ID(1), Tier: "standard", State: pool.Requested, RequestedAt: began, Due: began}

	lose = true
	if _, fresh, err := l.Request(ctx, tenant); err != nil || fresh {
		t.Errorf("a tenant is known by the second sending: fresh %v, error %v", fresh, err)
	}

	s := pool.NewShelf("standard")
	s.Databases = []pool.Offer{{Host: 1, Index: 1, Name: "db1"}, {Host: 1, Index: 2, Name: "db2"}}
	s.Shares = ledgertest.Offers(h)[:2]
	if err := l.SaveShelf(ctx, pool.NewShelf("standard"), s); err != nil {
		t.Fatal(err)
	}
	lose = true
	claim, err := l.Claim(ctx, "standard", tenant.ID, began, false)
	if err != nil || !claim.Again || claim.Share.Offer != s.Shares[0] || claim.Left != 1 {
		t.Errorf("one pair is taken, and given by the second sending: %+v, error %v", claim, err)
	}

	lose = true
	if err := l.Ready(ctx, tenant); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a tenant is ready already by the second sending: %v", err)
	}

	lose = true
	if err := l.Order(ctx, pool.Record{Key: key}, h); err != nil {
		t.Errorf("a transaction that is sent again with its token is one: %v", err)
	}
	record, err := l.Pool(ctx, key)
	if err != nil || record.Counters != pool.Contribution(h) || record.Seq != 1 {
		t.Errorf("pool %+v, error %v", record, err)
	}
}

func TestClaimsAtOnceWithRepliesLost(t *testing.T) {
	const oneIn = 50
	server := dynamotest.Start(t)
	var sent atomic.Int64
	wire := &forgetful{
		next: &http.Transport{MaxIdleConnsPerHost: 100},
		lose: func() bool { return sent.Add(1)%oneIn == 0 },
	}
	ledgertest.ClaimsAtOnce(t, open(t, server.Client(func(o *dynamodb.Options) {
		o.HTTPClient = wire
		// The quota of retries, which all fifty share here, is not what this is about.
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) { s.RateLimiter = ratelimit.None })
	}), server.Table(t)))
}
