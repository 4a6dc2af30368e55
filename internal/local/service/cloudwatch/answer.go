package cloudwatch

import (
	"fmt"
	"time"
)

// answer is what the queries come to between two times, by their ids. The period of a query is what
// periodOf makes of its seconds; from must be where one begins.
func (m *Metrics) answer(queries []query, periodOf func(seconds int) time.Duration, from, to time.Time) (map[string][]point, error) {
	points := map[string][]point{}
	longest := 0
	for _, q := range queries {
		if q.MetricStat == nil {
			continue
		}
		stat, err := parseStatistic(q.MetricStat.Stat)
		if err != nil {
			return nil, err
		}
		longest = max(longest, int(q.MetricStat.Period))
		points[q.ID] = m.points(q.MetricStat.Metric.metric(), q.MetricStat.Unit, stat, periodOf(int(q.MetricStat.Period)), from, to)
	}
	for range queries { // an expression may name one that comes after it
		waiting := 0
		for _, q := range queries {
			if q.Expression == "" || points[q.ID] != nil {
				continue
			}
			if !known(q, queries, points) {
				waiting++
				continue
			}
			made, err := calculate(q, queries, points, periodOf(max(longest, int(q.Period))), from, to)
			if err != nil {
				return nil, err
			}
			points[q.ID] = made
		}
		if waiting == 0 {
			return points, nil
		}
	}
	return nil, fmt.Errorf("expressions name each other")
}

// known reports whether all other queries have their values that an expression may name.
func known(q query, among []query, points map[string][]point) bool {
	for _, name := range named(q.Expression) {
		for _, other := range among {
			if other.ID == name && other.Expression != "" && points[name] == nil {
				return false
			}
		}
	}
	return true
}

// calculate works an expression out, period by period.
func calculate(q query, among []query, points map[string][]point, period time.Duration, from, to time.Time) ([]point, error) {
	parsed, err := parseExpression(q.Expression, among)
	if err != nil {
		return nil, err
	}
	n := int((to.Sub(from) + period - 1) / period)
	of := map[string]values{}
	for _, other := range among {
		run := make(values, n)
		for _, p := range points[other.ID] {
			run[int(p.at.Sub(from)/period)] = &p.value
		}
		of[other.ID] = run
	}
	made := []point{}
	for i, v := range parsed(of, n) {
		if v != nil {
			made = append(made, point{from.Add(time.Duration(i) * period), *v})
		}
	}
	return made, nil
}
