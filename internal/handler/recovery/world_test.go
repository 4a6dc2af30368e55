package recovery

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
	"headroom/internal/shelf"
	"headroom/internal/stocktake"
	"headroom/internal/telemetry"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	bucket  = "arn:aws:s3:::bucket-"
	gateway = "arn:aws:storagegateway:eu-west-1:1:gateway/sgw-1"
	dbHost  = pool.HostID("database-standard-1")
	shHost  = pool.HostID("share-standard-1")
)

// world is a stage in which acme has a pair, that of index 1, and globex is shut out of its own, that of index 2. Its ledger is of
// before either came.
type world struct {
	now       time.Time
	ledger    *memory.Ledger
	seen      inventory.Seen
	databases []pool.FoundDatabase
	full      map[string]string
	down      error // the database host does not answer
	shut      error // no bucket can be looked into
	metrics   bytes.Buffer
	messages  int
}

func newWorld(t *testing.T, known bool) *world {
	t.Helper()
	w := &world{now: began, ledger: memory.New(memory.Options{}), full: map[string]string{}}
	mark := func(id pool.HostID) inventory.Marks {
		return inventory.Marks{Stage: "dev", Host: string(id), Order: "order"}
	}
	shares := inventory.Stack{
		Name: "headroom-dev-" + string(shHost), ID: "arn:2", Status: "CREATE_COMPLETE", Marks: mark(shHost), Parameters: map[string]string{"GatewayId": "sgw-1"},
		Outputs: map[string]string{"DnsName": "gw.internal", "MachineId": "i-1", "ApplianceAddress": "10.0.0.9", "SecurityGroupId": "sg-1", "CacheVolumeId": "vol-1"},
	}
	access := map[pool.Kind]pool.Access{
		pool.Database: {Address: "db.internal", Port: 5432, MasterSecret: "arn:master"},
		pool.Share:    {Address: "gw.internal", Appliance: "10.0.0.9", SecurityGroup: "sg-1", Machine: "i-1", Cache: "vol-1", Gateway: gateway},
	}
	for n := 1; n <= 3; n++ {
		i := fmt.Sprint(n)
		w.databases = append(w.databases, pool.FoundDatabase{Name: "d" + i, Mark: string(dbHost) + "/order/" + i + "/1", Open: n == 1, Holds: n < 3})
		shares.Outputs["Bucket0"+i], shares.Outputs["Role0"+i] = bucket+i, "role"+i
		share := inventory.Share{ID: "share-" + i, Gateway: gateway, Bucket: bucket + i, Name: "s" + i, Clients: []string{pool.Nobody}, Marks: mark(shHost), Generation: "1"}
		switch n {
		case 1:
			share.Tenant, share.Clients = "acme", []string{"10.0.0.7/32"}
		case 2:
			share.Tenant = "globex"
		}
		w.seen.Shares = append(w.seen.Shares, share)
		w.seen.Buckets = append(w.seen.Buckets, inventory.Bucket{Name: "bucket-" + i, Slot: string(shHost) + "/order/" + i + "/1", Marks: mark(shHost)})
	}
	for tenant, n := range map[string]string{"acme": "1", "globex": "2"} {
		w.seen.Secrets = append(w.seen.Secrets, inventory.Secret{
			Name: "headroom/dev/tenant/" + tenant + "/m" + n, ARN: "arn:secret" + n, Made: began, Tags: map[string]string{"headroom:database": "d_d" + n},
		})
	}
	w.seen.Stacks = []inventory.Stack{
		{
			Name: "headroom-dev-" + string(dbHost), ID: "arn:1", Status: "CREATE_COMPLETE", Marks: mark(dbHost),
			Outputs: map[string]string{"Address": "db.internal", "Port": "5432", "MasterSecretArn": "arn:master"},
		},
		shares,
	}
	w.seen.Gateways = []inventory.Gateway{{ARN: gateway, Marks: mark(shHost)}}
	for _, id := range []pool.HostID{dbHost, shHost} {
		key, _, _ := id.Parse()
		h := pool.Host{ID: id, Kind: key.Kind, Tier: key.Tier, State: pool.HostOrdered, Since: began, Mark: "order", Size: 3, OrderedAt: began, DecidedAt: began}
		if !known {
			continue
		}
		must(t, w.ledger.Order(t.Context(), pool.Record{Key: key}, h))
		before, err := w.ledger.Host(t.Context(), id)
		must(t, err)
		after := before.Clone()
		after.State, after.Access, after.Progress = pool.HostInService, access[key.Kind], pool.Progress{}
		for n := 1; n <= 3; n++ {
			slot := pool.Slot{Index: n, Generation: 1, Name: fmt.Sprint("d", n), State: pool.SlotFree, Since: began}
			if key.Kind == pool.Share {
				slot.Name, slot.Bucket, slot.Role, slot.Share = fmt.Sprint("s", n), fmt.Sprint(bucket, n), fmt.Sprint("role", n), fmt.Sprint("share-", n)
			}
			after.Slots = append(after.Slots, slot)
		}
		must(t, w.ledger.SaveHost(t.Context(), before, after, pool.Succeeded, began))
	}
	// An address that acme has by now was another's, who went.
	must(t, w.ledger.Register(t.Context(), "10.0.0.7", "initech"))
	_, _, err := w.ledger.Request(t.Context(), pool.Tenant{ID: "initech", Tier: "standard", State: pool.TenantLeft, Mark: "m0"})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) Look(context.Context) (inventory.Seen, error) {
	s := w.seen
	s.At = w.now
	return s, nil
}

func (w *world) Load(context.Context) (pool.Policies, error) {
	return pool.Policies{
		{Kind: pool.Database, Tier: "standard", SlotsPerHost: 3, Ceiling: 5}, {Kind: pool.Share, Tier: "standard", SlotsPerHost: 3, Ceiling: 5},
	}, nil
}

func (w *world) Master(context.Context, string) (username, password string, err error) {
	return "master", "p", nil
}

// instance is the database host's server.
type instance struct{ w *world }

func (i instance) Found(context.Context, pool.Login) ([]pool.FoundDatabase, error) {
	return slices.Clone(i.w.databases), i.w.down
}

// storage is S3.
type storage struct{ w *world }

func (s storage) Found(_ context.Context, bucket string) (string, error) {
	return s.w.full[bucket], s.w.shut
}

func (w *world) Terms(context.Context) (pool.Terms, error) { return pool.DefaultTerms, nil }

// killed makes calls through a Call.
type killed struct {
	*world
	call killtest.Call
}

func (k killed) Look(ctx context.Context) (s inventory.Seen, err error) {
	err = k.call("Look", func() error { s, err = k.world.Look(ctx); return err })
	return s, err
}

func (w *world) handler(t *testing.T, call killtest.Call) *Handler {
	t.Helper()
	now := func() time.Time { return w.now }
	l := killtest.Ledger{Next: w.ledger, Call: call}
	shelves, err := shelf.New(shelf.Config{Ledger: l, Policies: w, Now: now})
	must(t, err)
	h, err := New(Config{
		Stage: "dev", Ledger: l, Looker: killed{w, call}, Shelf: shelves, Vault: w, Databases: instance{w}, Buckets: storage{w}, Terms: w,
		Books:   &stocktake.Taker{Stage: "dev", Nobody: pool.Nobody, Looker: w, Ledger: l, Now: now},
		Metrics: telemetry.Recorder{Out: &w.metrics, Now: now, Stage: "dev", Log: slog.New(slog.DiscardHandler)},
		Log:     slog.New(slog.DiscardHandler), Now: now,
	})
	must(t, err)
	return h
}

func undisturbed(_ string, call func() error) error { return call() }

// body is a message, with the digest of the last look for apply.
func (w *world) body(t *testing.T, action string) string {
	t.Helper()
	digest := ""
	if action == events.RecoverApply {
		r, err := w.ledger.Recovery(t.Context())
		must(t, err)
		digest = `"digest":"` + r.Digest + `",`
	}
	return `{"version":"1","type":"RecoverRequest","action":"` + action + `",` + digest + `"reason":"the table was put back","requestedBy":"ada"}`
}

// ask sends a message, and returns what came of it.
func (w *world) ask(t *testing.T, action string) string {
	t.Helper()
	w.now = w.now.Add(time.Second)
	w.messages++
	d := events.Delivery{ID: fmt.Sprint("m", w.messages), Body: w.body(t, action), SentAt: w.now}
	must(t, w.handler(t, undisturbed).Message(t.Context(), d))
	r, err := w.ledger.Recovery(t.Context())
	must(t, err)
	return r.Came
}

func (w *world) stop(t *testing.T) {
	t.Helper()
	must(t, w.ledger.SaveStops(t.Context(), pool.Stops{Order: true, Repair: true, Destroy: true}))
}

// recovers has a recovery be made from its hold on, each message handled as life has it.
func (w *world) recovers(t *testing.T, life *killtest.Life) {
	t.Helper()
	w.stop(t)
	for n, action := range []string{events.RecoverHold, events.RecoverLook, events.RecoverApply} {
		w.now = w.now.Add(plans.Rest + time.Minute)
		d := events.Delivery{ID: fmt.Sprint("m", n), Body: w.body(t, action), SentAt: w.now}
		must(t, life.Deliver(func() error { return w.handler(t, life.Call).Message(context.Background(), d) }))
	}
}

// served has a tenant be on record as ready with the slots of an index.
func (w *world) served(t *testing.T, id pool.TenantID, mark string, index int) pool.Tenant {
	t.Helper()
	stored, _, err := w.ledger.Request(t.Context(), pool.Tenant{ID: id, Tier: "standard", State: pool.TenantRequested, Mark: mark, RequestedAt: began, Addresses: []string{"10.0.0." + fmt.Sprint(6+index)}})
	must(t, err)
	ready := stored.Clone()
	ready.State, ready.Secret, ready.ReadyAt = pool.TenantReady, fmt.Sprint("arn:secret", index), began
	ready.Database = pool.Holding{Host: dbHost, Index: index, Generation: 1, Name: fmt.Sprint("d", index)}
	ready.Share = pool.Holding{Host: shHost, Index: index, Generation: 1, Name: fmt.Sprint("s", index)}
	ready, err = w.ledger.SaveTenant(t.Context(), stored, ready)
	must(t, err)
	for _, id := range []pool.HostID{dbHost, shHost} {
		before, err := w.ledger.Host(t.Context(), id)
		must(t, err)
		after := before.Clone()
		after.Slots[index-1].State, after.Slots[index-1].Tenant = pool.SlotAssigned, ready.ID
		must(t, w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, began))
	}
	return ready
}

// state words who has what, and who is held.
func (w *world) state(t *testing.T) string {
	t.Helper()
	words := ""
	for _, id := range []pool.HostID{dbHost, shHost} {
		h, err := w.ledger.Host(t.Context(), id)
		must(t, err)
		words += fmt.Sprintf("%s %s %q:", id, h.State, h.ByHand)
		for _, s := range h.Slots {
			words += fmt.Sprintf(" %d %s %s", s.Generation, s.State, s.Tenant)
		}
		words += "; "
	}
	for _, id := range []pool.TenantID{"acme", "globex"} {
		tenant, err := w.ledger.Tenant(t.Context(), id)
		words += fmt.Sprintf("%s %s %v %v; ", id, tenant.State, tenant.Addresses, err)
	}
	record, err := w.ledger.Pool(t.Context(), pool.Key{Kind: pool.Database, Tier: "standard"})
	must(t, err)
	return words + fmt.Sprintf("%d hosts, %d used, %d in reserve, %d coming", record.Counters.Hosts, record.Counters.Used, record.Counters.Reserve, len(record.Coming))
}
