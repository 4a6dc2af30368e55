package sim

import "testing"

// Who waits for the same hosts was told nearly the same, so that of one burst mostly all estimates hold or none: each run counts
// once, by the share of its estimates that held. By then a pool has measured some lead times of its own.
func TestNineOfTenEstimatesHold(t *testing.T) {
	told, held := 0, 0.0
	for seed := range uint64(24) {
		r := run(t, Options{Demand: counted(t, 40, func(h int) float64 {
			if h == 36 {
				return 250
			}
			return 20
		}), Policy: policy(t, asShipped), Seed: seed})
		if r.Estimates > 0 {
			told++
			held += r.EstimatesHeld / 24
		}
	}
	if told < 24 || held < 0.85 || held > 0.97 {
		t.Errorf("in %d of 24 runs somebody was told how long; a share of %.3f held", told, held)
	} else {
		t.Logf("a share of %.3f held", held)
	}
}
