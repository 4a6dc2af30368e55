package hostalarm

import (
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// news is what was heard of an alarm.
type news struct {
	alarm string
	mark  pool.AlarmMark
	gone  bool // it is deleted
	why   string
}

// stateNews words that an alarm changed its state.
func stateNews(alarm events.AlarmStateChange) news {
	return news{
		alarm: alarm.AlarmName,
		mark:  pool.AlarmMark{On: alarm.State.Value == events.AlarmALARM, At: alarm.State.Timestamp.Time},
		why:   describe(alarm.AlarmName, alarm.Configuration, "is "+alarm.State.Value, alarm.State.Reason),
	}
}

// deletionNews words that an alarm was deleted: it says OK nevermore, so it is off from then on. The mark stays,
// because older news of the alarm may come later.
func deletionNews(alarm events.AlarmConfigurationChange, at time.Time) news {
	return news{
		alarm: alarm.AlarmName, mark: pool.AlarmMark{At: at}, gone: true,
		why: describe(alarm.AlarmName, alarm.Configuration, "was deleted", "it was "+alarm.State.Value),
	}
}

// Judge decides what news of an alarm changes in a host's record: the mark of the alarm, unless newer news of
// it is known, and the host's state when that follows. The alarms of a host that is still being made
// are marked too, and count once it is ready. A host whose alarms are over stays out of service until that has lasted: then
// the pool check lets it in. changed is false when nothing changes.
func Judge(host pool.Host, n news, now time.Time) (after pool.Host, changed bool, err error) {
	known, ok := host.Alarms[n.alarm]
	if ok && !n.mark.At.After(known.At) || !ok && n.gone {
		return host, false, nil
	}
	after = pool.Marked(host, n.alarm, n.mark, now)
	if after, err = pool.Reconsider(after, now, n.why); err != nil {
		return host, false, err
	}
	return after, true, nil
}

// describe words what an alarm does, with what it watches.
func describe(name string, c events.AlarmConfiguration, does, because string) string {
	watched := "no metric"
	for _, m := range c.Metrics {
		if s := m.MetricStat; s != nil {
			watched = fmt.Sprintf("%s %s, %s over %d s", s.Metric.Namespace, s.Metric.Name, s.Stat, s.Period)
			break
		}
	}
	return fmt.Sprintf("alarm %s %s (%s): %s", name, does, watched, because)
}
