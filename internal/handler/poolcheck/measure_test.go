package poolcheck

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// measured are the values that a metric was given, in order, where its line says all of the words.
func (w *world) measured(m telemetry.Metric, words ...string) []float64 {
	w.t.Helper()
	var values []float64
	for line := range strings.SplitSeq(w.metrics.String(), "\n") {
		if !strings.Contains(line, `"`+m.Name+`":`) || slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, `"`+word+`"`) }) {
			continue
		}
		var said map[string]any
		w.must(json.Unmarshal([]byte(line), &said))
		values = append(values, said[m.Name].(float64))
	}
	return values
}

func (w *world) last(m telemetry.Metric, words ...string) float64 {
	w.t.Helper()
	values := w.measured(m, words...)
	if len(values) == 0 {
		w.t.Fatalf("%s was never measured", m.Name)
	}
	return values[len(values)-1]
}

func TestOverdueAndGivenUpStepsAreCounted(t *testing.T) {
	w := making(t, pool.StepActivate, 0)
	w.must(w.check())
	if got := w.measured(telemetry.StepsOverdue); len(got) != 0 {
		t.Errorf("before the deadline %v", got)
	}
	for range pool.MaxTries + 1 {
		w.late("share-standard-1")
		w.must(w.check())
	}
	overdue, givenUp := w.measured(telemetry.StepsOverdue, "host"), w.measured(telemetry.StepsGivenUp, "host")
	if len(overdue) != pool.MaxTries || !slices.Equal(givenUp, []float64{1}) {
		t.Errorf("overdue %v, given up %v", overdue, givenUp)
	}
	if failures := w.last(telemetry.FailuresInARow, "share"); failures != 1 {
		t.Errorf("failures in a row: %v", failures)
	}
}

// A step that only ends at its time is not late when that has come: a host that is cordoned is looked at every minute.
func TestWhatIsLookedAtAgainIsNotOverdue(t *testing.T) {
	w := newWorld(t)
	id := w.add(databases, 1)
	w.change(id, func(h pool.Host) pool.Host {
		h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: w.now}}
		cordoned, err := pool.Reconsider(h, w.now, "test")
		w.must(err)
		return pool.Begin(cordoned, pool.StepWatch, w.now)
	})
	for range 3 {
		w.late(id)
		w.must(w.check())
	}
	if got := w.measured(telemetry.StepsOverdue); len(got) != 0 {
		t.Errorf("overdue %v", got)
	}
}

func TestTheLongestWaitIsThatOfTheFirst(t *testing.T) {
	w := newWorld(t)
	w.must(w.check())
	if got := w.last(telemetry.LongestWait, "standard"); got != 0 {
		t.Errorf("with nobody waiting %v", got)
	}
	w.wait("acme")
	w.now = w.now.Add(90 * time.Second)
	w.wait("bolt")
	w.must(w.check())
	if waiting, longest := w.last(telemetry.TenantsWaiting), w.last(telemetry.LongestWait); waiting != 2 || longest != 90 {
		t.Errorf("%v wait, the first for %v s", waiting, longest)
	}
}

func TestTheBufferIsMeasuredAsItsPolicyWantsIt(t *testing.T) {
	w := newWorld(t)
	w.want(databases, func(p *pool.Policy) { p.BufferSlots, p.BufferPercent = 8, 0 })
	w.add(databases, 2)
	w.must(w.check())
	if got := w.last(telemetry.BufferFree, "database"); got != 25 {
		t.Errorf("2 slots of a buffer of 8: %v %%", got)
	}
	w.want(databases, func(p *pool.Policy) { p.BufferSlots, p.BufferPercent = 0, 0 })
	w.must(w.check())
	if got := w.last(telemetry.BufferFree, "database"); got != 100 {
		t.Errorf("of no buffer: %v %%", got)
	}
}

func TestIdleSlotsAreMeasuredByWhatTheyCost(t *testing.T) {
	w := newWorld(t)
	w.want(databases, func(p *pool.Policy) { p.SlotsPerHost, p.HostPrice = 4, 65 })
	w.add(databases, 2)
	w.must(w.check())
	free := w.last(telemetry.SlotsFree, "database")
	if got, want := w.last(telemetry.MoneyIdle, "database"), math.Round(65*free/4); got != want || free == 0 {
		t.Errorf("%v free slots cost %v dollars a month, want %v", free, got, want)
	}
}
