package cloudwatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Metric names a metric: CloudWatch takes one with other dimensions for another metric.
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
}

// key tells metrics apart.
func (m Metric) key() string {
	var key strings.Builder
	key.WriteString(m.Namespace + "\x00" + m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		key.WriteString("\x00" + name + "\x01" + m.Dimensions[name])
	}
	return key.String()
}

// Datum is what was said of a metric at one time. A value may stand for many samples of it.
type Datum struct {
	At    time.Time
	Value float64
	Count float64 // how many samples have this value; 0 means 1
	Unit  string  // empty means "None"
}

// kept is how long data are remembered, and keptMost how many of a metric: enough for any alarm here.
const (
	kept     = 3 * time.Hour
	keptMost = 50_000
)

// series is a metric with its data, in the order of their times.
type series struct {
	metric Metric
	data   []Datum
	added  time.Time // when a datum last came in
}

// Metrics are the metrics that were published. Their methods may be called at once.
type Metrics struct {
	mu    sync.Mutex
	byKey map[string]*series
}

// NewMetrics returns no metrics.
func NewMetrics() *Metrics { return &Metrics{byKey: map[string]*series{}} }

// Put publishes data of a metric.
func (m *Metrics) Put(metric Metric, data ...Datum) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byKey[metric.key()]
	if s == nil {
		s = &series{metric: metric}
		m.byKey[metric.key()] = s
	}
	for _, d := range data {
		at, _ := slices.BinarySearchFunc(s.data, d, func(a, b Datum) int {
			return cmp.Or(a.At.Compare(b.At), -1) // after those of the same time
		})
		s.data = slices.Insert(s.data, at, d)
	}
	if len(s.data) == 0 {
		return
	}
	newest := s.data[len(s.data)-1].At
	old, _ := slices.BinarySearchFunc(s.data, newest.Add(-kept), func(d Datum, at time.Time) int { return d.At.Compare(at) })
	if extra := max(old, len(s.data)-keptMost); extra > len(s.data)/10 { // seldom, so that it costs little
		s.data = slices.Delete(s.data, 0, extra)
	}
	if newest.After(s.added) {
		s.added = newest
	}
}

// between returns the data of a metric from one time on and before another.
func (m *Metrics) between(metric Metric, from, to time.Time) []Datum {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byKey[metric.key()]
	if s == nil {
		return nil
	}
	at := func(d Datum, t time.Time) int { return d.At.Compare(t) }
	first, _ := slices.BinarySearchFunc(s.data, from, at)
	last, _ := slices.BinarySearchFunc(s.data, to, at)
	if first >= last {
		return nil
	}
	return slices.Clone(s.data[first:last])
}

// all lists the metrics, in order, with the time of their newest datum.
func (m *Metrics) all() []series {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []series
	for _, key := range slices.Sorted(maps.Keys(m.byKey)) {
		list = append(list, series{metric: m.byKey[key].metric, added: m.byKey[key].added})
	}
	return list
}

// unit is the unit that a metric's data have.
func (m *Metrics) unit(metric Metric) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byKey[metric.key()]; s != nil && len(s.data) > 0 {
		return s.data[len(s.data)-1].unit()
	}
	return "None"
}
