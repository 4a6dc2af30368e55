package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestWhatLiesAhead(t *testing.T) {
	t.Run("a pool with all that is planned for does not ring", func(t *testing.T) {
		seen := coming()
		for k, o := range seen.Pools {
			p := seen.Policies[k]
			p.ServeAtOnce = 99
			o.Demand = steady(30, now)
			o.Record.Counters.Reserve = pool.Decide(o, p, nil, now).Buffer
			seen.Pools[k], seen.Policies[k] = o, p
		}
		ahead := seen.Ahead(now)
		if ahead.Risk >= 0.1 || ahead.Early >= ahead.Empty || ahead.Empty < 30*time.Minute {
			t.Errorf("%+v", ahead)
		}
	})
	t.Run("an empty one does", func(t *testing.T) {
		seen := coming()
		for k, o := range seen.Pools {
			o.Demand = steady(30, now)
			seen.Pools[k] = o
		}
		if ahead := seen.Ahead(now); ahead.Risk < 0.9 || ahead.Empty != 0 {
			t.Errorf("%+v", ahead)
		}
	})
	t.Run("pairs are as many as there are of the kind of which there are fewer", func(t *testing.T) {
		for _, free := range []map[pool.Kind]int{{pool.Database: 9}, {pool.Share: 9}} {
			seen := coming()
			for k, o := range seen.Pools {
				o.Demand, o.Record.Counters.Reserve = steady(30, now), free[k]
				seen.Pools[k] = o
			}
			if ahead := seen.Ahead(now); ahead.Empty != 0 || ahead.Early != 0 {
				t.Errorf("with %v free pairs last %s", free, ahead.Empty)
			}
		}
	})
	t.Run("a host that is late keeps nobody from waiting", func(t *testing.T) {
		risk := func(ages ...time.Duration) float64 {
			seen := coming(ages...)
			for k, o := range seen.Pools {
				o.Demand, o.Record.Counters.Reserve = steady(30, now), 12
				seen.Pools[k] = o
			}
			return seen.Ahead(now).Risk
		}
		late, none, soon := risk(50*time.Minute), risk(), risk(15*time.Minute)
		if late < none || soon >= none {
			t.Errorf("with a late one the risk is %.3f, with none %.3f, with one that comes soon %.3f", late, none, soon)
		}
	})
	t.Run("days until the ceiling or the cap", func(t *testing.T) {
		seen := seenTier(pool.Budget{}, 0, 10, 10) // hosts of ten
		for k, o := range seen.Pools {
			o.Demand = steady(1, now) // some two dozen a day
			p := seen.Policies[k]
			p.Ceiling = 50
			seen.Pools[k], seen.Policies[k] = o, p
		}
		perDay := seen.Pools[pool.Share].Demand.PerDay()
		free := seen.Ahead(now).Days[pool.Share]
		if want := int(510 / perDay); free != want {
			t.Errorf("%d days until the ceiling, want %d", free, want)
		}
		// A tenant costs $50: with $1,000 left, twenty more fit beside the ten.
		seen.Budget = pool.Budget{Cap: 500_000, Spent: 400_000}
		if got, want := seen.Ahead(now).Days[pool.Share], int(30/perDay); got != want {
			t.Errorf("%d days until the cap, want %d", got, want)
		}
	})
}
