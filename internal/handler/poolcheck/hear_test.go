package poolcheck

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// event is an event of RDS about an instance, as the rule of it delivers it.
func event(t *testing.T, instance, id, message string, at time.Time) events.Delivery {
	t.Helper()
	text, err := events.Sample("InstanceEvent")
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	e["time"] = at.UTC().Format(time.RFC3339)
	detail := e["detail"].(map[string]any)
	detail["SourceIdentifier"], detail["EventID"], detail["Message"] = instance, id, message
	body, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return events.Delivery{ID: id, Body: string(body)}
}

func (w *world) hears(all ...events.Delivery) {
	w.t.Helper()
	w.must(w.handler(undisturbed).Messages(context.Background(), all))
}

// heard are the events that stand in the host's history.
func (w *world) heard() (all []string) {
	for _, e := range w.host(databaseID).History {
		if strings.HasPrefix(e.What, "RDS-EVENT-") {
			all = append(all, e.What+": "+e.Why)
		}
	}
	return all
}

// toldNews are the subjects of what people were told of RDS's events.
func (w *world) toldNews() (all []string) {
	for _, n := range w.topic.Notes() {
		if strings.Contains(n.Subject, "failed over") || strings.Contains(n.Subject, "databases") {
			all = append(all, n.Subject)
		}
	}
	return all
}

// A failover is over before anybody looks: it stands in the history, and people are told once, however often it is said.
func TestAFailoverIsNotedAndTold(t *testing.T) {
	w := withInstance(t, pool.HostInService, "available")
	name, at := prefix+string(databaseID), w.now
	begun, over := event(t, name, "RDS-EVENT-0013", "Multi-AZ failover to standby started", at), event(t, name, "RDS-EVENT-0049", "Multi-AZ failover completed", at.Add(time.Minute))
	w.hears(over, begun)
	w.hears(over, event(t, name, "RDS-EVENT-0015", "Multi-AZ failover complete - DNS propagation may take a few minutes", at.Add(time.Minute)))
	if got := w.heard(); len(got) != 3 || !strings.Contains(got[0], "Multi-AZ failover completed") {
		t.Errorf("heard: %q", got)
	}
	if got := w.toldNews(); len(got) != 1 || !strings.Contains(got[0], string(databaseID)+" has failed over") {
		t.Errorf("told: %q", got)
	}
	w.now = w.now.Add(time.Hour)
	w.hears(event(t, name, "RDS-EVENT-0049", "Multi-AZ failover completed", w.now))
	if got := w.toldNews(); len(got) != 2 {
		t.Errorf("told of another: %q", got)
	}
	if h := w.host(databaseID); h.State != pool.HostInService {
		t.Errorf("host is %s", h.State)
	}
}

func TestTooManyDatabasesAreToldOfOnceAWeek(t *testing.T) {
	w := withInstance(t, pool.HostInService, "available")
	for range 5 {
		w.hears(event(t, prefix+string(databaseID), "RDS-EVENT-0056", "The number of databases exceeds the recommended best practice", w.now))
		w.now = w.now.Add(24 * time.Hour)
	}
	if got := w.toldNews(); len(got) != 1 || len(w.heard()) != 5 {
		t.Errorf("told %q, heard %q", got, w.heard())
	}
}

// What an event says is noted, and what it comes to follows from the status that is looked at then.
func TestAnEventHasTheCheckLookAtOnce(t *testing.T) {
	w := withInstance(t, pool.HostInService, "storage-full")
	w.hears(event(t, prefix+string(databaseID), "RDS-EVENT-0007", "The allocated storage has been exhausted", w.now))
	if h := w.host(databaseID); h.State != pool.HostCordoned || len(w.heard()) != 1 || len(w.toldNews()) != 0 {
		t.Errorf("host is %s, heard %q, told %q", h.State, w.heard(), w.toldNews())
	}
}

// History is bounded, and what is not of a host of ours, or can't be read, asks for a check all the same.
func TestEventsThatAreNotOurs(t *testing.T) {
	w := withInstance(t, pool.HostInService, "storage-full")
	w.hears(
		event(t, "somebody-elses", "RDS-EVENT-0049", "m", w.now), event(t, prefix+"database-standard-99", "RDS-EVENT-0049", "m", w.now),
		event(t, prefix+"restore-abc", "RDS-EVENT-0049", "m", w.now), events.Delivery{ID: "x", Body: `{"detail-type":"RDS DB Instance Event","detail":7}`},
	)
	if h := w.host(databaseID); h.State != pool.HostCordoned || len(w.heard()) != 0 || len(w.toldNews()) != 0 {
		t.Errorf("host is %s, heard %q, told %q", h.State, w.heard(), w.toldNews())
	}
	for n := range 2 * pool.HistoryLimit {
		w.hears(event(t, prefix+string(databaseID), "RDS-EVENT-0006", fmt.Sprintf("DB instance restarted %d", n), w.now))
	}
	if got := len(w.host(databaseID).History); got > pool.HistoryLimit {
		t.Errorf("its history has %d lines", got)
	}
}

func TestAnEventKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
		w := withInstance(t, pool.HostInService, "available")
		over := event(t, prefix+string(databaseID), "RDS-EVENT-0049", "Multi-AZ failover completed", w.now)
		w.must(life.Deliver(func() error { return w.handler(life.Call).Messages(context.Background(), []events.Delivery{over}) }))
		told := slices.Compact(w.toldNews())
		if len(told) != 1 {
			t.Errorf("told: %q", told)
		}
		return append(w.heard(), told...)
	})
}
