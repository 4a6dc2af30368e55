package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"headroom/internal/local/clock"
)

func TestFastClockTellsAndWaitsAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(20)
		began, real := c.Now(), time.Now()
		if err := c.Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(real); waited != 3*time.Second {
			t.Errorf("a minute took %s", waited)
		}
		if told := c.Now().Sub(began); told != time.Minute {
			t.Errorf("a minute is %s by the clock", told)
		}
		if back := c.Elapsed(c.Real(time.Hour)); back != time.Hour {
			t.Errorf("an hour there and back is %s", back)
		}
		if told := c.At(time.Now()); !told.Equal(c.Now()) {
			t.Errorf("now is %s, and is said to be %s", c.Now(), told)
		}
		if machine := c.Machine(began.Add(time.Minute)); !machine.Equal(time.Now()) {
			t.Errorf("the minute's end was at %s by the machine, want %s", machine, time.Now())
		}
	})
}

func TestClockOfNobodyIsTheMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *clock.Clock
		if !c.Now().Equal(time.Now()) || c.Real(time.Hour) != time.Hour || c.Speed() != 1 || !clock.New(0).Now().Equal(time.Now()) ||
			!c.At(time.Now()).Equal(time.Now()) || !c.Machine(time.Now()).Equal(time.Now()) {
			t.Error("it is another")
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clock.New(1).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
