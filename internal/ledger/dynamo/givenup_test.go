package dynamo

import (
	"testing"
	"time"

	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// What was given up lies beside what goes on, and beside what never had anything to do with it.
func TestWhatWasGivenUpIsFound(t *testing.T) {
	server := dynamotest.Start(t)
	l := open(t, server.Client(), server.Table(t))
	for _, id := range []pool.TenantID{"stuck", "goes", "stays"} {
		stored, _, err := l.Request(t.Context(), pool.Tenant{ID: id, Tier: "standard", Mark: "m", State: pool.TenantRequested, RequestedAt: began, Progress: pool.Progress{Stuck: pool.StepOpen}})
		if err != nil {
			t.Fatal(err)
		}
		r := pool.Restoration{Tenant: id, Number: 1, Tier: "standard", State: pool.RestorationWithdrawn, Failed: id == "stuck", Why: "no backup"}
		if _, err := l.SaveRestoration(t.Context(), pool.Restoration{}, r); err != nil {
			t.Fatal(err)
		}
		if id == "stays" {
			continue
		}
		tombstone, d, err := pool.Leave(stored, pool.Departure{Reason: "it ended", RequestedAt: began}, pool.DefaultTerms, began.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Depart(t.Context(), stored, tombstone, d); err != nil {
			t.Fatal(err)
		}
		if d, err = l.Departure(t.Context(), d.ID()); err != nil {
			t.Fatal(err)
		}
		after, clearance := d.Clone(), pool.Clear(d, pool.Share, "next", began)
		after.State, after.Progress, clearance.Progress = pool.DepartureScrubbing, pool.Progress{Step: pool.StepScrub}, pool.Progress{Step: pool.StepEmpty}
		if id == "stuck" {
			after.Progress, clearance.Progress = pool.Progress{Stuck: pool.StepScrub, Error: "no task"}, pool.Progress{Stuck: pool.StepEmpty, Error: "no access"}
		}
		if err := l.BeginScrub(t.Context(), d, after, []pool.Clearance{clearance}); err != nil {
			t.Fatal(err)
		}
	}
	departures, clearances, restorations, err := l.GivenUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(departures) != 1 || departures[0].Tenant.ID != "stuck" || departures[0].Stuck != pool.StepScrub || departures[0].Error != "no task" {
		t.Errorf("departures are %+v", departures)
	}
	if len(clearances) != 1 || clearances[0].Departure != "stuck.m" || clearances[0].Stuck != pool.StepEmpty {
		t.Errorf("clearances are %+v", clearances)
	}
	if len(restorations) != 1 || restorations[0].Tenant != "stuck" || restorations[0].Why != "no backup" {
		t.Errorf("restorations are %+v", restorations)
	}
}
