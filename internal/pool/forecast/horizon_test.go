package forecast

import (
	"math"
	"slices"
	"testing"
	"time"
)

// chancy is a demand that is unsteady by chance alone, so that what follows from it can be worked out by hand: its slow rate
// is known from one signup (half a one was counted, and half a one is added) in so many minutes.
func chancy(minutes float64) Demand {
	return Demand{
		At: start, Slow: Rate{Count: 0.5, Exposure: minutes}, Fast: startFast(), Week: startWeek(),
		Spread: Spread{Excess: -priorSpread * priorWeight},
	}
}

// Of ten lead times of 10, 20, …, 100 minutes, the i-th is the quantile (i−½)/10: 90 of 100 are below 95 minutes, half of them
// below 55, and 99 of 100 below 99. With nothing free somebody must wait who comes by then. Nobody comes in t minutes with a
// chance of b/(b+t), as one signup in b minutes is known: with b = 95, somebody comes within 95 with 1 − 95/190 = 0.5; within
// 55 it would be 0.3667, and within 99.5 0.5116.
func TestTheRiskIsLookedForUpToTheLeadTimeThatNinetyOfAHundredStayBelow(t *testing.T) {
	var took []time.Duration
	for i := range 10 {
		took = append(took, time.Duration(10*(i+1))*time.Minute)
	}
	leads := Measured(took)
	near(t, "the lead time that 90 of 100 stay below", leads.At(0.9), 95, 1e-9)
	near(t, "the risk", chancy(95).Risk(Stock{Leads: leads, Batch: 1}), 0.5, 1e-9)
}

// Hosts take ten minutes, and the risk is looked for eight times in these: one that comes in 4.5 minutes brings five slots before the
// fourth, so that the highest risk is that of the third, that somebody comes within 3.75: 1 − b/(b+3.75). If it brings none, it is
// that of the last.
func TestTheRiskIsTheHighestOfEightLooks(t *testing.T) {
	stock := Stock{Leads: Measured(slices.Repeat([]time.Duration{10 * time.Minute}, 1000)), Batch: 5, Ages: []time.Duration{330 * time.Second}}
	near(t, "the risk", chancy(95).Risk(stock), 3.75/98.75, 1e-4)
	stock.Batch = 0
	near(t, "the risk without slots", chancy(95).Risk(stock), 10.0/105, 1e-4)
}

// The next of whom one is known in 100 minutes comes within 100 with ½: b/(b+t) = ½. In a surge of nine and a half in ten
// minutes, and a half that is added, it is (10/(10+t))^10 = ½: t = 10·(2^0.1 − 1) = 0.71773 minutes. The sooner counts.
func TestPairsLastAsShortAsInTheSurge(t *testing.T) {
	d := chancy(100)
	near(t, "minutes until one comes", d.Lasts(1).Minutes(), 100, 1e-6)
	d.Fast = Rate{Count: 9.5, Exposure: 10}
	if !d.surging() {
		t.Fatal("it is no surge")
	}
	near(t, "minutes until one comes in a surge", d.Lasts(1).Minutes(), 10*(math.Pow(2, 0.1)-1), 1e-6)
	_, early := d.Empty(1)
	near(t, "minutes in which one in ten has come", early.Minutes(), 10*(math.Pow(0.9, -0.1)-1), 1e-6)
}
