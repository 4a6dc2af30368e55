package demo

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// aheadOfNeed proves that the second gateway was ordered while the first one still had shares to give;
// tried is false when fewer tenants signed up than the first gateway holds.
func (c *Crowd) aheadOfNeed() (proof Proof, tried bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shares := pool.Key{Kind: pool.Share, Tier: pool.Tier(c.tier)}
	first, second := string(shares.Host(1)), string(shares.Host(2))
	var ready []time.Time
	for _, t := range c.tenants {
		if t.Took > 0 {
			ready = append(ready, t.Ready.ReadyAt.Time)
		}
	}
	size := c.hosts[first].slots
	if size == 0 || len(ready) < size {
		return Proof{}, false
	}
	slices.SortFunc(ready, time.Time.Compare)
	full := ready[size-1] // when the last share of the first gateway was given
	ordered := c.hosts[second].ordered
	proof.Kind = "a second gateway is ordered before the first one is full"
	proof.What = fmt.Sprintf("%s was ordered before the %d shares of %s were given", second, size, first)
	switch {
	case ordered.IsZero():
		proof.Err = errors.New("it was never ordered")
	case !ordered.Before(full):
		proof.Err = fmt.Errorf("it was ordered %s too late", inWords(ordered.Sub(full)))
	}
	return proof, true
}
