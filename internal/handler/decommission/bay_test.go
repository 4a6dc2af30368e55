package decommission

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/pool"
)

// copying counts the tasks that copy, and those of each database host.
func (w *world) copying() (all int, hosts map[string]int) {
	hosts = map[string]int{}
	for _, t := range w.cluster.Tasks() {
		if job := jobOf(t); job.Database != nil && t.Status == "RUNNING" {
			all++
			hosts[job.Database.Host]++
		}
	}
	return all, hosts
}

func TestTasksAreBoundedAtOnceAndOneADatabaseHost(t *testing.T) {
	w := newWorld(t)
	w.cluster.Program = func(taskstest.Task) int { return taskstest.Running }
	w.serve("second", "10.0.1.2", 2) // on the same hosts as acme
	for n := 2; n <= 4; n++ {
		w.add(pool.Database, 1)
		w.add(pool.Share, 1)
		w.serveOn(pool.TenantID(fmt.Sprintf("t%d", n)), fmt.Sprintf("10.0.2.%d", n), n)
	}
	for _, id := range []string{"acme", "second", "t2", "t3", "t4"} {
		w.ask(id, "")
	}
	seen := 0
	for range 200 {
		w.run(0, w.once)
		all, hosts := w.copying()
		seen = max(seen, all)
		if all > 2 {
			t.Fatalf("%d tenants are copied at once", all)
		}
		for host, n := range hosts {
			if n > 1 {
				t.Fatalf("%d tenants of %s are copied at once", n, host)
			}
		}
	}
	if seen != 2 {
		t.Fatalf("%d tenants are copied at once", seen)
	}
	// Those who wait for their turn do so as long as it takes.
	w.run(12*time.Hour, w.once)
	for _, id := range []pool.DepartureID{"acme.markacme", "second.marksecond", "t2.markt2", "t3.markt3", "t4.markt4"} {
		if d := w.departure(id); d.Attempt.Number == 0 && d.Stuck != "" {
			t.Errorf("%s was given up before its turn came: %s", id, d.Error)
		}
	}
	if all, _ := w.copying(); all > 2 {
		t.Errorf("%d are copied", all)
	}
	w.cluster.Program = w.program
	w.run(6*time.Hour, w.once)
	for _, id := range []string{"acme", "second", "t2", "t3", "t4"} { // some were given up, for their tasks never reported
		w.ask(id, "")
	}
	w.run(10*time.Hour, w.once)
	for _, id := range []pool.DepartureID{"acme.markacme", "second.marksecond", "t2.markt2", "t3.markt3", "t4.markt4"} {
		if d := w.departure(id); d.State != pool.DepartureLeft {
			t.Errorf("%s is %s at %q: %s", id, d.State, d.Step, d.Error)
		}
	}
	if bays, _ := w.ledger.Bays(t.Context()); len(bays.Taken) > 0 {
		t.Errorf("bays: %v", bays.Taken)
	}
}

// A bay whose departure has no use of it any more was kept by somebody who was killed.
func TestStaleBaysAreGivenBack(t *testing.T) {
	for name, stale := range map[string]pool.Bay{
		"of a departure that is not known":   {Owner: "gone.x", Host: "database-standard-1"},
		"of a restoration that is not known": {Owner: "acme.restore-1", Host: "database-standard-1"},
		"of one that is undone":              {Owner: "acme.markacme", Host: "database-standard-1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ask("acme", "")
			w.run(time.Minute, w.once)
			w.undo("acme")
			w.run(10*time.Minute, w.once)
			bays, err := w.ledger.Bays(t.Context())
			w.must(err)
			w.must(w.ledger.SaveBays(t.Context(), bays, pool.Bays{Taken: []pool.Bay{stale, {Owner: "lost.y", Host: "database-standard-2"}}}))
			w.serve("second", "10.0.1.2", 2)
			w.ask("second", "")
			w.run(10*time.Minute, w.once)
			if d := w.departure("second.marksecond"); d.Step != pool.StepGrace {
				t.Errorf("it is at %q: %s", d.Step, d.Error)
			}
		})
	}
}
