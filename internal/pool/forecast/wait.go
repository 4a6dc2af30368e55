package forecast

import "time"

// Short is a kind of which somebody who waits lacks a slot.
type Short struct {
	Leads Leads
	Ages  []time.Duration // of the hosts on their way, since they were decided on
	Hosts int             // how many of those must be in service before there is a slot

	// Rested is in what time slots that rest are free, at the latest, and Spared is how many hosts fewer it takes then.
	Rested time.Duration
	Spared int
}

// Wait is how long somebody waits at most, with a chance (such as 0.5 or 0.9): until of each short kind as many hosts are
// in service as it takes. ok is false when fewer are on their way than that.
func Wait(shorts []Short, chance float64) (wait time.Duration, ok bool) {
	longest := 0.0
	ages := make([][]float64, len(shorts))
	for i, s := range shorts {
		if s.Hosts-s.Spared > len(s.Ages) {
			return 0, false
		}
		ages[i] = inMinutes(s.Ages)
		longest = max(longest, (1+tail)*s.Leads.At(1), minutes(s.Rested))
	}
	done := func(within float64) bool {
		all := 1.0
		for i, s := range shorts {
			hosts := s.Hosts
			if within >= minutes(s.Rested) {
				hosts -= s.Spared
			}
			all *= s.Leads.atLeast(hosts, ages[i], within)
		}
		return all >= chance
	}
	if done(0) {
		return 0, true
	}
	// By then every host has come: a share of all lead times, from which follows the end of the tail.
	low, high := 0.0, longest
	if !done(high) {
		return 0, false
	}
	for high-low > 1e-3 {
		if middle := (low + high) / 2; done(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return duration(high), true
}
