package cloudwatch

import (
	"testing"
	"time"

	"headroom/internal/local/resource"
)

func TestPeriodsWithoutDataAreBridged(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(map[string]any{"TreatMissingData": "missing"}))
	w.emit(deadLetters, 1, 0)
	for minute, want := range []string{Alarming, Alarming, Alarming, InsufficientData} { // two periods more than it evaluates
		w.pass(time.Minute)
		if got := w.state(t, "dead"); got != want {
			t.Errorf("after minute %d it is %s, want %s", minute+1, got, want)
		}
	}
}

func TestAPeriodThatHasNotEndedDecidesNothing(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(nil))
	w.emit(deadLetters, 1, 0)
	w.pass(30 * time.Second) // the first evaluation there is
	if got := w.state(t, "dead"); got != OK {
		t.Errorf("in the middle of a period it is %s", got)
	}
}

func TestACompositeAlarmFollowsAtOnce(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(nil))
	w.create(t, resource.Resource{Type: typeComposite, Properties: map[string]any{"AlarmName": "upper", "AlarmRule": "ALARM(dead)"}})
	if err := w.SetState(t.Context(), "dead", Alarming, "drill"); err != nil {
		t.Fatal(err)
	}
	if got := w.state(t, "upper"); got != Alarming {
		t.Errorf("it is %s", got)
	}
}

func TestPercentilesAreNearestRanks(t *testing.T) {
	var data []Datum
	for i := range 10 {
		data = append(data, Datum{Value: float64(10 - i)})
	}
	for name, want := range map[string]float64{"p50": 5, "p90": 9, "p95": 10, "p99.9": 10, "p100": 10, "p0": 1} {
		stat, err := parseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat(data); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := percentile([]Datum{{Value: 1, Count: 99}, {Value: 7}}, 99); got != 1 {
		t.Errorf("of counted samples %v", got)
	}
}

func TestOldDataAreForgotten(t *testing.T) {
	m := NewMetrics()
	metric := Metric{Namespace: "N", Name: "M"}
	for i := range 24 * 60 { // a day
		m.Put(metric, Datum{At: noon.Add(time.Duration(i) * time.Minute), Value: float64(i)})
	}
	m.Put(metric, Datum{At: noon.Add(-time.Hour), Value: -1}) // late, and too late
	left := m.between(metric, noon.Add(-24*time.Hour), noon.Add(48*time.Hour))
	if n := len(left); n < 180 || n > 220 || left[len(left)-1].Value != 1439 {
		t.Errorf("%d data are left, the newest %v", n, left[len(left)-1])
	}
}
