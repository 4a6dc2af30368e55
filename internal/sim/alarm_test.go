package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// rings counts how often an alarm on the risk that somebody must wait would ring in a run: at a threshold, in percent, for five
// minutes in a row.
func rings(t *testing.T, emf []byte, threshold float64) int {
	t.Helper()
	n, inRow := 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(emf)); lines.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		risk, of := line[telemetry.WaitRisk.Name].(float64)
		if !of {
			continue
		}
		if inRow++; risk < threshold {
			inRow = 0
		}
		if inRow == 5 {
			n++
		}
	}
	return n
}

// A pool that orders as it plans is at a risk of ten per cent each time that a host is nearly full, which is no news.
func TestAHealthyPoolDoesNotRing(t *testing.T) {
	d := counted(t, 6*24, func(int) float64 { return 30 })
	var emf bytes.Buffer
	r := run(t, Options{Demand: d, Policy: policy(t, asShipped), Seed: 8, emf: &emf})
	warm := emf.Bytes()[emf.Len()/3:]
	warm = warm[bytes.IndexByte(warm, '\n')+1:]
	often, rung := rings(t, warm, 10), rings(t, warm, pool.RiskRings)
	if often < 5 { // else this series says nothing of it
		t.Errorf("at ten per cent it would have rung %d times only", often)
	}
	if rung > often/5 || r.ServedAtOnce < 0.99 {
		t.Errorf("it rang %d times, at ten per cent %d times, and %.4f were served at once", rung, often, r.ServedAtOnce)
	}
}

// One that may not order rings before its customers wait.
func TestAPoolThatMayNotOrderRings(t *testing.T) {
	d := counted(t, 3*24, func(int) float64 { return 30 })
	var emf bytes.Buffer
	run(t, Options{Demand: d, Policy: policy(t, func(p *pool.Policy) { p.Ceiling = 12 }), Seed: 8, emf: &emf})
	if n := rings(t, emf.Bytes(), pool.RiskRings); n == 0 {
		t.Error("it never rang")
	}
}
