package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// forgetful delivers requests and loses a reply when lose says so.
type forgetful struct {
	next http.RoundTripper
	lose func(*http.Request) bool
}

func (f *forgetful) Do(r *http.Request) (*http.Response, error) {
	response, err := f.next.RoundTrip(r)
	if err == nil && f.lose(r) {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return nil, errors.New("reply lost")
	}
	return response, err
}

// losing makes a ledger that loses replies when lose says so. The SDK soon sends again, and does not
// give up: neither how often it tries nor its quota of retries is what this is about.
func losing(tb testing.TB, server *dynamotest.Server, table string, lose func(*http.Request) bool) *Ledger {
	tb.Helper()
	return open(tb, server.Client(func(o *dynamodb.Options) {
		o.HTTPClient = &forgetful{next: &http.Transport{MaxIdleConnsPerHost: 100}, lose: lose}
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts, s.MaxBackoff, s.RateLimiter = 20, 10*time.Millisecond, ratelimit.None
		})
	}), table)
}

// writes counts writes, and loses the reply to one of them.
type writes struct {
	made int
	lost int // from 1; 0: none
}

func (w *writes) lose(r *http.Request) bool {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation == "GetItem" || operation == "BatchGetItem" || operation == "Query" {
		return false
	}
	w.made++
	return w.made == w.lost
}

// everyWrite runs a scenario undisturbed, and then once for each of its writes with the reply to that
// one lost. prepare makes the table, do works on it, and what both leave behind must be the same each
// time.
func everyWrite(t *testing.T, server *dynamotest.Server, prepare, do func(context.Context, *Ledger) error) {
	t.Helper()
	run := func(t *testing.T, w *writes) remains {
		t.Helper()
		table := server.Table(t)
		undisturbed := open(t, server.Client(), table)
		if err := prepare(t.Context(), undisturbed); err != nil {
			t.Fatal(err)
		}
		if err := do(t.Context(), losing(t, server, table, w.lose)); err != nil {
			t.Errorf("answered %v", err)
		}
		return remainsOf(t, undisturbed)
	}
	all := &writes{}
	want := run(t, all)
	if all.made == 0 {
		t.Fatal("nothing was written")
	}
	for n := range all.made {
		t.Run(fmt.Sprintf("reply %d lost", n+1), func(t *testing.T) {
			got := run(t, &writes{lost: n + 1})
			// A number of the waiting list may be drawn twice, and the first never used.
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(pool.Tenant{}, "Seq")); diff != "" {
				t.Errorf("left behind (-undisturbed +lost):\n%s", diff)
			}
		})
	}
}

// remains is what is left behind: of each kind the first host and its pool, the first two tenants, and
// the shelf.
type remains struct {
	Hosts     []pool.Host
	Pools     []pool.Record
	Tenants   []pool.Tenant
	Waiting   []pool.TenantID
	Databases []pool.Offer
	Shares    []pool.Offer
	Held      int
	Withdrawn int
	Refills   int64
}

func remainsOf(t *testing.T, l *Ledger) remains {
	t.Helper()
	known := func(err error) bool {
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	var r remains
	for _, k := range pool.Kinds {
		key := pool.Key{Kind: k, Tier: "standard"}
		record, err := l.Pool(t.Context(), key)
		if known(err) {
			r.Pools = append(r.Pools, record)
		}
		if h, err := l.Host(t.Context(), key.Host(1)); known(err) {
			r.Hosts = append(r.Hosts, h)
		}
	}
	for n := 1; n <= 2; n++ {
		if tenant, err := l.Tenant(t.Context(), ledgertest.ID(n)); known(err) {
			r.Tenants = append(r.Tenants, tenant)
		}
	}
	waiters, err := l.Waiting(t.Context(), "standard", 10)
	known(err)
	for _, w := range waiters {
		r.Waiting = append(r.Waiting, w.Tenant)
	}
	s, err := l.Shelf(t.Context(), "standard")
	known(err)
	r.Databases, r.Shares, r.Held, r.Withdrawn, r.Refills = s.Databases, s.Shares, len(s.Held), len(s.Withdrawn), s.Refills
	return r
}
