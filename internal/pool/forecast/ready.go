package forecast

import "time"

// ready is how likely k hosts of those that are on their way, by their ages in minutes, are in service within so many
// minutes, for each k: a Poisson binomial distribution.
func (l Leads) ready(ages []float64, within float64) []float64 {
	chances := make([]float64, 1, len(ages)+1)
	chances[0] = 1
	for _, age := range ages {
		p := l.within(age, within)
		chances = append(chances, 0)
		for k := len(chances) - 1; k > 0; k-- {
			chances[k] = chances[k]*(1-p) + chances[k-1]*p
		}
		chances[0] *= 1 - p
	}
	return chances
}

// atLeast is how likely k hosts or more are in service within so many minutes.
func (l Leads) atLeast(k int, ages []float64, within float64) float64 {
	sum := 0.0
	for n, chance := range l.ready(ages, within) {
		if n >= k {
			sum += chance
		}
	}
	return min(1, sum)
}

// inMinutes are ages as the package counts them. What was ordered in the future, by a clock that went back, is new.
func inMinutes(ages []time.Duration) []float64 {
	out := make([]float64, len(ages))
	for i, age := range ages {
		out[i] = max(0, minutes(age))
	}
	return out
}
