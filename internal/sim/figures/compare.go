package main

import (
	"context"
	"fmt"
	"math"
	"sort"
	"time"

	"headroom/internal/pool"
	"headroom/internal/sim"
)

// comparison holds the planner against others on one series.
type comparison struct {
	series
	from  time.Time
	seeds int
}

// averages are what a planner came to, over all seeds.
type averages struct {
	atOnce, cost, mean, p99, beaten, held float64
	told                                  int
}

func (a *averages) add(r sim.Result, seeds int) {
	n := float64(seeds)
	a.atOnce, a.cost = a.atOnce+r.ServedAtOnce/n, a.cost+r.IdleCostMonth/n
	a.mean, a.p99 = a.mean+r.WaitMean/n, a.p99+r.WaitP99/n
	a.beaten, a.held, a.told = a.beaten+r.EmptyBeaten/n, a.held+r.EstimatesHeld*float64(r.Estimates), a.told+r.Estimates
}

func (c comparison) options(seed int) (sim.Options, error) {
	doc, err := sim.ReadPolicy(sim.DefaultPolicy)
	return sim.Options{
		Demand: c.demand, Tier: "standard", Leads: sim.DefaultLeads(), Seed: uint64(seed), From: c.from,
		Policy: func(time.Time) pool.Document { return doc },
	}, err
}

// sketched is what a planner comes to; each seed has one of its own.
func (c comparison) sketched(ctx context.Context, plan func(sim.Options) sim.Planner) (averages, error) {
	var all averages
	for seed := 1; seed <= c.seeds; seed++ {
		o, err := c.options(seed)
		if err != nil {
			return all, err
		}
		r, err := sim.Sketch(ctx, o, plan(o))
		if err != nil {
			return all, err
		}
		all.add(r, c.seeds)
	}
	return all, nil
}

// run is what the functions come to.
func (c comparison) run(ctx context.Context) (averages, error) {
	var all averages
	for seed := 1; seed <= c.seeds; seed++ {
		o, err := c.options(seed)
		if err != nil {
			return all, err
		}
		r, err := sim.Run(ctx, o)
		if err != nil {
			return all, err
		}
		all.add(r, c.seeds)
	}
	return all, nil
}

// row is the table's row of the series.
func (c comparison) row(ctx context.Context, functions bool) (string, error) {
	var ours averages
	var err error
	if functions {
		ours, err = c.run(ctx)
	} else {
		ours, err = c.sketched(ctx, func(sim.Options) sim.Planner { return sim.Decide() })
	}
	if err != nil {
		return "", err
	}
	row := fmt.Sprintf("| %s | %.2f %% | %.1f s | %.0f s | $%.0f |", c.name, 100*ours.atOnce, ours.mean, ours.p99, ours.cost)
	for _, other := range []struct {
		sizes []float64
		plan  func(size float64) func(sim.Options) sim.Planner
	}{
		{shares, func(size float64) func(sim.Options) sim.Planner {
			return func(o sim.Options) sim.Planner { return sim.Known(o, size) }
		}},
		{slots, func(size float64) func(sim.Options) sim.Planner {
			return func(sim.Options) sim.Planner { return sim.Static(int(size)) }
		}},
		{percents, func(size float64) func(sim.Options) sim.Planner {
			return func(sim.Options) sim.Planner { return sim.Percentage(size) }
		}},
	} {
		least, enough, err := c.cheapest(ctx, other.sizes, ours.atOnce, other.plan)
		if err != nil {
			return "", err
		}
		row += fmt.Sprintf(" %.2f", ours.cost/least.cost)
		if !enough {
			row += fmt.Sprintf(", of %.2f %%", 100*least.atOnce)
		}
		row += " |"
	}
	if !functions { // the sketch tells nobody anything
		return row + " | |", nil
	}
	if row += fmt.Sprintf(" %.0f %% |", 100*ours.beaten); ours.told == 0 {
		return row + " none told |", nil
	}
	return row + fmt.Sprintf(" %.0f %% of %d |", 100*ours.held/float64(ours.told), ours.told), nil
}

// The sizes that other planners are tried with, from the cheapest on.
var (
	shares   = []float64{0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99999, 1 - 1e-6, 1 - 1e-8}
	slots    = growing(1, 2000)
	percents = growing(0.05, 400)
)

// growing are sizes each 15 % above the one before.
func growing(from, to float64) []float64 {
	var sizes []float64
	for size := from; size < to; size = math.Max(size*1.15, from*math.Ceil(size/from+0.5)) {
		sizes = append(sizes, size)
	}
	return sizes
}

// cheapest is what the least size comes to that serves as many at once, or the largest one if none does: enough is false then.
func (c comparison) cheapest(ctx context.Context, sizes []float64, atOnce float64, plan func(float64) func(sim.Options) sim.Planner) (least averages, enough bool, err error) {
	tried := map[int]averages{}
	var failed error
	i := sort.Search(len(sizes), func(i int) bool {
		a, err := c.sketched(ctx, plan(sizes[i]))
		if err != nil {
			failed = err
		}
		tried[i] = a
		return err != nil || a.atOnce >= atOnce
	})
	if i == len(sizes) {
		return tried[i-1], false, failed
	}
	return tried[i], true, failed
}
