package main

import (
	"context"
	"time"

	"headroom/internal/pool"
)

// restored has globex have gone back in time, before it left.
func (d *deployed) restored(ctx context.Context) error {
	at := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	database := pool.Holding{Host: "database-standard-1", Index: 3, Generation: 1, Name: "dd7f3k2", Address: "database-standard-1.abc.eu-west-1.rds.amazonaws.com", Port: 5432}
	r, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Database: database, To: at(35), Reason: "it dropped a table", RequestedBy: "ops", Message: "m-0", RequestedAt: at(40), Grace: 72 * time.Hour,
	}, pool.Tenant{ID: "globex", Tier: "standard", Mark: "m4rkglobex"}, "s4t8v2w6y1", "k9m3n7p5r2", "headroom-dev-restore-s4t8v2w6y1", at(40))
	if err != nil {
		return err
	}
	r.Step, r.Swapped, r.Came = pool.StepSwap, at(52), "4 tables, 1200 rows"
	r = r.Proven(at(52), "database d_dd7f3k2 is what it was at 2026-01-05T09:35:00Z; what it was until now is kept as d_k9m3n7p5r2")
	r = r.Keep(pool.MarkedSlot{Name: r.Old, Mark: "database-standard-1/k3v9x2m7qa/3/1/before-1"}, at(52))
	r, err = r.Rest(pool.RestorationRestored, at(58), "of what was made for it, or replaced, 1 databases are kept for a while")
	if err != nil {
		return err
	}
	r.Due = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = d.ledger.SaveRestoration(ctx, pool.Restoration{}, r)
	return err
}
