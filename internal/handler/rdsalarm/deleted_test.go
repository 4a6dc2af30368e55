package rdsalarm

import (
	"encoding/json"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// deleted is the event that an alarm was deleted, so many seconds after the start.
func (w *world) deleted(a events.AlarmStateChange, second int) {
	w.t.Helper()
	body, err := json.Marshal(events.Envelope[events.AlarmConfigurationChange]{
		Version: "0", DetailType: events.TypeAlarmConfigurationChange, Source: "aws.cloudwatch", Time: events.At(start.Add(time.Duration(second) * time.Second)),
		Detail: events.AlarmConfigurationChange{AlarmName: a.AlarmName, Operation: events.AlarmDelete, Configuration: a.Configuration, State: a.State},
	})
	w.must(err)
	w.send(string(body))
}

// B3: an alarm that is deleted while it is on says OK nevermore.
func TestADeletedAlarmLetsGo(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life)
		w.deliver(alarm("cpu", "ALARM", 1))
		w.deleted(alarm("cpu", "ALARM", 1), 300)
		w.deliver(alarm("cpu", "ALARM", 1)) // which comes late
		o := w.outcome()
		if len(o.Host.Alarmed()) > 0 || o.Host.Calm.IsZero() {
			t.Errorf("host is %s: %s", o.Host.State, o.Host.Barriers())
		}
		return o
	})
}

func TestADeletedAlarmLeavesWhatOthersSay(t *testing.T) {
	w := newWorld(t, &killtest.Life{})
	w.deliver(alarm("cpu", "ALARM", 1))
	w.deliver(alarm("disk", "ALARM", 2))
	w.deleted(alarm("cpu", "ALARM", 1), 300)
	if h := w.outcome().Host; h.State != pool.HostCordoned {
		t.Errorf("with another alarm on, host is %s", h.State)
	}
	w.deliver(alarm("cpu", "ALARM", 301)) // one of the name was made anew, and rings
	w.deliver(alarm("disk", "OK", 302))
	if h := w.outcome().Host; h.State != pool.HostCordoned {
		t.Errorf("with the new alarm on, host is %s", h.State)
	}
}

func TestAnAlarmThatIsChangedOrUnknownSaysNothing(t *testing.T) {
	w := newWorld(t, &killtest.Life{})
	w.deliver(alarm("cpu", "ALARM", 1))
	want := w.outcome().Host
	w.deleted(alarm("other", "ALARM", 1), 300)
	w.send(`{"detail-type":"CloudWatch Alarm Configuration Change","source":"aws.cloudwatch","time":"2026-11-02T09:05:00Z","detail":{"alarmName":"cpu","operation":"update",` +
		`"configuration":{"metrics":[{"metricStat":{"metric":{"namespace":"AWS/RDS","name":"CPUUtilization","dimensions":{"DBInstanceIdentifier":"headroom-dev-database-standard-1"}},"period":60,"stat":"Average"}}]},"state":{"value":"ALARM"}}}`)
	if h := w.outcome().Host; h.Version != want.Version {
		t.Errorf("host is %s at version %d, was at %d", h.State, h.Version, want.Version)
	}
}

// An alarm on an expression over the metrics of two hosts counts for both.
func TestAnAlarmOfTwoHostsCountsForBoth(t *testing.T) {
	w := newWorld(t, &killtest.Life{})
	two := alarm("fleet", "ALARM", 1)
	other := *two.Configuration.Metrics[0].MetricStat
	other.Metric.Dimensions = map[string]string{dimension: "headroom-dev-database-standard-7"}
	two.Configuration.Metrics = []events.AlarmMetric{{}, {MetricStat: &other}, two.Configuration.Metrics[0]}
	w.deliver(two)
	if h := w.outcome().Host; h.State != pool.HostCordoned {
		t.Errorf("the host of the second metric is %s", h.State)
	}
}

func TestADoubtedHostStaysCordonedWhenItsAlarmsAreOver(t *testing.T) {
	w := newWorld(t, &killtest.Life{})
	w.deliver(alarm("cpu", "ALARM", 1))
	before := w.outcome().Host
	after := before.Clone()
	after.Doubt = "it does not answer"
	w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	w.deliver(alarm("cpu", "OK", 2))
	if h := w.outcome().Host; h.State != pool.HostCordoned {
		t.Errorf("host is %s", h.State)
	}
}
