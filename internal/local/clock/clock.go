// Package clock is the one clock of a local cloud. It may run faster than the machine's: then all that
// waits waits as much shorter, and all that tells the time tells the same one.
package clock

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Clock begins at the machine's time and runs Speed times as fast. A nil one is the machine's.
type Clock struct {
	origin time.Time
	speed  float64
}

// New returns a clock that begins now. A speed of 0 means 1.
func New(speed float64) *Clock {
	if speed == 0 {
		speed = 1
	}
	return &Clock{origin: time.Now(), speed: speed}
}

// Speed is how many times faster than the machine's the clock runs.
func (c *Clock) Speed() float64 {
	if c == nil {
		return 1
	}
	return c.speed
}

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	if c == nil || c.speed == 1 {
		return time.Now()
	}
	return c.origin.Add(scaled(time.Since(c.origin), c.speed))
}

// At is what this clock shows when the machine's shows the given time.
func (c *Clock) At(machine time.Time) time.Time {
	if c == nil || c.speed == 1 {
		return machine
	}
	return c.origin.Add(scaled(machine.Sub(c.origin), c.speed))
}

// Machine is what the machine's clock shows when this one shows the given time.
func (c *Clock) Machine(at time.Time) time.Time {
	if c == nil || c.speed == 1 {
		return at
	}
	return c.origin.Add(scaled(at.Sub(c.origin), 1/c.speed))
}

// Real is how long d by this clock takes on the machine: at least a nanosecond of what is more than none.
func (c *Clock) Real(d time.Duration) time.Duration {
	if d <= 0 {
		return d
	}
	return max(scaled(d, 1/c.Speed()), 1)
}

// Elapsed is how long d on the machine is by this clock.
func (c *Clock) Elapsed(d time.Duration) time.Duration { return scaled(d, c.Speed()) }

// Sleep waits for d by this clock, or for the end of ctx, whose error it returns.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(c.Real(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Variable is in the environment of programs that are to go by another clock than the machine's: what String
// returns. AWS has no such thing.
const Variable = "LOCAL_CLOCK"

// String is the clock for programs that are to have the same: when it began, in milliseconds since the epoch,
// and its speed.
func (c *Clock) String() string {
	if c == nil {
		return "0 1"
	}
	return fmt.Sprintf("%d %g", c.origin.UnixMilli(), c.speed)
}

func scaled(d time.Duration, by float64) time.Duration {
	if by == 1 {
		return d
	}
	return time.Duration(min(float64(d)*by, math.MaxInt64/2))
}
