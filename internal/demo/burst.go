package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"headroom/events"
)

// What the chapter of a burst tries.
const (
	wasSeen      = "the forecast sees the surge, and orders for it"
	wasTold      = "who has to wait is told for how long"
	toldRight    = "who was told waits no longer than that, mostly"
	beyondFree   = 10 // customers of the burst who find nothing free
	surgeIsNamed = "surge"
	// shownWaiters is how many of those who waited are shown.
	shownWaiters = 3
)

// Plan is what `headroom plan` says of a tier.
type Plan struct {
	Text  string // for people, with the line ends
	Pairs int    // tenants that can be served at once
}

// burst has more customers sign up at once than there are free slots for, and shows what is planned before and after, and what
// those hear who have to wait.
func (s show) burst(ctx context.Context) error {
	s.p.Heading("more customers sign up at once than there is room for")
	before, err := s.planned(ctx)
	if err != nil {
		return err
	}
	crowd, err := NewCrowd(s.cloud, s.o.Tier)
	if err != nil {
		return err
	}
	s.crowd = crowd // which tells no news of before
	n := before.Pairs + beyondFree
	s.p.Line(fmt.Sprintf("%d customers sign up in one blow", n))
	for i := range n {
		if err := crowd.SignUp(ctx, fmt.Sprintf("burst-%d", i+1), burstInstance(i)); err != nil {
			return err
		}
	}
	if err := s.await(ctx, "all of the burst hear of their signups", func() bool { return crowd.answered() >= n }); err != nil {
		return err
	}
	if _, err := s.planned(ctx); err != nil {
		return err
	}
	if err := s.await(ctx, "all of the burst have their storage", func() bool { return crowd.Served() >= n }); err != nil {
		return err
	}
	tenants, err := crowd.Tenants(ctx)
	if err != nil {
		return err
	}
	done := crowd.surgeWasSeen(ctx)
	shown, told, held := 0, 0, 0
	for _, t := range tenants {
		if t.Waited == 0 {
			continue
		}
		estimate, took := t.waiting.Estimate, t.readyAt.Sub(t.toldAt)
		if estimate != nil && shown < shownWaiters {
			shown++
			s.p.Line(fmt.Sprintf("%s waited as number %d: it was told %s, at most %s, and took %s by the cloud's clock",
				t.ID, t.Waited, inWords(seconds(estimate.P50Seconds)), inWords(seconds(estimate.P90Seconds)), inWords(took)))
		}
		done.try(ctx, wasTold, t.ID, func(context.Context) error { return isTold(t.waiting) })
		if estimate != nil {
			told++
		}
		if holds(t.waiting, took) {
			held++
		}
	}
	s.p.Line(fmt.Sprintf("%d of %d who were told were served by the time that they were told, at most; one in ten may be late", held, told))
	done.try(ctx, toldRight, "all who were told", func(context.Context) error { return mostHold(held, told) })
	return s.verdict(ctx, done)
}

// planned shows what is planned now.
func (s show) planned(ctx context.Context) (Plan, error) {
	plan, err := s.o.Plan(ctx)
	if err != nil {
		return Plan{}, fmt.Errorf("ask for the plan: %w", err)
	}
	s.p.Line("headroom plan --tier " + s.o.Tier + " says:")
	s.p.print("\n" + strings.TrimRight(plan.Text, "\n") + "\n\n")
	return plan, nil
}

// surgeWasSeen tries whether a host was ordered for the surge, and somebody waited for one.
func (c *Crowd) surgeWasSeen(ctx context.Context) (done trials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done.try(ctx, wasSeen, "orders of the burst", func(context.Context) error {
		for _, h := range c.hosts {
			if h.tier == c.tier && strings.Contains(h.reason, surgeIsNamed) {
				return nil
			}
		}
		return errors.New("none names it as its reason")
	})
	return done
}

// isTold wants one who waits to be told for how long.
func isTold(e events.StorageWaiting) error {
	if e.Estimate == nil || e.Estimate.P50Seconds > e.Estimate.P90Seconds {
		return fmt.Errorf("it was told %+v, capped by %q", e.Estimate, e.Capped)
	}
	return nil
}

// holds reports whether one who waited took no longer than it was told at most.
func holds(e events.StorageWaiting, took time.Duration) bool {
	return e.Estimate != nil && took <= seconds(e.Estimate.P90Seconds)
}

// mostHold wants so many estimates to have held that fewer would be by chance in one case of a thousand, if nine of ten hold.
func mostHold(held, told int) error {
	if least := leastOf(told); held < least {
		return fmt.Errorf("%d of %d held; by chance it would hardly be fewer than %d", held, told, least)
	}
	return nil
}

// leastOf is the least count of n that a binomial distribution of nine in ten falls below with a chance of a thousandth at most.
func leastOf(n int) int {
	const holds, chance = 0.9, 0.001
	p := math.Pow(1-holds, float64(n)) // of none
	for k, below := 0, p; k < n; k++ {
		if below > chance {
			return k
		}
		p *= float64(n-k) / float64(k+1) * holds / (1 - holds)
		below += p
	}
	return n
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// burstInstance is the address of the i-th of the burst, from 0: beside those of Instance and Machine.
func burstInstance(i int) string { return fmt.Sprintf("127.22.%d.%d", i/200, i%200+1) }
