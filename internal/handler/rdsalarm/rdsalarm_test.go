package rdsalarm

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/announce"
	"headroom/internal/hostalarm"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

const id = pool.HostID("database-standard-1")

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// alarm is news of an alarm, so many seconds after the start.
func alarm(name, value string, second int) events.AlarmStateChange {
	return events.AlarmStateChange{
		AlarmName: name,
		Configuration: events.AlarmConfiguration{Metrics: []events.AlarmMetric{{MetricStat: &events.MetricStat{
			Metric: events.Metric{Namespace: "AWS/RDS", Name: "CPUUtilization", Dimensions: map[string]string{dimension: "headroom-dev-database-standard-1"}},
			Period: 300, Stat: "Average",
		}}}},
		State: events.AlarmState{Value: value, Reason: "threshold crossed", Timestamp: events.At(start.Add(time.Duration(second) * time.Second))},
	}
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

// world is a handler with everything that it reaches: one database host in service whose four slots
// are on the shelf.
type world struct {
	t          *testing.T
	life       *killtest.Life
	now        time.Time
	ledger     *memory.Ledger
	bus        *bustest.Bus
	topic      *notifytest.Topic
	poolChecks *queuetest.Queue
	handler    *hostalarm.Handler
}

func newWorld(t *testing.T, life *killtest.Life) *world {
	t.Helper()
	w := &world{t: t, life: life, now: start, ledger: memory.New(memory.Options{}), bus: &bustest.Bus{}, topic: &notifytest.Topic{}}
	clock := func() time.Time { return w.now }
	w.poolChecks = queuetest.New(clock)
	w.stockUp(clock)
	ledger := killtest.Ledger{Next: w.ledger, Call: life.Call}
	announcer, err := announce.New(announce.Config{
		Ledger:     ledger,
		Events:     killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "headroom-dev"}, Call: life.Call},
		Notify:     killtest.Notifier{Next: &notify.Topic{Client: w.topic, ARN: "topic"}, Call: life.Call},
		PoolChecks: killtest.Sender{Next: &queue.Sender{Client: w.poolChecks, URL: "poolchecks"}, Call: life.Call},
		Now:        clock, Stage: "dev", Region: "eu-west-1",
	})
	w.must(err)
	reconciler, err := shelf.New(shelf.Config{Ledger: ledger, Policies: hostalarm.NoPolicies{}, Now: clock})
	w.must(err)
	w.handler, err = New(Config{
		Config: hostalarm.Config{
			Ledger: ledger, Shelf: reconciler, Announce: announcer, Log: slog.New(slog.DiscardHandler), Now: clock,
		},
		StackPrefix: "headroom-dev-",
	})
	w.must(err)
	return w
}

// fixed is a policy that never changes.
type fixed struct{ pool.Policy }

func (f fixed) Load(context.Context) (pool.Policies, error) { return pool.Policies{f.Policy}, nil }

func (w *world) stockUp(clock func() time.Time) {
	w.t.Helper()
	ctx := w.t.Context()
	p := pool.Policy{Kind: pool.Database, Tier: "standard", SlotsPerHost: 4, Floor: 1, Ceiling: 3, MaxOrders: 1, Placement: pool.Pack}
	host := pool.Order(pool.Record{Key: p.Key()}, p, "headroom-dev-", "k3v9x2m7qa", w.now, "test")
	w.must(w.ledger.Order(ctx, pool.Record{Key: p.Key()}, host))
	for _, state := range []pool.HostState{pool.HostPreparing, pool.HostInService} {
		before, err := w.ledger.Host(ctx, id)
		w.must(err)
		after, err := pool.MoveHost(before, state, w.now, "test")
		w.must(err)
		after.Slots = nil
		for i := 1; i <= 4; i++ {
			after.Slots = append(after.Slots, pool.Slot{Index: i, Name: "name" + string(rune('0'+i)), State: pool.SlotFree, Since: w.now})
		}
		w.must(w.ledger.SaveHost(ctx, before, after, pool.Neutral, w.now))
	}
	reconciler, err := shelf.New(shelf.Config{Ledger: w.ledger, Policies: fixed{p}, Now: clock})
	w.must(err)
	w.must(reconciler.Reconcile(ctx, "standard"))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// deliver delivers an alarm until it is handled, killed or not.
func (w *world) deliver(a events.AlarmStateChange) {
	w.t.Helper()
	body, err := json.Marshal(events.Envelope[events.AlarmStateChange]{
		Version: "0", DetailType: events.TypeAlarmStateChange, Source: "aws.cloudwatch", Detail: a,
	})
	w.must(err)
	w.send(string(body))
}

func (w *world) send(body string) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	received := 0
	w.must(w.life.Deliver(func() error {
		received++
		return w.handler.Message(w.t.Context(), events.Delivery{ID: "m", Body: body, SentAt: w.now, Redelivered: received > 1})
	}))
}

// outcome is what a run comes to, without how often the same was said.
type outcome struct {
	Host    pool.Host
	Record  pool.Record
	Offers  int
	Events  []string
	Notes   []string
	Checked bool
}

func (w *world) outcome() outcome {
	w.t.Helper()
	ctx := w.t.Context()
	var o outcome
	var err error
	o.Host, err = w.ledger.Host(ctx, id)
	w.must(err)
	o.Record, err = w.ledger.Pool(ctx, o.Host.Key())
	w.must(err)
	shelf, err := w.ledger.Shelf(ctx, "standard")
	w.must(err)
	o.Offers = len(shelf.Databases)
	for _, e := range w.bus.Published() {
		if n := len(o.Events); n == 0 || o.Events[n-1] != e.DetailType {
			o.Events = append(o.Events, e.DetailType)
		}
	}
	for _, n := range w.topic.Notes() {
		if l := len(o.Notes); l == 0 || o.Notes[l-1] != n.Message {
			o.Notes = append(o.Notes, n.Message)
		}
	}
	o.Checked = len(w.poolChecks.Messages()) > 0
	return o
}

func TestAnAlarmKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life)
		w.deliver(alarm("cpu", "ALARM", 1))
		return w.outcome()
	}, cmpopts.IgnoreFields(pool.Host{}, "Version"))
}

func TestTheEndOfAnAlarmKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life)
		w.deliver(alarm("cpu", "ALARM", 1))
		w.deliver(alarm("disk", "ALARM", 2))
		w.deliver(alarm("cpu", "OK", 3))
		w.deliver(alarm("disk", "OK", 4))
		return w.outcome()
	}, cmpopts.IgnoreFields(pool.Host{}, "Version"))
}

func TestAnAlarmTakesTheHostOutOfServiceAndSaysSoOnce(t *testing.T) {
	w := newWorld(t, &killtest.Life{})
	if o := w.outcome(); o.Offers != 4 || o.Host.State != pool.HostInService {
		t.Fatalf("before: %d offers, %s", o.Offers, o.Host.State)
	}
	w.deliver(alarm("cpu", "ALARM", 1))
	w.deliver(alarm("cpu", "ALARM", 1)) // doubled
	w.deliver(alarm("disk", "ALARM", 2))
	o := w.outcome()
	if o.Host.State != pool.HostCordoned || o.Host.Step != pool.StepWatch || o.Offers != 0 || o.Host.Free() != 4 {
		t.Errorf("host is %s at %q with %d free slots, %d offers", o.Host.State, o.Host.Step, o.Host.Free(), o.Offers)
	}
	if c := o.Record.Counters; c.InService != 0 || c.Cordoned != 1 || c.Reserve != 0 {
		t.Errorf("counters %+v", c)
	}
	if notes := w.topic.Notes(); len(notes) != 1 {
		t.Errorf("%d notifications", len(notes))
	} else {
		for _, want := range []string{"database-standard-1", "headroom-dev-database-standard-1", "alarm cpu", "threshold crossed", "CPUUtilization", "0 of 4 slots", "eu-west-1"} {
			if !strings.Contains(notes[0].Message, want) {
				t.Errorf("the notification lacks %q:\n%s", want, notes[0].Message)
			}
		}
	}
	if n := len(w.bus.Of("HostCordoned")); n != 1 {
		t.Errorf("%d events", n)
	}

	w.deliver(alarm("cpu", "OK", 3))
	w.deliver(alarm("disk", "OK", 4))
	if h := w.outcome().Host; h.State != pool.HostCordoned || !h.Calm.Equal(w.now) || len(w.bus.Of("HostInService")) > 0 {
		t.Errorf("host is %s, calm since %s", h.State, h.Calm)
	}
}

func TestWhatSaysNothingChangesNothing(t *testing.T) {
	other := func(instance string) events.AlarmStateChange {
		a := alarm("cpu", "ALARM", 1)
		a.Configuration.Metrics[0].MetricStat.Metric.Dimensions[dimension] = instance
		return a
	}
	tests := map[string]events.AlarmStateChange{
		"an alarm without data":      alarm("cpu", "INSUFFICIENT_DATA", 1),
		"an instance that is not us": other("payroll"),
		"another stage's host":       other("headroom-prod-database-standard-1"),
		"a host that is not known":   other("headroom-dev-database-standard-9"),
		"a share host":               other("headroom-dev-share-standard-1"),
		"no instance":                other(""),
	}
	for name, a := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{})
			want := w.outcome()
			w.deliver(a)
			w.send(`{"version":"1","type":"PoolCheck"}`)
			if diff := cmp.Diff(want, w.outcome()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSampleOfTheContractIsUnderstood(t *testing.T) {
	sample, err := events.Sample("AlarmStateChange")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, &killtest.Life{})
	w.send(string(sample))
	if state := w.outcome().Host.State; state != pool.HostCordoned {
		t.Errorf("host is %s", state)
	}
}
