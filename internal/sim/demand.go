package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Demand is a series of signups: when each came, or how many came in each interval.
type Demand struct {
	lines    []line
	counted  bool          // lines count what came in the interval that they begin
	Interval time.Duration // of lines that count
	until    time.Time     // when it ends; zero: with its last line, or the interval of that
}

type line struct {
	at    time.Time
	count float64
}

// The moments that a series may name; one without a zone is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly}

// mostSignups bounds a series.
const mostSignups = 20_000_000

// ReadDemand reads a series: one time a line (RFC 3339), or a time and a count, which are those who came from that time
// until the next line's. Counts may have decimals: what is left of one is carried on to the next. The first line may be a
// heading. Lines need not be in order. scale multiplies counts.
func ReadDemand(r io.Reader, scale float64) (Demand, error) {
	d := Demand{}
	scanner := bufio.NewScanner(r)
	total := 0.0
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		when, count, counted := strings.Cut(text, ",")
		at, err := parseMoment(when)
		if err != nil && n == 1 {
			continue // a heading
		}
		if err != nil {
			return Demand{}, fmt.Errorf("line %d: %w", n, err)
		}
		l := line{at: at, count: 1}
		if counted {
			l.count, err = strconv.ParseFloat(strings.TrimSpace(count), 64)
			if err != nil || l.count < 0 || math.IsInf(l.count, 0) || math.IsNaN(l.count) {
				return Demand{}, fmt.Errorf("line %d: %q is no count", n, count)
			}
		}
		if len(d.lines) > 0 && counted != d.counted {
			return Demand{}, fmt.Errorf("line %d: some lines have a count, and others have none", n)
		}
		d.counted = counted
		l.count *= scale
		if total += l.count; total > mostSignups {
			return Demand{}, fmt.Errorf("line %d: more than %d signups", n, mostSignups)
		}
		d.lines = append(d.lines, l)
	}
	if err := scanner.Err(); err != nil {
		return Demand{}, err
	}
	if len(d.lines) == 0 || total < 1 {
		return Demand{}, errors.New("there is no signup in it")
	}
	slices.SortStableFunc(d.lines, func(a, b line) int { return a.at.Compare(b.at) })
	d.Interval = d.usual()
	return d, nil
}

func parseMoment(text string) (time.Time, error) {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2026-11-26T09:00:00Z", text)
}

// Signups is the series of signups that came at these times, one at least, and of none since, until a time.
func Signups(times []time.Time, until time.Time) Demand {
	d := Demand{until: until}
	for _, at := range times {
		d.lines = append(d.lines, line{at: at.UTC(), count: 1})
	}
	slices.SortStableFunc(d.lines, func(a, b line) int { return a.at.Compare(b.at) })
	d.Interval = d.usual()
	return d
}

// Between is what of a series came from a time until another; zero: from its first line, until it ends.
func (d Demand) Between(since, until time.Time) (Demand, error) {
	part := d
	if part.lines = nil; !until.IsZero() {
		part.until = until
	}
	for _, l := range d.lines {
		if !l.at.Before(since) && (until.IsZero() || l.at.Before(until)) {
			part.lines = append(part.lines, l)
		}
	}
	if len(part.lines) == 0 {
		return Demand{}, errors.New("nobody signs up in that time")
	}
	return part, nil
}

// usual is the time between two lines, mostly.
func (d Demand) usual() time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(d.lines); i++ {
		if gap := d.lines[i].at.Sub(d.lines[i-1].at); gap > 0 {
			gaps = append(gaps, gap)
		}
	}
	if !d.counted || len(gaps) == 0 {
		return time.Hour
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// First is when the series begins.
func (d Demand) First() time.Time { return d.lines[0].at }

// End is when it ends.
func (d Demand) End() time.Time {
	end := d.lines[len(d.lines)-1].at
	if d.counted {
		end = end.Add(d.Interval)
	}
	if !d.until.IsZero() {
		return d.until
	}
	return end
}

// Moment reads a time of the series: a moment, a day, or a share of it such as "50%"; empty: the zero time.
func (d Demand) Moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil || !(percent >= 0 && percent < 100) {
			return time.Time{}, fmt.Errorf("%q is no share of the series, from 0%% to below 100%%", text)
		}
		return d.First().Add(time.Duration(percent / 100 * float64(d.End().Sub(d.First())))), nil
	}
	at, err := parseMoment(text)
	if err == nil && !at.Before(d.End()) {
		err = fmt.Errorf("%q is not before the end of the series, %s", text, d.End().Format(time.RFC3339))
	}
	return at, err
}

// arrivals are the times at which tenants sign up, in order. Those that are counted are spread evenly at random over
// their interval, which a gap in the series does not make longer.
func (d Demand) arrivals(seed uint64) []time.Time {
	draw := rand.New(rand.NewPCG(seed, 2))
	var times []time.Time
	left := 0.0
	for i, l := range d.lines {
		left += l.count
		n := int(math.Floor(left + 1e-9))
		left -= float64(n)
		if !d.counted && n == 1 {
			times = append(times, l.at)
			continue
		}
		span := d.Interval
		if i+1 < len(d.lines) {
			span = min(span, d.lines[i+1].at.Sub(l.at))
		}
		for range n {
			times = append(times, l.at.Add(time.Duration(draw.Float64()*float64(span))))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}
