package announce_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/announce"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

var key = pool.Key{Kind: pool.Database, Tier: "standard"}

func TestEachAnnouncementIsItsEvent(t *testing.T) {
	published, topic, store := &bustest.Bus{}, &notifytest.Topic{}, memory.New(memory.Options{})
	a, err := announce.New(announce.Config{
		Events: &bus.Publisher{Client: published, Bus: "bus"}, Notify: &notify.Topic{Client: topic, ARN: "topic"},
		Ledger: store, Now: time.Now, Stage: "dev", Region: "eu-west-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, host := t.Context(), ledgertest.Host(key, 1, 2)
	if err := store.Order(ctx, pool.Record{Key: key}, host); err != nil {
		t.Fatal(err)
	}
	in := func(state pool.HostState) pool.Host {
		h := host.Clone()
		h.State, h.Why = state, "its name is taken"
		return h
	}
	tenant := pool.Tenant{ID: "acme", Tier: "standard", RequestedAt: start, History: []pool.Entry{{At: start, What: "waiting", Why: "the pool is empty"}}}
	stuck := tenant.Clone()
	stuck.Stuck, stuck.Error = pool.StepOpen, "the topic refuses"
	changed := tenant.Clone()
	changed.Stuck, changed.Change = pool.StepAdmit, pool.Change{Coming: []string{"10.0.0.8"}, Evicted: []string{"10.0.0.7"}}
	open := tenant.Clone()
	open.Stuck, open.Addresses = pool.StepOverlap, []string{"10.0.0.9", "10.0.0.1"}
	for _, test := range []struct {
		event string // its detail type; none for what is for a person only
		note  bool   // a person is told too
		has   string // in the event, or the note
		do    func() error
	}{
		{"HostOrdered", false, `"hostId":"database-standard-1"`, func() error { return a.HostOrdered(ctx, host) }},
		{"HostFailed", true, `"failures":3`, func() error { return a.HostFailed(ctx, host, pool.Record{Key: key, Failures: 3}) }},
		{"HostQuarantined", true, `"tries":6`, func() error { return a.Host(ctx, in(pool.HostQuarantined)) }},
		{"HostFailed", true, `"reason":"its name is taken"`, func() error { return a.Host(ctx, in(pool.HostDeleted)) }},
		{"StorageReady", false, `"tenantId":"acme"`, func() error { return a.StorageReady(ctx, announce.StorageReady(tenant, "hard")) }},
		{"StorageWaiting", false, `"position":7`, func() error { return a.StorageWaiting(ctx, tenant, 7, pool.Estimate{}) }},
		{"SignupRejected", false, `"field":"tier"`, func() error {
			return a.SignupRejected(ctx, "message", "acme", &events.FieldError{Field: "tier", Reason: "is unknown"})
		}},
		{"", true, "the signup of tenant acme is stuck", func() error { return a.SignupStuck(ctx, tenant) }},
		{"", true, "Its last error: the topic refuses", func() error { return a.SignupStuck(ctx, stuck) }},
		{"AccessChanged", false, `"added":[],"removed":["10.0.0.7"]`, func() error { return a.AccessChanged(ctx, changed) }},
		{"RequestRejected", false, `"type":"InstanceChangeRequested"`, func() error {
			return a.RequestRejected(ctx, events.TypeInstanceChangeRequested, "message", "acme", &events.FieldError{Field: "add", Reason: "is missing"})
		}},
		{"", true, "[10.0.0.8] are to come", func() error { return a.ChangeStuck(ctx, changed) }},
		{"", true, "are [10.0.0.1 10.0.0.9], and it used to have as many as 1", func() error { return a.ChangeStuck(ctx, open) }},
	} {
		t.Run(test.event+" "+test.has, func(t *testing.T) {
			before, notes := len(published.Published()), len(topic.Notes())
			if err := test.do(); err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, e := range published.Published()[before:] {
				if e.DetailType != test.event {
					t.Errorf("published a %s", e.DetailType)
				}
				said += string(e.Detail)
			}
			for _, n := range topic.Notes()[notes:] {
				said += n.Subject + n.Message
			}
			if !strings.Contains(said, test.has) || len(topic.Notes())-notes != map[bool]int{true: 1}[test.note] {
				t.Errorf("said %s, with %d notes", said, len(topic.Notes())-notes)
			}
		})
	}
}

func TestAnAnnouncerSaysWhatItLacks(t *testing.T) {
	publisher := &bus.Publisher{Client: &bustest.Bus{}, Bus: "bus"}
	a, err := announce.New(announce.Config{Events: publisher, Now: time.Now, Stage: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	host := ledgertest.Host(key, 1, 2)
	given := host.Clone()
	given.State = pool.HostQuarantined
	for name, err := range map[string]error{
		"a person":     a.Host(t.Context(), given),
		"a pool check": a.Host(t.Context(), host),
	} {
		if !errors.Is(err, announce.ErrUnequipped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]announce.Config{
		"events":   {Now: time.Now, Stage: "dev"},
		"a clock":  {Events: publisher, Stage: "dev"},
		"a stage":  {Events: publisher, Now: time.Now},
		"a region": {Events: publisher, Now: time.Now, Stage: "dev", Notify: &notify.Topic{}},
	} {
		if _, err := announce.New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}

func TestANoticeBearsTheCorrelationIDOfWhatItCameOf(t *testing.T) {
	a, _, topic, _ := speaking(t)
	ctx := events.WithCorrelation(t.Context(), "m-17")
	if err := a.SignupStuck(ctx, pool.Tenant{ID: "acme", Progress: pool.Progress{Stuck: pool.StepOpen, Error: "no good"}}); err != nil {
		t.Fatal(err)
	}
	sent := topic.Notes()
	if n := len(sent); n != 1 || !strings.Contains(sent[0].Message, "headroom logs m-17") || !strings.Contains(sent[0].Data, `"correlationId":"m-17"`) {
		t.Errorf("it is told %+v", sent)
	}
}
