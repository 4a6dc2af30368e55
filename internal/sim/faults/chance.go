package faults

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// chance draws whether something of one kind happens. Each kind draws from a stream of its own, so that a plan without one
// kind changes as little as possible of the others.
type chance struct {
	draw     *rand.Rand
	rate     float64
	happened int
	most     int // unlimited below 0
	over     bool
}

// rates say how likely kinds are each time that they could happen. Each run has some of them often, some seldom and some
// never: faults hide behind others.
var rates = map[Kind]float64{
	Killed: 0.004, Orphaned: 0.3, Refused: 0.01, Lost: 0.005, Stalled: 0.004, Doubled: 0.05, Late: 0.03, Apart: 0.5,
	Unstacked: 0.08, Ailing: 0.2, Ringing: 0.15,
	Taskless: 0.1, Broken: 0.04, Fainting: 0.01, Squeezed: 0.3, Blackout: 0.1, Wrecked: 0.05, Crossed: 0.05, Word: 0.3, PutBack: 0.03,
	SignUp: 1, Again: 0.15, Rush: 0.05, Haste: 0.15, Leave: 0.2, Undo: 0.1, Return: 0.2, Move: 0.25,
	Write: 0.5, Restore: 0.2, Unrestore: 0.1, Rehost: 0.15,
	Policy: 0.05, Stop: 0.03, Ambush: 0.04, Request: 0.02,
}

// certain are kinds that every run has.
var certain = map[Kind]bool{SignUp: true}

// stream is the source of all that is drawn for one purpose.
func stream(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func newChances(p Plan) map[Kind]*chance {
	all := map[Kind]*chance{}
	for _, k := range kinds {
		c := &chance{draw: stream(p.Seed, string(k)), rate: rates[k], most: -1}
		if often := c.draw.Float64(); !certain[k] {
			switch {
			case often < 0.25:
				c.rate = 0
			case often < 0.6:
				c.rate /= 4
			case often > 0.9:
				c.rate = min(1, c.rate*4)
			}
		}
		if most, limited := p.Most[k]; limited {
			c.most = most
		}
		all[k] = c
	}
	return all
}

// comes draws whether it happens this time.
func (c *chance) comes() bool {
	if c.rate == 0 || c.draw.Float64() >= c.rate || c.over || c.most >= 0 && c.happened >= c.most {
		return false
	}
	c.happened++
	return true
}

// between draws a duration.
func (c *chance) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.draw.Int64N(int64(most-least)))
}
