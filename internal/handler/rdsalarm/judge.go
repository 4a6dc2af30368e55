package rdsalarm

import (
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// Judge decides what an alarm changes in a host's record: the mark of the alarm, unless newer news of
// it is known, and the host's state when that follows. The alarms of a host that is still being made
// are marked too, and count once it is ready. news is false when nothing changes.
func Judge(host pool.Host, alarm events.AlarmStateChange, now time.Time) (after pool.Host, news bool, err error) {
	mark := pool.AlarmMark{On: alarm.State.Value == events.AlarmALARM, At: alarm.State.Timestamp.Time}
	known, ok := host.Alarms[alarm.AlarmName]
	if ok && !mark.At.After(known.At) {
		return host, false, nil
	}
	after = host.Clone()
	if after.Alarms == nil {
		after.Alarms = map[string]pool.AlarmMark{}
	}
	after.Alarms[alarm.AlarmName] = mark
	on := len(after.Alarmed()) > 0
	switch {
	case on && host.State == pool.HostInService:
		after, err = pool.MoveHost(after, pool.HostCordoned, now, describe(alarm))
	case !on && host.State == pool.HostCordoned:
		after, err = pool.MoveHost(after, pool.HostInService, now, "all alarms are over, the last one: "+describe(alarm))
	}
	if err != nil {
		return host, false, err
	}
	if after.State != host.State {
		after = pool.Begin(after, pool.StepAnnounce, now)
	}
	return after, true, nil
}

// describe words an alarm with what it watches.
func describe(alarm events.AlarmStateChange) string {
	watched := "no metric"
	for _, m := range alarm.Configuration.Metrics {
		if s := m.MetricStat; s != nil {
			watched = fmt.Sprintf("%s %s, %s over %d s", s.Metric.Namespace, s.Metric.Name, s.Stat, s.Period)
			break
		}
	}
	return fmt.Sprintf("alarm %s is %s (%s): %s", alarm.AlarmName, alarm.State.Value, watched, alarm.State.Reason)
}
