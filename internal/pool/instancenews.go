package pool

import (
	"fmt"
	"slices"
	"time"
)

// InstanceNews is what RDS says of an instance by an event. Such come at best: late, twice, out of order, or not at all, so
// nothing follows from one but that it is noted and told; the instance's status says the rest (Troubled).
type InstanceNews struct {
	Event   string // such as "RDS-EVENT-0049"
	Message string // in RDS's words
	At      time.Time
}

// tellings are the events that people are told of, and for how long they are not told of the same again: those of which
// nothing is left to be seen a moment later, or no status tells. One failover may be told of by several events.
var tellings = []struct {
	events []string
	what   string
	quiet  time.Duration
}{
	{[]string{"RDS-EVENT-0015", "RDS-EVENT-0049", "RDS-EVENT-0065"}, "has failed over", 10 * time.Minute},
	{[]string{"RDS-EVENT-0056"}, "has more databases than RDS advises", 7 * 24 * time.Hour},
}

func (n InstanceNews) why() string {
	return fmt.Sprintf("RDS said at %s: %s", n.At.UTC().Format(time.RFC3339), n.Message)
}

// NoteNews notes news of a host's instance in the host's history. changed is false when it is noted already, or of a host that
// is no more.
func NoteNews(h Host, n InstanceNews, now time.Time) (out Host, changed bool) {
	if !h.State.Live() || slices.ContainsFunc(h.History, func(e Entry) bool { return e.What == n.Event && e.Why == n.why() }) {
		return h, false
	}
	out = h.Clone()
	out.History = Append(out.History, Entry{At: now.UTC(), What: n.Event, Why: n.why()})
	return out, true
}

// Telling says what people are to be told of news that is not noted yet, in words that complete "host …"; empty: nothing, or
// they were told of the same lately.
func (n InstanceNews) Telling(h Host, now time.Time) string {
	for _, t := range tellings {
		if !slices.Contains(t.events, n.Event) {
			continue
		}
		if slices.ContainsFunc(h.History, func(e Entry) bool { return slices.Contains(t.events, e.What) && now.Sub(e.At) < t.quiet }) {
			return ""
		}
		return t.what
	}
	return ""
}
