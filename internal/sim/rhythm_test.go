package sim

import (
	"testing"
	"time"
)

// A wall that comes each working day is met by hosts that were ordered before it: soon by what came on the days before, and for less,
// as weekends are known too, once two weeks are. And the early time to empty is beaten as often as it says, although the rate of
// the night knows nothing of the morning.
func TestAWallThatComesEachDayIsMet(t *testing.T) {
	d := counted(t, 5*7*24, func(h int) float64 {
		switch day, hour := h/24%7, h%24; {
		case day > 4 || hour < 9 || hour > 17:
			return 0.3
		case hour == 9:
			return 60
		}
		return 12
	})
	measured := func(from, until time.Time) Result {
		part, err := d.Between(time.Time{}, until)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Sketch(t.Context(), Options{Demand: part, Policy: policy(t, asShipped), Seed: 1, From: from, Tier: "standard", Leads: DefaultLeads()}, Decide())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, later := measured(monday, monday.AddDate(0, 0, 14)), measured(monday.AddDate(0, 0, 21), time.Time{})
	if first.ServedAtOnce < 0.98 || later.ServedAtOnce < 0.98 || later.WaitMean > 3 {
		t.Errorf("at once are served %.4f in the first weeks, %.4f in the fourth and fifth, and wait %.1f s", first.ServedAtOnce, later.ServedAtOnce, later.WaitMean)
	}
	if later.IdleCostMonth > 0.7*first.IdleCostMonth {
		t.Errorf("for that are idle $%.0f a month, before $%.0f", later.IdleCostMonth, first.IdleCostMonth)
	}
	if later.EmptyBeaten < 0.05 || later.EmptyBeaten > 0.15 {
		t.Errorf("%.3f early times to empty were beaten", later.EmptyBeaten)
	}
	t.Logf("at once %.4f for $%.0f, then %.4f for $%.0f; %.3f early times to empty were beaten", first.ServedAtOnce, first.IdleCostMonth, later.ServedAtOnce, later.IdleCostMonth, later.EmptyBeaten)
}
