package dynamo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// outlookItem is an outlook's stored form. It is read by every check, and written by every one that somebody came before:
// so its names are short, and its lists are of words.
type outlookItem struct {
	key
	Form    int                       `dynamodbav:"form"`
	Version int64                     `dynamodbav:"version"`
	At      *time.Time                `dynamodbav:"at,omitempty"`
	Signups int64                     `dynamodbav:"n"`
	Slow    [2]float64                `dynamodbav:"slow"`
	Fast    [2]float64                `dynamodbav:"fast"`
	Week    [2]float64                `dynamodbav:"week"`
	Spread  [2]float64                `dynamodbav:"spread"`
	Marks   []string                  `dynamodbav:"marks"` // "<Unix milliseconds> <signups> <a minute>"
	Stretch float64                   `dynamodbav:"stretch,omitempty"`
	Looked  *time.Time                `dynamodbav:"looked,omitempty"`
	Next    *time.Time                `dynamodbav:"next,omitempty"`
	Looks   []string                  `dynamodbav:"looks,omitempty"` // "<Unix milliseconds> <signups> <minutes>"
	Rhythm  [2]int64                  `dynamodbav:"rhythm"`          // the hour, and how many came in it
	Hours   []byte                    `dynamodbav:"hours,omitempty"` // how many came in each before it, as unsigned varints
	Plans   map[pool.Kind]plannedItem `dynamodbav:"plans"`
	Peaks   map[pool.Kind][]string    `dynamodbav:"peaks"` // "<Unix seconds> <buffer>"
	Off     *moveOffItem              `dynamodbav:"off,omitempty"`
}

type moveOffItem struct {
	Host   pool.HostID   `dynamodbav:"host"`
	Tenant pool.TenantID `dynamodbav:"tenant"`
	At     time.Time     `dynamodbav:"at"`
}

type plannedItem struct {
	At     time.Time  `dynamodbav:"at"`
	Buffer int        `dynamodbav:"buffer"`
	Orders int        `dynamodbav:"orders"`
	Held   []heldItem `dynamodbav:"held,omitempty"`
	Reason string     `dynamodbav:"why"`
	Spare  string     `dynamodbav:"spare,omitempty"`
}

type heldItem struct {
	Limit string `dynamodbav:"limit"`
	Hosts int    `dynamodbav:"hosts"`
}

func outlookKey(t pool.Tier) key { return key{"TIER#" + string(t), "OUTLOOK"} }

// Outlook reads what is expected of a tier; one that was never written has version 0.
func (l *Ledger) Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error) {
	var i outlookItem
	if err := l.get(ctx, outlookKey(tier), &i); err != nil {
		if errors.Is(err, pool.ErrNotFound) {
			return pool.Outlook{Tier: tier}, nil
		}
		return pool.Outlook{}, fmt.Errorf("read the outlook of tier %s: %w", tier, err)
	}
	o, err := i.outlook(tier)
	if err != nil {
		return pool.Outlook{}, fmt.Errorf("decode the outlook of tier %s: %w", tier, err)
	}
	return o, nil
}

// SaveOutlook writes an outlook on the condition that its version is before's.
func (l *Ledger) SaveOutlook(ctx context.Context, before, after pool.Outlook) error {
	after.Version = before.Version + 1
	i, err := encodeOutlook(after)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save the outlook of tier %s: %w", after.Tier, err)
	}
	return nil
}

func encodeOutlook(o pool.Outlook) (item, error) {
	d := o.Demand
	i := outlookItem{
		key: outlookKey(o.Tier), Form: form, Version: o.Version, At: moment(d.At), Signups: d.Signups,
		Slow: rateItem(d.Slow), Fast: rateItem(d.Fast), Week: rateItem(d.Week), Spread: [2]float64{d.Spread.Excess, d.Spread.Weight},
		Plans: map[pool.Kind]plannedItem{}, Peaks: map[pool.Kind][]string{},
	}
	for _, m := range d.Spread.Marks {
		i.Marks = append(i.Marks, fmt.Sprintf("%d %d %s", m.At.UnixMilli(), m.Signups, strconv.FormatFloat(m.PerMinute, 'g', -1, 64)))
	}
	i.Stretch, i.Looked, i.Next = d.Trust.Stretch, moment(d.Trust.Looked), moment(d.Trust.Next)
	for _, l := range d.Trust.Looks {
		i.Looks = append(i.Looks, fmt.Sprintf("%d %d %s", l.Until.UnixMilli(), l.Gone, strconv.FormatFloat(l.For, 'g', -1, 64)))
	}
	i.Rhythm = [2]int64{d.Rhythm.Hour, d.Rhythm.Count}
	for _, n := range d.Rhythm.Past {
		i.Hours = binary.AppendUvarint(i.Hours, uint64(n))
	}
	for k, p := range o.Plans {
		stored := plannedItem{At: p.At, Buffer: p.Buffer, Orders: p.Orders, Reason: p.Reason, Spare: p.Spare}
		for _, h := range p.Held {
			stored.Held = append(stored.Held, heldItem(h))
		}
		i.Plans[k] = stored
	}
	for k, peaks := range o.Peaks {
		for _, p := range peaks {
			i.Peaks[k] = append(i.Peaks[k], fmt.Sprintf("%d %d", p.From.Unix(), p.Buffer))
		}
	}
	if !o.Off.At.IsZero() {
		off := moveOffItem(o.Off)
		i.Off = &off
	}
	return encode(i)
}

func (i outlookItem) outlook(tier pool.Tier) (pool.Outlook, error) {
	o := pool.Outlook{Tier: tier, Version: i.Version, Demand: forecast.Demand{
		At: from(i.At), Signups: i.Signups, Slow: rateOf(i.Slow), Fast: rateOf(i.Fast), Week: rateOf(i.Week),
		Spread: forecast.Spread{Excess: i.Spread[0], Weight: i.Spread[1]},
	}}
	for _, word := range i.Marks {
		n, err := numbers(word, 3)
		if err != nil {
			return o, err
		}
		o.Demand.Spread.Marks = append(o.Demand.Spread.Marks, forecast.Mark{At: time.UnixMilli(int64(n[0])).UTC(), Signups: int64(n[1]), PerMinute: n[2]})
	}
	o.Demand.Trust = forecast.Trust{Stretch: i.Stretch, Looked: from(i.Looked), Next: from(i.Next)}
	for _, word := range i.Looks {
		n, err := numbers(word, 3)
		if err != nil {
			return o, err
		}
		o.Demand.Trust.Looks = append(o.Demand.Trust.Looks, forecast.Look{Until: time.UnixMilli(int64(n[0])).UTC(), Gone: int64(n[1]), For: n[2]})
	}
	o.Demand.Rhythm = forecast.Rhythm{Hour: i.Rhythm[0], Count: i.Rhythm[1]}
	for left := i.Hours; len(left) > 0; {
		n, size := binary.Uvarint(left)
		if size <= 0 || n > math.MaxUint16 {
			return o, fmt.Errorf("%x are no counts of hours", i.Hours)
		}
		o.Demand.Rhythm.Past, left = append(o.Demand.Rhythm.Past, uint16(n)), left[size:]
	}
	for k, p := range i.Plans {
		planned := pool.Planned{At: p.At, Buffer: p.Buffer, Orders: p.Orders, Reason: p.Reason, Spare: p.Spare}
		for _, h := range p.Held {
			planned.Held = append(planned.Held, pool.HeldBack(h))
		}
		if o.Plans == nil {
			o.Plans = map[pool.Kind]pool.Planned{}
		}
		o.Plans[k] = planned
	}
	for k, words := range i.Peaks {
		for _, word := range words {
			n, err := numbers(word, 2)
			if err != nil {
				return o, err
			}
			if o.Peaks == nil {
				o.Peaks = map[pool.Kind][]pool.Peak{}
			}
			o.Peaks[k] = append(o.Peaks[k], pool.Peak{From: time.Unix(int64(n[0]), 0).UTC(), Buffer: int(n[1])})
		}
	}
	if i.Off != nil {
		o.Off = pool.MoveOff(*i.Off)
	}
	return o, nil
}

func rateItem(r forecast.Rate) [2]float64 { return [2]float64{r.Count, r.Exposure} }

func rateOf(stored [2]float64) forecast.Rate {
	return forecast.Rate{Count: stored[0], Exposure: stored[1]}
}

// numbers reads so many numbers with spaces between them.
func numbers(word string, count int) ([]float64, error) {
	fields := strings.Fields(word)
	if len(fields) != count {
		return nil, fmt.Errorf("%q has not %d numbers", word, count)
	}
	n := make([]float64, count)
	for i, field := range fields {
		var err error
		if n[i], err = strconv.ParseFloat(field, 64); err != nil {
			return nil, fmt.Errorf("%q: %w", word, err)
		}
	}
	return n, nil
}
