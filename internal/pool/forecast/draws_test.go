package forecast

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	databases = Prior{Median: 26, Sigma: 0.447}
	start     = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
)

// drawLeads draws lead times, measured ones and the prior.
func drawLeads(t *rapid.T) Leads {
	took := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 7200).Draw(t, "seconds")) * time.Second
	}), 0, 30).Draw(t, "took")
	return LeadTimes(took, nil, databases)
}

// drawRate draws a rate: up to 6,000 an hour, known for a while or for a long time.
func drawRate(t *rapid.T) Rate {
	perMinute := math.Pow(10, rapid.Float64Range(-4, 2).Draw(t, "log rate"))
	exposure := rapid.Float64Range(8, 87).Draw(t, "exposure")
	return Rate{Count: perMinute * exposure, Exposure: exposure}
}

func drawBatch(t *rapid.T) int { return rapid.IntRange(1, 40).Draw(t, "batch") }

func drawServe(t *rapid.T, least float64) float64 {
	return rapid.Float64Range(least, 0.999).Draw(t, "serve")
}

// drawDemand draws a demand that signups were noted of for a while, steadily or not.
func drawDemand(t *rapid.T) (d Demand, now time.Time) {
	now = start
	d = Began(now)
	signups := int64(0)
	for range rapid.IntRange(0, 60).Draw(t, "looks") {
		now = now.Add(time.Duration(rapid.IntRange(-30, 900).Draw(t, "seconds")) * time.Second)
		signups += int64(rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(-3, 200)).Draw(t, "signups"))
		d = d.Noted(signups, now, 26)
	}
	return d, now
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within*max(1, math.Abs(want)) {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}
