package decommission

import (
	"context"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// Tags of what is verified, in place of the one that a task gives to what it writes: by that one, attempts that came to
// nothing expire.
var (
	deepTag = map[string]string{"headroom:archive": "deep"} // is moved to deep storage
	keptTag = map[string]string{"headroom:archive": "kept"} // stays where it can be read
)

// lock keeps the archive that was verified from being deleted, and has it moved to deep storage. Its manifest is locked
// too, and stays readable.
func (h *Handler) lock(ctx context.Context, d pool.Departure) (leaving, error) {
	a := d.Archive
	until := h.Now()
	if end := d.GraceUntil(); end.After(until) {
		until = end // what is scrubbed after a long grace must be locked then
	}
	until = until.Add(d.Retain).UTC()
	for _, kept := range []struct {
		ref  pool.ObjectRef
		tags map[string]string
	}{
		{pool.ObjectRef{Bucket: a.Bucket, Key: a.Key, Version: a.VersionID}, deepTag},
		{pool.ObjectRef{Bucket: a.Bucket, Key: a.Manifest, Version: a.ManifestID}, keptTag},
	} {
		if err := h.Objects.Retain(ctx, kept.ref, until); err != nil {
			return leaving{}, fmt.Errorf("lock %s: %w", kept.ref.Key, err)
		}
		if err := h.Objects.Tag(ctx, kept.ref, kept.tags); err != nil {
			return leaving{}, fmt.Errorf("tag %s: %w", kept.ref.Key, err)
		}
	}
	d = d.Proven(pool.StepGrace, h.Now(), fmt.Sprintf("%s and %s are locked until %s", a.Key, a.Manifest, until.Format(time.RFC3339)))
	d.Archive.RetainUntil, d.Due = until, d.GraceUntil()
	return leaving{Record: d}, nil
}

// grace waits until the departure can't be undone any more, and begins the clearances of its slots then.
func (h *Handler) grace(ctx context.Context, d pool.Departure) (leaving, error) {
	now := h.Now()
	if left := d.GraceUntil().Add(pool.ClockMargin).Sub(now); left > 0 {
		return rest(d, left), nil
	}
	scrubbing, err := pool.MoveDeparture(d.Proven(pool.StepScrub, now, "nobody undid it until "+d.GraceUntil().UTC().Format(time.RFC3339)),
		pool.DepartureScrubbing, pool.StepScrub, now, "its grace is over")
	if err != nil {
		return leaving{}, err
	}
	var both []pool.Clearance
	for _, kind := range pool.Kinds {
		name, err := h.Name()
		if err != nil {
			return leaving{}, fmt.Errorf("draw the next name of a slot: %w", err)
		}
		both = append(both, pool.Clear(scrubbing, kind, name, now))
	}
	// Commit point: from here on the tenant's data is destroyed. Killed after this, the message's next delivery begins the
	// clearances (scrub), or the pool check past their deadlines.
	if err := h.Ledger.BeginScrub(ctx, d, scrubbing, both); err != nil {
		return leaving{}, err
	}
	for _, c := range both {
		if err := h.beginClearance(ctx, c); err != nil {
			return leaving{}, err
		}
	}
	return leaving{Record: scrubbing, Leave: true}, nil
}

// beginClearance has a clearance begun.
func (h *Handler) beginClearance(ctx context.Context, c pool.Clearance) error {
	if err := h.Steps.Send(ctx, events.NewStep(events.OfClearance, string(c.ID()), string(c.Step), c.Count+1), 0); err != nil {
		return fmt.Errorf("begin clearance %s: %w", c.ID(), err)
	}
	return nil
}

// rest has a departure rest for a time. What is longer than a message can be delayed ends by the record's deadline.
func rest(d pool.Departure, left time.Duration) leaving {
	if left > delayMost {
		return leaving{Record: d, Leave: true}
	}
	return leaving{Record: d, Wait: left}
}

// scrub waits for the clearances of the departure's slots. Each says when it has ended. One that was not begun is begun:
// who recorded it may have been killed before.
func (h *Handler) scrub(ctx context.Context, d pool.Departure) (leaving, error) {
	ended, came := 0, "both slots are scrubbed, proven clean, and free again"
	for _, kind := range pool.Kinds {
		c, err := h.Ledger.Clearance(ctx, clearanceOf(d.ID(), kind))
		if err != nil {
			return leaving{}, err
		}
		if c.State.Ended() {
			ended++
		}
		if c.State == pool.ClearanceRetired {
			came = fmt.Sprintf("what is scrubbed is proven clean, and free again; slot %s/%d is out of use", c.Holding.Host, c.Holding.Index)
		}
		if c.Version == 1 { // as it was recorded
			if err := h.beginClearance(ctx, c); err != nil {
				return leaving{}, err
			}
		}
	}
	if ended < len(pool.Kinds) {
		return leaving{Record: d, Leave: true}, nil
	}
	return leaving{Record: d.Proven(pool.StepCertify, h.Now(), came)}, nil
}

// clearanceOf names the clearance of a departure's slot.
func clearanceOf(id pool.DepartureID, kind pool.Kind) pool.ClearanceID {
	return pool.Clearance{Departure: id, Kind: kind}.ID()
}
