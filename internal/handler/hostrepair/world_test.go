package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	tier       pool.Tier = "standard"
	visibility           = 3 * time.Minute
	oldImage             = "ami-0f11e5a7e4a7e0001"
	newest               = "ami-0f11e5a7e4a7e0002"
	wanted               = "ami-0f11e5a7e4a7e0003"
	size                 = "m6i.xlarge"
	zone                 = "eu-central-1a"
	steady               = time.Minute // for which what ailed a host must be over
)

var (
	start     = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	shares    = pool.Key{Kind: pool.Share, Tier: tier}
	errNotNow = errors.New("not now")
	drilled   = []pool.Drill{{From: oldImage, To: newest}}
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

// fatal is a test, or a run of a property.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// world is everything that a repair reaches, with the pool check's part of it.
type world struct {
	t          fatal
	now        time.Time
	checked    time.Time // when the pool check looked last
	ledger     *memory.Ledger
	center     *center
	repairs    *queuetest.Queue
	hosts      *queuetest.Queue
	drills     []pool.Drill
	images     map[string]pool.Image // that EC2 knows
	moneyCap   float64
	said       []string
	unwritable []time.Duration // as it was said of hosts that were repaired
	fail       map[string]error
	mishap     func(operation string, after bool) // happens before, and after, each call
	calls      []string
	ids        []pool.HostID
	silent     bool // the pool check does not look
	doors      *doors
}

// newWorld makes a world with some gateways in service, each with a write that is not uploaded yet.
func newWorld(t fatal, hosts int) *world {
	w := &world{t: t, now: start, checked: start, ledger: memory.New(memory.Options{Lag: 2}), fail: map[string]error{}, drills: drilled, doors: newDoors()}
	w.images = map[string]pool.Image{}
	for n, id := range []string{oldImage, newest, wanted} {
		w.images[id] = pool.Image{ID: id, Name: fmt.Sprint("appliance-", n), Made: start.AddDate(0, n-6, 0)}
	}
	w.center = newCenter(w.clock)
	w.repairs, w.hosts = queuetest.New(w.clock), queuetest.New(w.clock)
	for n := range hosts {
		w.add(n + 1)
	}
	w.now = w.now.Add(10 * time.Minute)
	w.center.tick()
	for _, id := range w.ids {
		w.writes(id, "before")
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// add makes a host in service.
func (w *world) add(n int) {
	w.t.Helper()
	ctx := context.Background()
	h := ledgertest.Host(shares, n, 2)
	h.Mark, h.Zone, h.Image = fmt.Sprint("mark", n), zone, oldImage
	h.Access.Appliance = fmt.Sprint("10.0.0.", n)
	h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, pool.TenantID(fmt.Sprint("tenant-", n))
	s := &stack{
		id: h.Stack.ID, card: h.Access.Appliance, status: "CREATE_COMPLETE", outputs: map[string]string{}, used: map[string]map[string]string{},
		sets:       map[string]proposal{},
		parameters: map[string]string{"HasMachine": "true", "ImageId": oldImage, "InstanceType": size, "GatewayId": "", "Side": "A", "Fence": "off"},
		tags:       map[string]string{"headroom:host": string(h.ID), "headroom:order": h.Mark},
	}
	w.center.stacks[s.id] = s
	m := w.center.launch(s, false)
	id := h.Access.GatewayID()
	cache := w.center.name("vol")
	w.center.volumes[cache] = &volume{tags: map[string]string{"headroom:host": string(h.ID), "headroom:order": h.Mark}, serves: id, cache: true}
	w.center.volumes[m.disks[rootDevice].volume].serves = id
	m.disks["/dev/sdb"] = &disk{volume: cache}
	s.outputs["MachineId"] = m.id
	h.Access.Machine, h.Access.Cache = m.id, cache
	g := &gateway{id: id, card: s.card, uploaded: map[string]bool{}, unavailable: map[string]bool{}, seen: w.now}
	for _, slot := range h.Slots {
		g.shares = append(g.shares, slot.Share)
	}
	w.center.gateways[id] = g
	g.arn = h.Access.Gateway
	w.center.furnish(s, &h, g)
	w.tenant(h, h.Slots[0])
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	record, err := w.ledger.Pool(ctx, shares)
	w.must(err)
	w.must(w.ledger.Order(ctx, record, ordered))
	before, err := w.ledger.Host(ctx, h.ID)
	w.must(err)
	w.must(w.ledger.SaveHost(ctx, before, h, pool.Neutral, w.now))
	w.ids = append(w.ids, h.ID)
}

func undisturbed(_ string, do func() error) error { return do() }

// faulty makes calls that may be set to fail, or to have something happen beside them.
func (w *world) faulty(call killtest.Call) killtest.Call {
	return func(operation string, do func() error) error {
		return call(operation, func() error {
			w.calls = append(w.calls, operation)
			if err := w.fail[operation]; err != nil {
				return err
			}
			if w.mishap != nil {
				w.mishap(operation, false)
			}
			err := do()
			if w.mishap != nil {
				w.mishap(operation, true)
			}
			w.center.tick()
			return err
		})
	}
}

func (w *world) handler(call killtest.Call) *Handler {
	w.t.Helper()
	call = w.faulty(call)
	o := outside{w, call}
	h, err := New(Config{
		Ledger: killtest.Ledger{Next: w.ledger, Call: call}, Machines: o, Measures: o, Stacks: o, Appliances: o, Gateways: o, Prober: o, Tasks: taskCalls{o}, Clients: o, Firewall: o, Nobody: nobody, ShareKey: "arn:key", Images: o, Catalog: o, Policies: o, Announce: o,
		Steps:      killtest.Sender{Next: &queue.Sender{Client: w.repairs, URL: "url"}, Call: call},
		StepsQueue: queuetest.Name,
		Hosts:      killtest.Sender{Next: &queue.Sender{Client: w.hosts, URL: "url"}, Call: call},
		Templates:  map[pool.Kind]Template{pool.Share: {URL: "https://template"}, pool.Database: {URL: "https://template"}},
		StackRole:  "arn:role", Stage: "dev", Log: slog.New(slog.DiscardHandler), Now: w.clock,
		Metrics: telemetry.Recorder{Out: &strings.Builder{}, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)},
		Until:   func(at time.Time) time.Duration { return at.Sub(w.now) },
	})
	w.must(err)
	return h
}

// delivery is a message that comes for the first time.
func delivery(body string, at time.Time) events.Delivery {
	return events.Delivery{ID: "late", Body: body, Queue: queuetest.Name, SentAt: at}
}

// put sends a message to the repairs queue.
func (w *world) put(body any) {
	w.t.Helper()
	w.must((&queue.Sender{Client: w.repairs, URL: "url"}).Send(context.Background(), body, 0))
}

func (w *world) ails(id pool.HostID) {
	w.t.Helper()
	w.put(events.NewHostAiling(string(id), "it is silent"))
}

// request has a person send a request, and returns what comes of it at once.
func (w *world) request(id pool.HostID, action, word string) error {
	w.t.Helper()
	q := events.RepairRequest{Version: events.Version, Type: events.TypeRepairRequest, HostID: string(id), Action: action, RequestedBy: "ops", Reason: "because"}
	switch action {
	case events.RepairProceed:
		q.Way = word
	case events.RepairReplace:
		q.Image = word
	case events.RepairResize:
		q.Size = word
	}
	return w.handler(undisturbed).request(context.Background(), q, w.now, false)
}

// doubt puts a host into doubt, as signups that fail do.
func (w *world) doubt(id pool.HostID) {
	w.t.Helper()
	_, _, err := ledger.UpdateHost(context.Background(), w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h, err := pool.Suspect(h, "signups failed", w.now)
		return h, pool.Neutral, err
	})
	w.must(err)
}

// breaks has a host's appliance hang until what helps is done, and the pool notice.
func (w *world) breaks(id pool.HostID, helps string) {
	w.t.Helper()
	w.machine(id).hangs = helps
	w.doubt(id)
}

// once delivers the next message that is due until a time, or has the pool check look; false when nothing is left to be done
// until then.
func (w *world) once(until time.Time, deliver func(events.Delivery) error) bool {
	w.t.Helper()
	next, at := w.checked.Add(time.Minute), time.Time{}
	if sent, ok := w.repairs.Next(); ok {
		at = sent
	}
	switch {
	case !at.IsZero() && !at.After(until) && (w.silent || !at.After(next)):
		if at.After(w.now) {
			w.now = at
		}
		w.center.tick()
		w.work()
		if d, ok := w.repairs.Receive(visibility); ok {
			if err := deliver(d); err == nil {
				w.repairs.Delete(d.ID)
			}
		}
		return true
	case !w.silent && !next.After(until):
		if next.After(w.now) {
			w.now = next
		}
		w.checked = next
		w.work()
		w.check()
		return true
	}
	return false
}

func (w *world) run(d time.Duration) {
	w.t.Helper()
	w.runBy(d, func(d events.Delivery) error { return w.handler(undisturbed).Message(context.Background(), d) })
}

func (w *world) runBy(d time.Duration, deliver func(events.Delivery) error) {
	w.t.Helper()
	until := w.now.Add(d)
	for n := 0; w.once(until, deliver); n++ {
		if n > 200+int(d/time.Second) {
			w.t.Fatalf("messages storm: %v; %+v", w.repairs.Messages()[0], w.repair(w.ids[0]))
		}
	}
	if until.After(w.now) {
		w.now = until
	}
	w.center.tick()
}

// skip is a time in which nobody looks at anything.
func (w *world) skip(d time.Duration) {
	w.now = w.now.Add(d)
	w.checked = w.now
	w.center.tick()
}

// check is the pool check's part: it says which hosts ail, lets those in again that answer, and has steps gone on with that
// are overdue.
func (w *world) check() {
	w.t.Helper()
	ctx := context.Background()
	w.center.tick()
	for _, id := range w.ids {
		h := w.host(id)
		if h.Steady(steady, w.now) {
			_, _, err := ledger.UpdateHost(ctx, w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
				after, changed, err := pool.Recheck(h, nil, steady, w.now)
				if err == nil && !changed {
					err = ledger.ErrUnchanged
				}
				return after, pool.Neutral, err
			})
			w.must(err)
			continue
		}
		if h.State != pool.HostCordoned || h.Doubt == "" && len(h.Alarmed()) == 0 {
			continue
		}
		if h.Doubt != "" && w.serves(id) && w.center.running(h.Access.Gateway) == nil {
			_, _, err := ledger.UpdateHost(ctx, w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
				h.Doubt = ""
				h, err := pool.Reconsider(h, w.now, "it answers")
				return h, pool.Neutral, err
			})
			w.must(err)
			continue
		}
		w.ails(id)
	}
	w.overdue()
}

func (w *world) overdue() {
	w.t.Helper()
	ctx := context.Background()
	ids, err := w.ledger.OverdueRepairs(ctx, w.now, 100)
	w.must(err)
	for _, id := range ids {
		_, r, err := ledger.UpdateRepair(ctx, w.ledger, id, func(r pool.Repair) (pool.Repair, error) {
			out, changed, err := pool.OverdueRepair(r, w.now)
			if !changed && err == nil {
				err = ledger.ErrUnchanged
			}
			return out, err
		})
		w.must(err)
		if r.Step != "" {
			w.put(events.NewStep(events.OfRepair, string(id), string(r.Step), r.Count+1))
		}
	}
}

func (w *world) host(id pool.HostID) pool.Host {
	w.t.Helper()
	h, err := w.ledger.Host(context.Background(), id)
	w.must(err)
	return h
}

// repair is the last of a host; zero: there was none.
func (w *world) repair(id pool.HostID) pool.Repair {
	w.t.Helper()
	r, err := w.ledger.Repair(context.Background(), id)
	if !errors.Is(err, pool.ErrNotFound) {
		w.must(err)
	}
	return r
}

func (w *world) ward() pool.Ward {
	w.t.Helper()
	all, err := w.ledger.Ward(context.Background(), shares)
	w.must(err)
	return all
}

// machine is the one on a host's interface.
func (w *world) machine(id pool.HostID) *instance { return w.center.at(w.host(id).Access.Appliance) }

func (w *world) gateway(id pool.HostID) *gateway {
	return w.center.gateways[w.host(id).Access.GatewayID()]
}

func (w *world) stack(id pool.HostID) *stack { return w.center.stacks[w.host(id).Stack.ID] }

func (w *world) serves(id pool.HostID) bool {
	m := w.machine(id)
	return m != nil && w.center.serves(m) != nil
}

// writes has a tenant write.
func (w *world) writes(id pool.HostID, what string) {
	w.t.Helper()
	if !w.center.write(w.host(id).Access.GatewayID(), what) {
		w.t.Fatalf("%s takes no write: %v", id, w.center)
	}
}

// tried are the ways that a host's repair has tried.
func (w *world) tried(id pool.HostID) string {
	var ways []string
	for _, t := range w.repair(id).Tried {
		ways = append(ways, string(t.Way))
	}
	return strings.Join(ways, " ")
}
