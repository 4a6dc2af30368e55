package gatewayalarm

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/hostalarm"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestAnAlarmIsOfTheHostThatItIsCalledBy(t *testing.T) {
	for alarm, want := range map[string]pool.HostID{
		"headroom-dev-share-standard-1-status":        "share-standard-1",
		"headroom-dev-share-standard-12-availability": "share-standard-12",
		"headroom-dev-share-standard-1-made-by-hand":  "share-standard-1",
		"headroom-dev-share-standard-1":               "",
		"headroom-dev-share-standard-1-":              "",
		"headroom-dev-share-standard-x-status":        "",
		"headroom-dev-database-standard-1-cpu":        "",
		"headroom-dev-page-tenants-waiting":           "",
		"headroom-prod-share-standard-1-status":       "",
		"other-headroom-dev-share-standard-1-status":  "",
	} {
		got := hosts("headroom-dev-", alarm)
		if want == "" && len(got) != 0 || want != "" && (len(got) != 1 || got[0] != want) {
			t.Errorf("%s is of %v, want %q", alarm, got, want)
		}
	}
}

type shelves struct{ looked int }

func (s *shelves) Reconcile(context.Context, pool.Tier) error { s.looked++; return nil }

type announcer struct{ told []pool.HostState }

func (a *announcer) Host(_ context.Context, h pool.Host) error {
	a.told = append(a.told, h.State)
	return nil
}

// A share host is out of service while an alarm of it is on, whatever the alarm's metric names.
func TestAnAlarmTakesAShareHostOutOfService(t *testing.T) {
	ctx, ledger, shelf, announce := t.Context(), memory.New(memory.Options{}), &shelves{}, &announcer{}
	key := pool.Key{Kind: pool.Share, Tier: "standard"}
	if err := ledger.Order(ctx, pool.Record{Key: key}, ledgertest.Host(key, 1, 2)); err != nil {
		t.Fatal(err)
	}
	now := start
	h, err := New(Config{Config: hostalarm.Config{
		Ledger: ledger, Shelf: shelf, Announce: announce, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}, StackPrefix: "headroom-dev-"})
	if err != nil {
		t.Fatal(err)
	}
	say := func(value string, second int) pool.HostState {
		t.Helper()
		now = start.Add(time.Duration(second) * time.Second)
		body, err := json.Marshal(events.Envelope[events.AlarmStateChange]{
			Version: "0", DetailType: events.TypeAlarmStateChange, Source: "aws.cloudwatch",
			Detail: events.AlarmStateChange{
				AlarmName: "headroom-dev-share-standard-1-status",
				Configuration: events.AlarmConfiguration{Metrics: []events.AlarmMetric{{MetricStat: &events.MetricStat{
					Metric: events.Metric{Namespace: "AWS/EC2", Name: "StatusCheckFailed", Dimensions: map[string]string{"InstanceId": "i-0123456789abcdef0"}},
					Period: 60, Stat: "Maximum",
				}}}},
				State: events.AlarmState{Value: value, Reason: "threshold crossed", Timestamp: events.At(now)},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Message(ctx, events.Delivery{ID: "m", Body: string(body), SentAt: now}); err != nil {
			t.Fatal(err)
		}
		host, err := ledger.Host(ctx, "share-standard-1")
		if err != nil {
			t.Fatal(err)
		}
		return host.State
	}
	if state := say(events.AlarmALARM, 1); state != pool.HostCordoned || shelf.looked != 1 {
		t.Errorf("with its alarm on it is %s, and the shelf was looked at %d times", state, shelf.looked)
	}
	if state := say("INSUFFICIENT_DATA", 2); state != pool.HostCordoned {
		t.Errorf("with an alarm that says nothing it is %s", state)
	}
	state := say(events.AlarmOK, 3)
	host, err := ledger.Host(ctx, "share-standard-1")
	if err != nil || state != pool.HostCordoned || !host.Calm.Equal(now) || len(announce.told) != 1 {
		t.Errorf("with its alarm over it is %s, calm since %s; told %v; %v", state, host.Calm, announce.told, err)
	}
}

func TestConfigNamesTheStage(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("without a prefix every alarm would be its own")
	}
}
