package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const tier pool.Tier = "standard"

// start is when every test begins. Moments in tests are whole seconds: some are stored so.
var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func key(k pool.Kind) pool.Key { return pool.Key{Kind: k, Tier: tier} }

// ID makes a tenant's ID as long as a UUID, which is what callers use.
func ID(n int) pool.TenantID {
	return pool.TenantID(fmt.Sprintf("%08x-5a1d-4c4e-9e0b-%012x", n, n))
}

func tenant(n int) pool.Tenant {
	return pool.Tenant{
		ID: ID(n), Tier: tier, Mark: "k3v9x2m7qa", Addresses: []string{"10.20.30.40"}, State: pool.TenantRequested,
		RequestedAt: at(n).Add(123456789), Progress: pool.Progress{Step: pool.StepOpen, Due: at(n + 300)},
		History: []pool.Entry{{At: at(n), What: "requested", Why: "signup message", Correlation: "m-1"}},
	}
}

// Host makes a host in service, as large in its stored form as one on AWS: its slots are free.
func Host(k pool.Key, seq, slots int) pool.Host {
	id := k.Host(seq)
	h := pool.Host{
		ID: id, Kind: k.Kind, Tier: k.Tier, State: pool.HostInService, Since: start, Why: "made ready", DecidedAt: start, OrderedAt: start, Mark: "k3v9x2m7qa", Size: slots,
		Zone: "eu-central-1a", Image: "ami-0f11e5a7e4a7e0001",
		Stack:   pool.Stack{Name: "headroom-prod-" + string(id), ID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/headroom-prod-" + string(id) + "/5e1c1b70-87b4-11f1-a1f2-0a58a9feac02", Token: string(id)},
		Access:  access(k.Kind, id, seq),
		History: []pool.Entry{{At: start, What: "ordered", Why: "floor"}, {At: start, What: "in-service", Why: "made ready"}},
	}
	for i := 1; i <= slots; i++ {
		slot := pool.Slot{Index: i, Generation: 1, Name: fmt.Sprintf("t%06xk%04x", seq, i), State: pool.SlotFree, Since: start}
		if k.Kind == pool.Share {
			slot.Bucket = fmt.Sprintf("arn:aws:s3:::headroom-prod-%s-bucket%02d-1h2j3k4l5m6n", id, i)
			slot.Role = fmt.Sprintf("arn:aws:iam::123456789012:role/headroom-prod-%s-Role%02d-1h2j3k4l5m6n", id, i)
			slot.Share = fmt.Sprintf("share-%08X", seq*100+i)
		}
		h.Slots = append(h.Slots, slot)
	}
	return h
}

func access(k pool.Kind, id pool.HostID, seq int) pool.Access {
	if k == pool.Database {
		return pool.Access{
			Address: "headroom-prod-" + string(id) + ".c9akciq32abc.eu-central-1.rds.amazonaws.com", Port: 5432,
			MasterSecret: fmt.Sprintf("arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-5e1c1b70-87b4-11f1-a1f2-%012x-AbCdEf", seq),
		}
	}
	return pool.Access{
		Address: string(id) + ".prod.headroom.internal", Appliance: "10.128.160.241",
		Gateway:       fmt.Sprintf("arn:aws:storagegateway:eu-central-1:123456789012:gateway/sgw-%08X", seq),
		SecurityGroup: fmt.Sprintf("sg-%017x", seq),
	}
}

// Offers words a host's slots as offers.
func Offers(h pool.Host) []pool.Offer {
	_, seq, _ := h.ID.Parse()
	var offers []pool.Offer
	for _, s := range h.Slots {
		offers = append(offers, pool.Offer{Host: seq, Index: s.Index, Generation: s.Generation, Name: s.Name, Share: s.Share})
	}
	return offers
}

// must ends the test when a step that prepares it fails.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect compares, with an empty list or map like none at all.
func expect(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func equal(a, b any) bool { return cmp.Equal(a, b, cmpopts.EquateEmpty()) }

// add puts a host into the ledger on the way that hosts take: ordered, then in service.
func add(t testing.TB, l ledger.Ledger, h pool.Host) pool.Host {
	t.Helper()
	ctx := t.Context()
	seen, err := l.Pool(ctx, h.Key())
	must(t, err)
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	must(t, l.Order(ctx, seen, ordered))
	before, err := l.Host(ctx, h.ID)
	must(t, err)
	must(t, l.SaveHost(ctx, before, h, pool.Neutral, start))
	stored, err := l.Host(ctx, h.ID)
	must(t, err)
	return stored
}

// stock sets out a number of pairs of one host each.
func stock(t testing.TB, l ledger.Ledger, pairs int) {
	t.Helper()
	for _, k := range pool.Kinds {
		h := add(t, l, Host(key(k), 1, pairs))
		shelf, err := l.Shelf(t.Context(), tier)
		must(t, err)
		begin(t, l, pool.Refill{Number: shelf.Refills + 1, Offers: pool.List(k, Offers(h))})
		must(t, finish(t.Context(), l, nil))
	}
}

// begin begins a refill.
func begin(t testing.TB, l ledger.Ledger, r pool.Refill) pool.Shelf {
	t.Helper()
	begun, err := l.BeginRefill(t.Context(), tier, r)
	must(t, err)
	return begun
}
