package sim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"
)

func TestPoliciesAreDrawnSideBySide(t *testing.T) {
	o := Options{Demand: counted(t, 24, func(h int) float64 { return float64(h) }), Policy: policy(t, asShipped), Seed: 1}
	one, two := run(t, o), run(t, o)
	one.Policy, two.Policy = "today", "tomorrow"
	svg, err := Picture([]Result{one, two})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"today", "tomorrow", "Free slots", "Tenants waiting", "Hosts", "2 Nov"} {
		if !bytes.Contains(svg, []byte(text)) {
			t.Errorf("there is no %q in it", text)
		}
	}
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
