package pool

import (
	"fmt"
	"slices"
	"time"
)

// KeptDatabase is a database that another one took the place of, or that its tenant moved away from. Nobody can connect to it.
type KeptDatabase struct {
	Holding Holding // of the slot whose database it was
	Slot    MarkedSlot
	Until   time.Time
	Move    RestorationID // by which its tenant moved away: it is its slot's still, and the slot is cleared; empty: it did not
	Now     Holding       // what the tenant has in its place, on another host; zero: that is in its place
}

// Due is when it goes. What another function clears is judged by that one's clock, too.
func (k KeptDatabase) Due() time.Time {
	if k.Move != "" {
		return k.Until.Add(ClockMargin)
	}
	return k.Until
}

func (r Restoration) keeps(slot MarkedSlot) bool {
	return slices.ContainsFunc(r.Kept, func(k KeptDatabase) bool { return k.Slot == slot })
}

// UndoUntil is until when it can be undone, by what it keeps; zero: it can't.
func (r Restoration) UndoUntil() time.Time {
	for _, k := range r.Kept {
		if k.Slot.Name == r.Old {
			return k.Until
		}
	}
	return time.Time{}
}

// Promised is until when it can be undone because of what it keeps of a restoration, which a move would end; zero: nothing is.
func (r Restoration) Promised(now time.Time) (until time.Time) {
	for _, k := range r.Kept {
		if k.Move == "" && k.Until.After(now) && k.Until.After(until) {
			until = k.Until
		}
	}
	return until
}

// Keep notes that a database is kept that another took the place of.
func (r Restoration) Keep(slot MarkedSlot, now time.Time) Restoration {
	r = r.Clone()
	if !r.keeps(slot) {
		r.Kept = append(r.Kept, KeptDatabase{Holding: r.Database, Slot: slot, Until: now.Add(r.Grace).UTC()})
	}
	return r
}

// Without is a restoration that keeps a database no more.
func (r Restoration) Without(slot MarkedSlot) Restoration {
	r = r.Clone()
	r.Kept = slices.DeleteFunc(r.Kept, func(k KeptDatabase) bool { return k.Slot == slot })
	return r
}

// Rest ends a restoration in a state, with the sweep of what it keeps as its step, where it keeps anything.
func (r Restoration) Rest(to RestorationState, now time.Time, why string) (Restoration, error) {
	r, err := MoveRestoration(r, to, "", now, why)
	return r.sweeping(now), err
}

// Swept is a restoration that has ended, with a kept database that is gone.
func (r Restoration) Swept(slot MarkedSlot, now time.Time) Restoration {
	return r.Without(slot).sweeping(now)
}

func (r Restoration) sweeping(now time.Time) Restoration {
	r.Progress = Progress{}
	if len(r.Kept) > 0 {
		r.Progress = Started(StepSweep, now)
		r.Due = slices.MinFunc(r.Kept, func(a, b KeptDatabase) int { return a.Due().Compare(b.Due()) }).Due()
	}
	return r
}

// Expire ends what a restoration has of a holding whose tenant leaves for good: one that is under way comes to nothing,
// and nothing is kept any longer. changed is false when there is nothing to be ended, or it ends already.
func (r Restoration) Expire(has Holding, now time.Time) (out Restoration, changed bool, err error) {
	out = r.Clone()
	for i, k := range out.Kept {
		if k.of(has) && k.Until.After(now) {
			out.Kept[i].Until, changed = now.UTC(), true
		}
	}
	switch {
	case r.Database.Same(has) && r.State == RestorationRestoring && r.Swapped.IsZero() && r.Swapping.IsZero():
		out, err = out.Withdraw("the tenant leaves", false, now)
		return out, true, err
	case changed && r.State.Ended():
		out = out.sweeping(now)
	}
	return out, changed, nil
}

// Has reports whether a restoration has, or may have, anything of a holding besides what the tenant's own slot is.
func (r Restoration) Has(has Holding) bool {
	return (r.Database.Same(has) || r.Target.Same(has)) && !r.State.Ended() ||
		slices.ContainsFunc(r.Kept, func(k KeptDatabase) bool { return k.of(has) })
}

// of reports whether what is kept is of the tenant that has a holding now.
func (k KeptDatabase) of(has Holding) bool { return k.Holding.Same(has) || k.Now.Same(has) }

// Forgettable says why the record of a restoration can't go yet; nil: it can.
func (r Restoration) Forgettable() error {
	if !r.State.Ended() || len(r.Kept) > 0 {
		return fmt.Errorf("restoration %s is %s, and keeps %d databases", r.ID(), r.State, len(r.Kept))
	}
	return nil
}

// Forgotten is the tenant of a restoration whose record goes: its next restoration has another number all the same, so that
// nothing that is late is taken for the next one's.
func (r Restoration) Forgotten(t Tenant) Tenant {
	t = t.Clone()
	t.Restored = max(t.Restored, r.Number)
	return t
}
