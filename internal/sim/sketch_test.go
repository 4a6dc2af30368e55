package sim

import (
	"math"
	"testing"
)

// Other planners are tried by the sketch: it must come to what the production code comes to.
func TestTheSketchComesToNearlyTheSameAsTheFunctions(t *testing.T) {
	for name, count := range map[string]func(int) float64{
		"steady":  func(int) float64 { return 12 },
		"by day":  func(h int) float64 { return 15 + 14*math.Sin(float64(h)/24*2*math.Pi) },
		"a burst": func(h int) float64 { return 5 + 100*float64(h/60%2)*float64((60-h%60)/59) },
	} {
		o := Options{Demand: counted(t, 120, count), Policy: policy(t, asShipped), Seed: 1, From: monday.AddDate(0, 0, 1), Tier: "standard", Leads: DefaultLeads()}
		real := run(t, o)
		sketched, err := Sketch(t.Context(), o, Decide())
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(real.ServedAtOnce-sketched.ServedAtOnce) > 0.01 || math.Abs(real.IdleCostMonth/sketched.IdleCostMonth-1) > 0.1 {
			t.Errorf("%s: at once %.4f for $%.0f, sketched %.4f for $%.0f", name, real.ServedAtOnce, real.IdleCostMonth, sketched.ServedAtOnce, sketched.IdleCostMonth)
		}
		if real.Signups != sketched.Signups {
			t.Errorf("%s: %d signups, sketched %d", name, real.Signups, sketched.Signups)
		}
		t.Logf("%s: at once %.4f for $%.0f, sketched %.4f for $%.0f", name, real.ServedAtOnce, real.IdleCostMonth, sketched.ServedAtOnce, sketched.IdleCostMonth)
	}
}
