package page

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/service/sqs"
	"headroom/internal/pool"
)

// host orders a host and puts it into a state, with slots in states.
func (r *rig) host(key pool.Key, state pool.HostState, size int, slots ...pool.Slot) pool.Host {
	r.t.Helper()
	ctx := r.t.Context()
	record, err := r.ledger.Pool(ctx, key)
	if err != nil {
		r.t.Fatal(err)
	}
	h := pool.Host{
		ID: key.Host(record.Seq + 1), Kind: key.Kind, Tier: key.Tier, State: pool.HostOrdered, Since: noon, OrderedAt: noon, DecidedAt: noon,
		Size: size, Progress: pool.Progress{Step: pool.StepOrder},
	}
	if err := r.ledger.Order(ctx, record, h); err != nil {
		r.t.Fatal(err)
	}
	if state == pool.HostOrdered {
		return h
	}
	before, err := r.ledger.Host(ctx, h.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	after := before.Clone()
	after.State, after.Slots, after.Progress = state, slots, pool.Progress{}
	if err := r.ledger.SaveHost(ctx, before, after, pool.Succeeded, noon.Add(90*time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return after
}

// mend has a host be in a repair.
func (r *rig) mend(id pool.HostID) {
	r.t.Helper()
	ctx := r.t.Context()
	before, err := r.ledger.Host(ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	after := before.Clone()
	after.Repair = 1
	if err := r.ledger.SaveHost(ctx, before, after, pool.Neutral, noon); err != nil {
		r.t.Fatal(err)
	}
	repair, _ := pool.BeginRepair(pool.Repair{}, after, "its machine is gone", pool.Wanted{}, noon)
	if _, err := r.ledger.SaveRepair(ctx, pool.Repair{}, repair); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) tenant(id pool.TenantID, t pool.Tenant) {
	r.t.Helper()
	ctx := r.t.Context()
	stored, _, err := r.ledger.Request(ctx, pool.Tenant{ID: id, Tier: "standard", Mark: "m", State: pool.TenantRequested, RequestedAt: noon.Add(-10 * time.Second), Addresses: []string{"127.0.0.9"}})
	if err != nil {
		r.t.Fatal(err)
	}
	t.ID, t.Tier, t.Mark, t.RequestedAt, t.Addresses, t.Version = id, "standard", "m", stored.RequestedAt, stored.Addresses, stored.Version
	if _, err := r.ledger.SaveTenant(ctx, stored, t); err != nil {
		r.t.Fatal(err)
	}
}

func TestThePictureIsWhatTheLedgerSays(t *testing.T) {
	r := newRig(t)
	database := pool.Key{Kind: pool.Database, Tier: "standard"}
	r.host(database, pool.HostInService, 2, pool.Slot{Index: 1, Generation: 1, State: pool.SlotOffered}, pool.Slot{Index: 2, Generation: 1, State: pool.SlotFree})
	r.host(share, pool.HostInService, 4,
		pool.Slot{Index: 1, Generation: 1, State: pool.SlotAssigned, Tenant: "acme"}, pool.Slot{Index: 2, Generation: 1, State: pool.SlotOffered},
		pool.Slot{Index: 3, Generation: 2, State: pool.SlotLeaving, Tenant: "birch"}, pool.Slot{Index: 4, Generation: 1, State: pool.SlotFree})
	r.host(share, pool.HostOrdered, 3)
	// cobalt's claim is not settled: the hosts' records do not name it yet.
	held := pool.NewShelf("standard")
	held.Held["cobalt"] = pool.Hold{Database: pool.Offer{Host: 1, Index: 1, Generation: 1}, Share: pool.Offer{Host: 1, Index: 2, Generation: 1}}
	if err := r.ledger.SaveShelf(t.Context(), pool.NewShelf("standard"), held); err != nil {
		t.Fatal(err)
	}
	r.tenant("acme", pool.Tenant{State: pool.TenantReady, ReadyAt: noon, Share: pool.Holding{Host: share.Host(1), Index: 1, Generation: 1}})
	r.tenant("waits", pool.Tenant{State: pool.TenantWaiting, Seq: 7})

	var s state
	r.get("/api/state", 200, &s)
	shares := s.Pools[1]
	if shares.Kind != "share" || shares.Free != 1 || shares.Taken != 2 || shares.Leaving != 1 || shares.Provisioning != 3 || shares.Lead != 90 {
		t.Errorf("pool of shares: %+v", shares)
	}
	want := []slotPicture{
		{1, 1, "assigned", "acme"}, {2, 1, "assigned", "cobalt"}, {3, 2, "leaving", "birch"}, {4, 1, "free", ""},
	}
	if diff := cmp.Diff(want, shares.Hosts[0].Slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if making := shares.Hosts[1]; making.State != "ordered" || making.Step != "order" || len(making.Slots) != 3 || making.Slots[2].State != "planned" {
		t.Errorf("host that is made: %+v", making)
	}
	if d := s.Pools[0]; d.Free != 1 || d.Taken != 1 {
		t.Errorf("pool of databases: %+v", d)
	}
	tenants := map[string]tenantPicture{}
	for _, x := range s.Tenants {
		tenants[x.ID] = x
	}
	if a := tenants["acme"]; a.State != "ready" || a.Ready-a.Asked != 10_000 || a.Share != "share-standard-1/1" {
		t.Errorf("tenant: %+v", a)
	}
	if w := tenants["waits"]; w.State != "waiting" || w.Position != 1 {
		t.Errorf("tenant that waits: %+v", w)
	}
}

func TestQueuesAreShownWithTheirDeadLettersAndWhy(t *testing.T) {
	r := newRig(t)
	const queue, dead, undelivered = "Headroom-dev-SignupQueueCC6FA29F-N646W24HUMI4", "Headroom-dev-SignupDeadLetters0AB1-QWERTY", "Headroom-dev-Undelivered12345678-ABC"
	r.queues[queue] = sqs.State{Visible: 3, NotVisible: 1, Oldest: 90 * time.Second, DeadLetters: dead}
	r.queues[dead] = sqs.State{Visible: 2}
	r.queues[undelivered] = sqs.State{Visible: 1}
	r.dead[dead] = []sqs.Message{
		{ID: "m1", Body: `{"tenantId":"?"}`, Attributes: map[string]string{"field": "tenantId", "reason": "is no name"}, Sent: noon},
		{ID: "m2", Body: "{}", Sent: noon},
	}
	r.page.Logged("headroom-dev-signup", `{"level":"ERROR","message":"message failed","messageId":"m2","error":"it is too late"}`)
	var s state
	r.get("/api/state", 200, &s)
	want := []queueState{
		{Name: "SignupQueue", Visible: 3, Flying: 1, Oldest: 90, Dead: 2}, {Name: "Undelivered", Ends: true, Visible: 1, Dead: 1},
	}
	if diff := cmp.Diff(want, s.Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	letters := []deadLetter{
		{Queue: "SignupQueue", ID: "m1", At: noon.UnixMilli(), Body: `{"tenantId":"?"}`, Why: "tenantId is no name"},
		{Queue: "SignupQueue", ID: "m2", At: noon.UnixMilli(), Body: "{}", Why: "message failed: it is too late"},
	}
	if diff := cmp.Diff(letters, s.Dead); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

func TestButtonsWorkOnlyOnceTheDemoIsOver(t *testing.T) {
	r := newRig(t)
	r.host(share, pool.HostInService, 1)
	said := r.post("/api/signups", `{"count":1}`, 409)
	r.post("/api/hosts/share-standard-1/terminate", `{}`, 409)
	if len(r.acted) > 0 || !strings.Contains(said, "once that is over") {
		t.Errorf("acted: %q, said %q", r.acted, said)
	}
}

func TestButtonsActOnce(t *testing.T) {
	r := newRig(t)
	database := pool.Key{Kind: pool.Database, Tier: "standard"}
	r.host(share, pool.HostInService, 1)
	r.host(share, pool.HostOrdered, 1)
	r.host(database, pool.HostInService, 1)
	r.page.Open()
	r.post("/api/signups", `{"count":2}`, 200)
	r.post("/api/signups", `{"count":1}`, 200)
	r.post("/api/hosts/share-standard-1/terminate", `{}`, 200)
	r.post("/api/hosts/database-standard-1/strain", `{"on":true}`, 200)
	r.post("/api/hosts/database-standard-1/strain", `{"on":false}`, 200)
	want := []string{
		"sign up maple 127.24.0.1", "sign up nimbus 127.24.0.2", "sign up onyx 127.24.0.3", "terminate share-standard-1",
		"strain database-standard-1", "leave database-standard-1",
	}
	if diff := cmp.Diff(want, r.acted); diff != "" {
		t.Errorf("acted (-want +got):\n%s", diff)
	}
	for path, body := range map[string]string{
		"/api/signups":   `{"count":11}`,
		"/api/signups?":  `{"count":0}`,
		"/api/signups?a": `{"count":1,"tenantId":"x"}`,
		"/api/signups?b": `nothing`,
		"/api/hosts/database-standard-1/terminate":  `{}`,
		"/api/hosts/share-standard-1/strain":        `{"on":true}`,
		"/api/hosts/..%2Fstack/terminate":           `{}`,
		"/api/hosts/database-standard-1/strain?bad": `{"off":1}`,
	} {
		r.post(path, body, 400)
	}
	r.post("/api/hosts/share-standard-2/terminate", `{}`, 409) // it is not in service yet
	r.post("/api/hosts/share-standard-9/terminate", `{}`, 409)
	for _, path := range []string{"/api/signups", "/api/hosts/share-standard-1/terminate"} {
		r.get(path, 404, nil) // nothing is changed by a GET
	}
	if len(r.acted) != len(want) {
		t.Errorf("what was refused acted: %q", r.acted[len(want):])
	}
}

func TestGuestsHaveNamesAndAddressesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for n := range 5000 {
		id, address := guest(n)
		if seen[id] || seen[address] {
			t.Fatalf("guest %d is %s at %s, which is somebody's", n, id, address)
		}
		seen[id], seen[address] = true, true
	}
}
