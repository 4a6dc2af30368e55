package operator

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// Stops is the stop switch.
type Stops struct {
	Order   bool      `json:"order"`
	Repair  bool      `json:"repair"`
	Destroy bool      `json:"destroy"`
	By      string    `json:"by,omitempty"` // changed it last
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Levels  []Stopped `json:"levels,omitempty"` // that are on
}

// Stopped is a level of the stop switch that is on.
type Stopped struct {
	Level pool.StopLevel `json:"level"`
	By    string         `json:"by"`
	Why   string         `json:"why"`
	Since time.Time      `json:"since"`
}

// Switched is what came of a change of the stop switch.
type Switched struct {
	Asked   string           `json:"asked"`   // in words
	Changed []pool.StopLevel `json:"changed"` // levels that are on, or off, and were not
	Stops   Stops            `json:"stops"`   // as it is since; of a dry run, as it would be
	Next    []string         `json:"next,omitempty"`
}

// Stop switches levels on: what they stop is not done from the next call on. No levels: all. dry only says what would be.
func (o *Operator) Stop(ctx context.Context, levels []pool.StopLevel, reason string, dry bool) (Switched, error) {
	return o.switchStops(ctx, levels, true, reason, dry)
}

// Resume switches levels off: what waits for them goes on by itself. No levels: all. dry only says what would be.
func (o *Operator) Resume(ctx context.Context, levels []pool.StopLevel, reason string, dry bool) (Switched, error) {
	return o.switchStops(ctx, levels, false, reason, dry)
}

func (o *Operator) switchStops(ctx context.Context, levels []pool.StopLevel, on bool, reason string, dry bool) (Switched, error) {
	if len(levels) == 0 {
		levels = pool.StopLevels
	}
	levels = slices.DeleteFunc(slices.Clone(pool.StopLevels), func(l pool.StopLevel) bool { return !slices.Contains(levels, l) })
	change := func(s pool.Stops) (pool.Stops, error) {
		if on {
			return s.Stopped(levels, o.Caller.ARN, reason, o.Now()), nil
		}
		return s.Resumed(levels, o.Caller.ARN, reason, o.Now()), nil
	}
	var before, after pool.Stops
	var err error
	if dry {
		if before, err = o.Ledger.Stops(ctx); err == nil {
			after, err = change(before.Clone())
		}
	} else { // Commit point: it is in force at the next call of whoever may be forbidden something.
		before, after, err = ledger.UpdateStops(ctx, o.Ledger, change)
	}
	if err != nil {
		return Switched{}, err
	}
	s := Switched{Asked: "resume ", Changed: []pool.StopLevel{}, Stops: stopsOf(after), Next: []string{"headroom status"}}
	if on {
		s.Asked, s.Next = "stop ", []string{"headroom resume " + strings.Join(texts(levels), " ") + " --reason …"}
	}
	if dry {
		s.Next = nil
	}
	s.Asked += strings.Join(texts(levels), ", ")
	for _, level := range levels {
		if before.On(level) != after.On(level) {
			s.Changed = append(s.Changed, level)
		}
	}
	return s, nil
}

func stopsOf(s pool.Stops) Stops {
	out := Stops{Order: s.Order, Repair: s.Repair, Destroy: s.Destroy, By: s.By, Why: s.Why, At: s.At.UTC()}
	for _, level := range pool.StopLevels {
		if s.On(level) {
			m := s.Mark(level)
			out.Levels = append(out.Levels, Stopped{Level: level, By: m.By, Why: m.Why, Since: m.At.UTC()})
		}
	}
	return out
}

// needs are what a person should know of the switch: that it is on.
func (s Stops) needs() []Need {
	var needs []Need
	for _, l := range s.Levels {
		needs = append(needs, Need{
			What: string(l.Level) + " is stopped since " + l.Since.Format(time.RFC3339) + ", by " + l.By + ": " + l.Why,
			Do:   "headroom resume " + string(l.Level) + " --reason …",
		})
	}
	return needs
}
