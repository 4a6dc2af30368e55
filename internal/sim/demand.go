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
	since    time.Time     // when it begins; zero: with its first line
	until    time.Time     // when it ends; zero: with its last line, or the interval of that
}

type line struct {
	at    time.Time
	count float64
}

// The moments that a series may name; one without a zone is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly}

// A series is bounded: by how many sign up, and by how long it takes.
const (
	mostSignups = 20_000_000
	mostYears   = 10
)

// ReadDemand reads a series: one time a line (RFC 3339), or a time and a count, which are those who came from that time
// until the next line's. Counts may have decimals: what is left of one is carried on to the next. The first line may be a
// heading, which begins with no digit. Lines need not be in order. scale multiplies counts; of a time it makes one that is counted.
func ReadDemand(r io.Reader, scale float64) (Demand, error) {
	d := Demand{}
	scanner := bufio.NewScanner(r)
	total, first := 0.0, true
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), byteOrderMark))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		when, count, counted := strings.Cut(text, ",")
		at, err := parseMoment(when)
		heading := err != nil && first && !strings.ContainsAny(text[:1], "0123456789")
		if first = false; heading {
			continue
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
	d.counted = d.counted || scale != 1
	d.Interval = d.usual()
	if d.End().After(d.First().AddDate(mostYears, 0, 0)) {
		return Demand{}, fmt.Errorf("it goes from %s to %s, which is more than %d years", d.First().Format(time.RFC3339), d.End().Format(time.RFC3339), mostYears)
	}
	return d, nil
}

// byteOrderMark is what some programs begin a file of text with.
const byteOrderMark = "\uFEFF"

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
	part.lines, part.since = nil, since
	if !until.IsZero() {
		part.until = until
	}
	for i, l := range d.lines {
		begun := !l.at.Before(since) || d.counted && l.at.Add(d.span(i)).After(since)
		if begun && (until.IsZero() || l.at.Before(until)) {
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
func (d Demand) First() time.Time {
	if first := d.lines[0].at; !first.Before(d.since) {
		return first
	}
	return d.since
}

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

// span is how long the i-th line's interval is: until the next line that has another time, at most.
func (d Demand) span(i int) time.Duration {
	for _, next := range d.lines[i+1:] {
		if gap := next.at.Sub(d.lines[i].at); gap > 0 {
			return min(d.Interval, gap)
		}
	}
	return d.Interval
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
		span := float64(d.span(i))
		for range n {
			at := l.at.Add(time.Duration(draw.Float64() * span))
			if !at.Before(d.since) && (d.until.IsZero() || at.Before(d.until)) { // a part may begin and end amid an interval
				times = append(times, at)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}
