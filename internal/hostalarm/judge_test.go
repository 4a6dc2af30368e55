package hostalarm

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// alarm is news of an alarm, so many seconds after the start.
func alarm(name, value string, second int) events.AlarmStateChange {
	return events.AlarmStateChange{
		AlarmName: name,
		Configuration: events.AlarmConfiguration{Metrics: []events.AlarmMetric{{MetricStat: &events.MetricStat{
			Metric: events.Metric{Namespace: "AWS/RDS", Name: "CPUUtilization", Dimensions: map[string]string{"DBInstanceIdentifier": "headroom-dev-database-standard-1"}},
			Period: 300, Stat: "Average",
		}}}},
		State: events.AlarmState{Value: value, Reason: "threshold crossed", Timestamp: events.At(start.Add(time.Duration(second) * time.Second))},
	}
}

func TestAHostStaysOutOfServiceUntilAllOfItsAlarmsAreOffForAWhile(t *testing.T) {
	tests := []struct {
		name  string
		state pool.HostState
		heard []events.AlarmStateChange
		want  pool.HostState
		news  bool // of the last one
		calm  bool
	}{
		{"an alarm goes on", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "ALARM", 1)}, pool.HostCordoned, true, false},
		{"and off", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "ALARM", 1), alarm("cpu", "OK", 2)}, pool.HostCordoned, true, true},
		{"one of two goes off", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "ALARM", 1), alarm("disk", "ALARM", 2), alarm("cpu", "OK", 3)}, pool.HostCordoned, true, false},
		{"both go off", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "ALARM", 1), alarm("disk", "ALARM", 2), alarm("cpu", "OK", 3), alarm("disk", "OK", 4)}, pool.HostCordoned, true, true},
		{"older news comes late", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "OK", 2), alarm("cpu", "ALARM", 1)}, pool.HostInService, false, false},
		{"the same news comes twice", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "ALARM", 1), alarm("cpu", "ALARM", 1)}, pool.HostCordoned, false, false},
		{"the clocks of alarms are their own", pool.HostInService, []events.AlarmStateChange{alarm("cpu", "OK", 9), alarm("disk", "ALARM", 1)}, pool.HostCordoned, true, false},
		{"an alarm while the host is being made", pool.HostPreparing, []events.AlarmStateChange{alarm("cpu", "ALARM", 1)}, pool.HostPreparing, true, false},
		{"an alarm of a host that is being deleted", pool.HostDeleting, []events.AlarmStateChange{alarm("cpu", "ALARM", 1)}, pool.HostDeleting, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			host := pool.Host{ID: "database-standard-1", State: test.state}
			var news bool
			for _, a := range test.heard {
				var err error
				if host, news, err = Judge(host, stateNews(a), start); err != nil {
					t.Fatal(err)
				}
			}
			if host.State != test.want || news != test.news || !host.Calm.IsZero() != test.calm {
				t.Errorf("host is %s, news %v, calm since %s", host.State, news, host.Calm)
			}
		})
	}
}

func TestTheReasonNamesTheAlarmAndItsMetric(t *testing.T) {
	host, _, err := Judge(pool.Host{ID: "database-standard-1", State: pool.HostInService}, stateNews(alarm("cpu", "ALARM", 1)), start)
	if err != nil {
		t.Fatal(err)
	}
	if want := "alarm cpu is ALARM (AWS/RDS CPUUtilization, Average over 300 s): threshold crossed"; host.Why != want || host.Step != pool.StepAnnounce {
		t.Errorf("%s at step %q", host.Why, host.Step)
	}
}
