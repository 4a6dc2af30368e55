package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// statistic makes one value of the data of a period.
type statistic func([]Datum) float64

// statistics are those with names of their own.
var statistics = map[string]statistic{
	"SampleCount": samples,
	"Sum":         sum,
	"Average":     func(data []Datum) float64 { return sum(data) / samples(data) },
	"Minimum": func(data []Datum) float64 {
		return slices.MinFunc(data, byValue).Value
	},
	"Maximum": func(data []Datum) float64 {
		return slices.MaxFunc(data, byValue).Value
	},
}

// parseStatistic reads a statistic's name, such as "Sum" or "p99.9".
func parseStatistic(name string) (statistic, error) {
	if s, ok := statistics[name]; ok {
		return s, nil
	}
	if digits, ok := strings.CutPrefix(name, "p"); ok {
		if percent, err := strconv.ParseFloat(digits, 64); err == nil && percent >= 0 && percent <= 100 {
			return func(data []Datum) float64 { return percentile(data, percent) }, nil
		}
	}
	return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: fmt.Sprintf("The value %s for parameter Stat is not supported.", name)}
}

func byValue(a, b Datum) int {
	switch {
	case a.Value < b.Value:
		return -1
	case a.Value > b.Value:
		return 1
	}
	return 0
}

func (d Datum) count() float64 {
	if d.Count == 0 {
		return 1
	}
	return d.Count
}

func samples(data []Datum) float64 {
	n := 0.0
	for _, d := range data {
		n += d.count()
	}
	return n
}

func sum(data []Datum) float64 {
	total := 0.0
	for _, d := range data {
		total += d.Value * d.count()
	}
	return total
}

// percentile is the value that a percentage of the samples does not exceed (the nearest rank).
func percentile(data []Datum, percent float64) float64 {
	sorted := slices.SortedFunc(slices.Values(data), byValue)
	rank := math.Ceil(percent / 100 * samples(sorted))
	for _, d := range sorted {
		if rank -= d.count(); rank <= 0 {
			return d.Value
		}
	}
	return sorted[len(sorted)-1].Value
}

// point is a period's value; there is none for a period without data.
type point struct {
	at    time.Time // when the period begins
	value float64
}

// points aggregates a metric's data into periods that begin at from, from+period, … before to.
func (m *Metrics) points(metric Metric, unit string, stat statistic, period time.Duration, from, to time.Time) []point {
	var list []point
	data := m.between(metric, from, to)
	if unit != "" {
		data = slices.DeleteFunc(data, func(d Datum) bool { return d.unit() != unit })
	}
	for len(data) > 0 {
		begin := from.Add(data[0].At.Sub(from) / period * period)
		end := slices.IndexFunc(data, func(d Datum) bool { return !d.At.Before(begin.Add(period)) })
		if end < 0 {
			end = len(data)
		}
		list = append(list, point{begin, stat(data[:end])})
		data = data[end:]
	}
	return list
}

func (d Datum) unit() string {
	if d.Unit == "" {
		return "None"
	}
	return d.Unit
}
