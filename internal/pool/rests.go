package pool

import (
	"slices"
	"time"

	"headroom/internal/pool/forecast"
)

// A pool's record says how many of its slots rest, and not until when. Where none rests for longer than a host takes, that is
// enough to count on them; else their clearances say which of them are free again by then. Slots that were returned have none,
// and are not counted on there.

// resting is how many slots are free again within a mean lead time. One that should have been for as long is not counted on:
// something keeps it.
func (o Observed) resting(leads forecast.Leads, now time.Time) int {
	if restBriefly(o.CoolDown, leads) {
		return o.Record.Counters.Cooling
	}
	return min(len(o.soon(leads, now)), o.Record.Counters.Cooling)
}

// rested is in what time so many of the slots that rest are free again, at the latest; of those that resting counts.
func (o Observed) rested(slots int, leads forecast.Leads, now time.Time) time.Duration {
	if restBriefly(o.CoolDown, leads) {
		return max(o.CoolDown, coolLeast)
	}
	return max(0, o.soon(leads, now)[slots-1].Sub(now))
}

// soon is when the slots are free again that rest for long, of those that are within a mean lead time.
func (o Observed) soon(leads forecast.Leads, now time.Time) []time.Time {
	from, _ := slices.BinarySearchFunc(o.Rests, now.Add(-mean(leads)), time.Time.Compare)
	until, _ := slices.BinarySearchFunc(o.Rests, now.Add(mean(leads)+1), time.Time.Compare)
	return o.Rests[from:until]
}

// restBriefly reports whether slots rest no longer than a host takes, so that each that does counts.
func restBriefly(coolDown time.Duration, leads forecast.Leads) bool { return coolDown <= mean(leads) }

func mean(leads forecast.Leads) time.Duration {
	return time.Duration(leads.Mean() * float64(time.Minute))
}

// RestsSought is up to which deadline the tier's clearances are to be looked at for slots that are free again soon; zero: none
// are, because no slot rests, or all that do count.
func (s Sight) RestsSought() time.Time {
	var until time.Time
	for _, k := range Kinds {
		if s.Records[k].Counters.Cooling == 0 {
			continue
		}
		if leads := s.Records[k].LeadTimes(s.Policy(k), s.At); !restBriefly(s.coolDown(), leads) {
			// Of one that did not end its rest at its time, the deadline is that of another look.
			until = later(until, s.At.Add(max(mean(leads), timedAgain)))
		}
	}
	return until
}

// RestsIn reports whether the clearance's slot rests, in a host of a tier. Its state does not say it: of a slot that was
// released from quarantine while it rested the clearance is scrubbing.
func (c Clearance) RestsIn(tier Tier) bool {
	key, _, err := c.Holding.Host.Parse()
	return err == nil && key.Tier == tier && c.Step == StepCool
}

// Rests are when slots are free again that rest, by kind, the earliest first: of those that counters count, whose hosts are in
// service.
func Rests(clearances map[ClearanceID]Clearance, hosts map[HostID]Host) map[Kind][]time.Time {
	rests := map[Kind][]time.Time{}
	for _, c := range clearances {
		h := hosts[c.Holding.Host]
		slot := h.Slot(c.Holding.Index)
		if c.Step == StepCool && h.State == HostInService && slot != nil && slot.State == SlotCooling && c.renewed(*slot) {
			rests[h.Kind] = append(rests[h.Kind], c.RestsUntil())
		}
	}
	for _, until := range rests {
		slices.SortFunc(until, time.Time.Compare)
	}
	return rests
}
