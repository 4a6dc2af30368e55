package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"headroom/internal/sim"
)

// made makes series of the kinds that planners are told apart by, eight weeks each.
func made() ([]series, error) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
	end := start.AddDate(0, 0, 56)
	var all []series
	for _, kind := range []struct {
		name string
		come func(w *writer)
	}{
		{"steady", func(w *writer) { w.poisson(start, end, func(time.Time) float64 { return 20 }) }},
		{"busy days", func(w *writer) {
			w.poisson(start, end, func(at time.Time) float64 {
				return 60 * (1 + 0.8*math.Sin((float64(at.Hour())-8)/24*2*math.Pi))
			})
		}},
		{"a wall at nine", func(w *writer) {
			w.poisson(start, end, func(at time.Time) float64 {
				switch day := at.Weekday(); {
				case day == time.Saturday || day == time.Sunday || at.Hour() < 9 || at.Hour() > 17:
					return 0.3
				case at.Hour() == 9:
					return 60
				}
				return 12
			})
		}},
		{"clumps", func(w *writer) {
			for at := start; at.Before(end); at = at.Add(w.wait(1.5)) {
				for more := true; more; more = w.draw.Float64() < 5.0/6 {
					w.put(at.Add(time.Duration(w.draw.Float64() * 15 * float64(time.Minute))))
				}
			}
		}},
		{"blind spikes", func(w *writer) {
			w.poisson(start, end, func(time.Time) float64 { return 3 })
			for at := start.Add(w.wait(1.0 / 72)); at.Before(end); at = at.Add(w.wait(1.0 / 72)) {
				for range 80 {
					w.put(at.Add(time.Duration(w.draw.Float64() * 20 * float64(time.Minute))))
				}
			}
		}},
	} {
		w := &writer{draw: rand.New(rand.NewPCG(99, 7))}
		kind.come(w)
		demand, err := sim.ReadDemand(strings.NewReader(w.text.String()), 1)
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", kind.name, err)
		}
		all = append(all, series{kind.name, demand})
	}
	return all, nil
}

// writer writes signups, a line each.
type writer struct {
	draw *rand.Rand
	text strings.Builder
}

func (w *writer) put(at time.Time) { fmt.Fprintln(&w.text, at.Format(time.RFC3339)) }

// wait draws how long it is to the next of so many an hour.
func (w *writer) wait(perHour float64) time.Duration {
	return time.Duration(w.draw.ExpFloat64() / perHour * float64(time.Hour))
}

// poisson writes signups at a rate an hour that is what it is at the beginning of each minute.
func (w *writer) poisson(from, until time.Time, rate func(time.Time) float64) {
	for minute := from; minute.Before(until); minute = minute.Add(time.Minute) {
		for at := w.wait(rate(minute)); at < time.Minute; at += w.wait(rate(minute)) {
			w.put(minute.Add(at))
		}
	}
}
