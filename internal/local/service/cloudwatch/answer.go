package cloudwatch

import (
	"fmt"
	"time"
)

// answered is one time series that a query comes to, and the metric that a search found it by.
type answered struct {
	metric *Metric
	stat   string // of that metric
	points []point
}

// answer is what the queries come to between two times, by their ids: one time series each, and any number of one with
// a search. The period of a query is what periodOf makes of its seconds; from must be where one begins.
func (m *Metrics) answer(queries []query, periodOf func(seconds int) time.Duration, from, to time.Time) (map[string][]answered, error) {
	parsed := map[string]expression{}
	answers := map[string][]answered{}
	longest := 0
	for _, q := range queries {
		period, err := q.seconds(queries)
		if err != nil {
			return nil, err
		}
		longest = max(longest, period)
		if q.MetricStat == nil {
			if parsed[q.ID], err = parseExpression(q.Expression, queries); err != nil {
				return nil, err
			}
			continue
		}
		stat, err := parseStatistic(q.MetricStat.Stat)
		if err != nil {
			return nil, err
		}
		points := m.points(q.MetricStat.Metric.metric(), q.MetricStat.Unit, stat, periodOf(period), from, to)
		answers[q.ID] = []answered{{points: points}}
	}
	for range queries { // an expression may name one that comes after it
		waiting := 0
		for _, q := range queries {
			if _, done := answers[q.ID]; done || q.MetricStat != nil {
				continue
			}
			if !known(q, queries, answers) {
				waiting++
				continue
			}
			answers[q.ID] = m.calculate(parsed[q.ID], answers, periodOf(max(longest, 1)), from, to)
		}
		if waiting == 0 {
			return answers, nil
		}
	}
	return nil, fmt.Errorf("expressions name each other")
}

// searchPeriod is the period of a search that says none, in seconds.
const searchPeriod = 300

// seconds is a query's period; 0 for an expression that takes it from what it is over.
func (q query) seconds(among []query) (int, error) {
	if q.MetricStat != nil {
		return int(q.MetricStat.Period), nil
	}
	parsed, err := parseExpression(q.Expression, among)
	switch {
	case err != nil:
		return 0, err
	case parsed.period != 0:
		return parsed.period, nil
	case q.Period == 0 && searches(q.Expression):
		return searchPeriod, nil
	}
	return int(q.Period), nil
}

// known reports whether all other queries have their values that an expression may name.
func known(q query, among []query, answers map[string][]answered) bool {
	for _, name := range named(q.Expression) {
		for _, other := range among {
			if _, done := answers[name]; other.ID == name && other.Expression != "" && !done {
				return false
			}
		}
	}
	return true
}

// calculate works an expression out, period by period.
func (m *Metrics) calculate(e expression, answers map[string][]answered, period time.Duration, from, to time.Time) []answered {
	n := int((to.Sub(from) + period - 1) / period)
	spread := func(points []point) values {
		run := make(values, n)
		for _, p := range points {
			run[int(p.at.Sub(from)/period)] = &p.value
		}
		return run
	}
	in := inputs{n: n, of: map[string][]line{}, find: func(s search) []line {
		var lines []line
		for _, metric := range m.find(s) {
			lines = append(lines, line{
				values: spread(m.points(metric, "", s.statistic, period, from, to)), metric: &metric, stat: s.stat,
			})
		}
		return lines
	}}
	for id, list := range answers {
		in.of[id] = []line{}
		for _, a := range list {
			in.of[id] = append(in.of[id], line{values: spread(a.points), metric: a.metric, stat: a.stat})
		}
	}
	made := []answered{}
	for _, l := range e.lines(in) {
		one := answered{metric: l.metric, stat: l.stat, points: []point{}}
		for i, v := range l.values {
			if v != nil {
				one.points = append(one.points, point{from.Add(time.Duration(i) * period), *v})
			}
		}
		made = append(made, one)
	}
	return made
}
