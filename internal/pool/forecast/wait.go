package forecast

import "time"

// Short is a kind of which somebody who waits lacks a slot.
type Short struct {
	Leads Leads
	Ages  []time.Duration // of the hosts on their way, since they were decided on
	Next  int             // hosts that the next look orders
	Hosts int             // how many of all those must be in service before there is a slot

	// Rested is in what time slots that rest are free, at the latest, and Spared is how many hosts fewer it takes then.
	Rested time.Duration
	Spared int
}

// delays is how many times stand for those of a look.
const delays = 6

// Wait is how long somebody waits at most, with a chance (such as 0.5 or 0.9): until of each short kind as many hosts are
// in service as it takes, and it was looked what came into service. ok is false when fewer are on their way, or ordered by the
// next look, than that.
//
// A lead time runs from the decision on a host until it is in service. Before it is the time until the next look, which decides
// on what is to be ordered, and behind it the time until another finds its slots and gives them to who waits. A look comes every
// so often, so that either is anything up to that, alike often.
func Wait(shorts []Short, every time.Duration, chance float64) (wait time.Duration, ok bool) {
	longest := 0.0
	for _, s := range shorts {
		if s.Hosts-s.Spared > len(s.Ages)+s.Next {
			return 0, false
		}
		longest = max(longest, (1+tail)*s.Leads.At(1), minutes(s.Rested))
	}
	looks := []float64{0}
	if every > 0 {
		looks = make([]float64, delays)
		for i := range looks {
			looks[i] = minutes(every) * (float64(i) + 0.5) / delays
		}
	}
	// served is how likely the wait is over within so many minutes.
	served := func(within float64) float64 {
		sum := 0.0
		for _, decided := range looks {
			ages := make([][]float64, len(shorts))
			for i, s := range shorts {
				ages[i] = inMinutes(s.Ages)
				for range s.Next {
					ages[i] = append(ages[i], -decided)
				}
			}
			for _, found := range looks {
				sum += inService(shorts, ages, within-found)
			}
		}
		return sum / float64(len(looks)*len(looks))
	}
	if served(0) >= chance {
		return 0, true
	}
	// By then every host has come: a share of all lead times, from which follows the end of the tail.
	low, high := 0.0, longest+2*minutes(every)
	if served(high) < chance {
		return 0, false
	}
	for high-low > 1e-3 {
		if middle := (low + high) / 2; served(middle) >= chance {
			high = middle
		} else {
			low = middle
		}
	}
	return duration(high), true
}

// inService is how likely there is a slot of each short kind within so many minutes, with hosts on their way of these ages; of
// one that is decided on later it is below 0.
func inService(shorts []Short, ages [][]float64, within float64) float64 {
	if within < 0 {
		return 0
	}
	all := 1.0
	for i, s := range shorts {
		hosts := s.Hosts
		if within >= minutes(s.Rested) {
			hosts -= s.Spared
		}
		all *= s.Leads.atLeast(hosts, ages[i], within)
	}
	return all
}
