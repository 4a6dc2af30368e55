package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/internal/sim"
)

func TestSeriesAreMadeTheSameEachTime(t *testing.T) {
	one, err := made()
	if err != nil {
		t.Fatal(err)
	}
	two, err := made()
	if err != nil {
		t.Fatal(err)
	}
	for i := range one {
		if !one[i].demand.End().Equal(two[i].demand.End()) || one[i].demand.End().Sub(one[i].demand.First()) < 50*24*time.Hour {
			t.Errorf("%s: from %v to %v, and then to %v", one[i].name, one[i].demand.First(), one[i].demand.End(), two[i].demand.End())
		}
	}
}

func TestARowHoldsThePlannerAgainstOthers(t *testing.T) {
	var text strings.Builder
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for i := range 3 * 24 * 12 {
		text.WriteString(start.Add(time.Duration(i) * 5 * time.Minute).Format(time.RFC3339))
		text.WriteString("\n")
	}
	demand, err := sim.ReadDemand(strings.NewReader(text.String()), 1)
	if err != nil {
		t.Fatal(err)
	}
	from, err := demand.Moment("50%")
	if err != nil {
		t.Fatal(err)
	}
	row, err := comparison{series{"even", demand}, from, 1}.row(context.Background(), true)
	if err != nil {
		t.Fatal(err)
	}
	if cells := strings.Split(row, "|"); len(cells) != 12 || !strings.HasPrefix(row, "| even | ") || strings.Contains(row, "NaN") {
		t.Errorf("%d cells: %s", len(cells), row)
	}
}

func TestTheCheapestIsTheLeastThatServesAsMany(t *testing.T) {
	sizes := growing(1, 100)
	for i := 1; i < len(sizes); i++ {
		if sizes[i] <= sizes[i-1] {
			t.Fatalf("sizes %v do not grow", sizes)
		}
	}
}
