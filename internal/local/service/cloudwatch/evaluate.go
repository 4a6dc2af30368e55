package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// How often alarms are evaluated, by their own clock: those with a period below a minute every ten
// seconds.
const (
	often  = 10 * time.Second
	seldom = time.Minute
	// finest bounds how often that is by the machine's clock.
	finest = 50 * time.Millisecond
)

// Watch evaluates the alarms until ctx ends.
func (a *Alarms) Watch(ctx context.Context) {
	ticker := time.NewTicker(max(a.cfg.Clock.Real(often), finest))
	defer ticker.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := a.cfg.Now()
		a.evaluateAll(ctx, last, now)
		last = now
	}
}

// Evaluate does at once what Watch does with time: it evaluates the alarms for which a period has ended since last.
func (a *Alarms) Evaluate(ctx context.Context, last, now time.Time) { a.evaluateAll(ctx, last, now) }

// evaluateAll evaluates the alarms for which a period has ended since last.
func (a *Alarms) evaluateAll(ctx context.Context, last, now time.Time) {
	a.mu.Lock()
	names := slices.Sorted(maps.Keys(a.byName))
	a.mu.Unlock()
	for _, name := range names {
		if ctx.Err() != nil {
			return
		}
		a.mu.Lock()
		watched := a.byName[name]
		if watched == nil || watched.metric == nil || watched.held || !now.Truncate(a.step(watched.metric)).After(last) {
			a.mu.Unlock()
			continue
		}
		next := a.evaluate(watched, now)
		if next.value == watched.state.value {
			a.mu.Unlock()
			continue
		}
		a.moveLocked(ctx, watched, next)
	}
	a.evaluateComposites(ctx)
}

// step is how often an alarm is evaluated, and what its periods end at.
func (a *Alarms) step(p *properties) time.Duration {
	if p.period() < 60 {
		return often
	}
	return seldom
}

// evaluate decides an alarm's state at a time: by the periods that have ended.
func (a *Alarms) evaluate(x *alarm, now time.Time) state {
	p := x.metric
	period := time.Duration(p.period()) * time.Second
	r := p.rules()
	wanted := r.periods + lookBack
	end := now.Truncate(a.step(p))
	begin := end.Add(-time.Duration(wanted) * period)
	points, err := a.Metrics.answer(p.queries(), func(int) time.Duration { return period }, begin, end)
	if err != nil { // it was checked when the alarm was made
		a.cfg.Log.Error("alarm could not be evaluated", "alarm", x.name, "error", err)
		return x.state
	}
	values := make([]*float64, wanted)
	for _, q := range p.queries() {
		if !q.returns() {
			continue
		}
		for _, series := range points[q.ID] { // one: an alarm is on no search
			for _, at := range series.points {
				values[int(at.at.Sub(begin)/period)] = &at.value
			}
		}
	}
	next := state{value: r.judge(values, x.state.value)}
	next.reason, next.data = p.reason(next.value, values, begin, period, now)
	return next
}

// reason says why an alarm is in a state, in CloudWatch's words, and as data.
func (p *properties) reason(value string, values []*float64, begin time.Time, period time.Duration, now time.Time) (text, data string) {
	r := p.rules()
	var recent []float64
	var shown []string
	evaluated := []any{}
	for i, v := range values {
		if v == nil {
			continue
		}
		at := begin.Add(time.Duration(i) * period).UTC()
		recent = append(recent, *v)
		shown = append(shown, fmt.Sprintf("%s (%s)", float(*v), at.Format("02/01/06 15:04:05")))
		evaluated = append(evaluated, map[string]any{"timestamp": stamp(at), "value": *v})
	}
	first := max(0, len(recent)-r.periods)
	recent, shown, evaluated = recent[first:], shown[first:], evaluated[first:]
	slices.Reverse(shown) // the newest is said first
	missing := r.periods - len(recent)
	switch {
	case value == InsufficientData:
		text = fmt.Sprintf("Insufficient Data: %s unknown.", was(r.periods, "datapoint"))
	case len(recent) == 0:
		text = fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as [%s].",
			plural(r.periods, "period"), was(missing, "missing datapoint"), treated(r.missing))
	default:
		var crossing int
		for _, v := range recent {
			if r.breaches(v) == (value == Alarming) {
				crossing++
			}
		}
		not := ""
		if value == OK {
			not = "not "
		}
		text = fmt.Sprintf("Threshold Crossed: %d out of the last %s [%s] %s %s%s the threshold (%s) (minimum %s for %s transition).",
			crossing, plural(len(recent), "datapoint"), strings.Join(shown, ", "), verb(crossing), not,
			comparison(p.ComparisonOperator), float(float64(p.Threshold)), plural(r.needed, "datapoint"), transition(value))
	}
	encoded, err := json.Marshal(map[string]any{
		"version": "1.0", "queryDate": stamp(now), "period": p.period(), "statistic": p.stat(), "unit": p.Unit,
		"recentDatapoints": listedFloats(recent), "threshold": float64(p.Threshold), "evaluatedDatapoints": evaluated,
	})
	if err != nil {
		return text, "" // a value that is no number
	}
	return text, string(encoded)
}

func transition(value string) string {
	if value == Alarming {
		return "OK -> ALARM"
	}
	return "ALARM -> OK"
}

func verb(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func was(n int, noun string) string { return plural(n, noun) + " " + verb(n) }

// treated is how a reason names what missing data are taken for.
func treated(missing string) string {
	switch missing {
	case missingIsBreaching:
		return "Breaching"
	case missingIsNotBreaching:
		return "NonBreaching"
	}
	return "Missing"
}

// float writes a number as CloudWatch does: a whole one with ".0".
func float(v float64) string {
	if text := fmt.Sprintf("%v", v); strings.ContainsAny(text, ".eIN") {
		return text
	}
	return fmt.Sprintf("%.1f", v)
}

func listedFloats(values []float64) []float64 {
	if values == nil {
		return []float64{}
	}
	return values
}
