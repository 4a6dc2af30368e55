package rds

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/local/machine/postgresql"
)

const (
	// measureTimeout bounds how long a server may take to answer, by the machine's clock. One that takes longer
	// is as good as down.
	measureTimeout = 2 * time.Second
	// measureFinest bounds how often servers are measured by the machine's clock.
	measureFinest = 50 * time.Millisecond
	measureAtOnce = 4
)

// Put takes a datum of an instance's metric, in the namespace AWS/RDS.
type Put func(identifier, metric, unit string, at time.Time, value float64)

// measured is when an instance's server was measured, and what it had taken by then.
type measured struct {
	postgresql.Usage
	run int
	at  time.Time // by the machine's clock, as processors are
}

// measureAll measures all instances once a minute, as RDS does, until Close.
func (r *RDS) measureAll() {
	ticker := time.NewTicker(max(r.cfg.Clock.Real(time.Minute), measureFinest))
	defer ticker.Stop()
	for {
		select {
		case <-r.life.Done():
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		var all []*instance
		for _, identifier := range sortedKeys(r.instances) {
			all = append(all, r.instances[identifier])
		}
		r.mu.Unlock()
		var measuring errgroup.Group
		measuring.SetLimit(measureAtOnce)
		for _, i := range all {
			measuring.Go(func() error { r.measure(i); return nil })
		}
		_ = measuring.Wait() // none fails
	}
}

// measure publishes the metrics of an instance whose server answers, and says so when it has come to have too many
// databases. Of one that is down there are none: RDS learns them from the instance itself.
func (r *RDS) measure(i *instance) {
	if r.cfg.Put == nil {
		return
	}
	r.mu.Lock()
	server, run, before := i.server, i.runs, i.measured
	strained := i.strained
	identifier, allocated := i.identifier, int64(i.properties.AllocatedStorage)<<30
	if server == nil || i.down || i.status == deleting {
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.life, measureTimeout)
	defer cancel()
	usage, err := server.Usage(ctx)
	if err != nil {
		r.cfg.Log.Debug("instance sends no metrics", "instance", identifier, "error", err)
		return
	}
	now := measured{Usage: usage, run: run, at: time.Now()}
	r.mu.Lock()
	i.measured = now
	r.mu.Unlock()
	if most := r.cfg.DatabasesAdvised; most > 0 && usage.Databases > most && before.Databases <= most {
		r.emit(i, eventDatabases, "The number of databases you have for your DB instance exceeds the recommended best practices for Amazon RDS. "+
			"Reduce the number of databases on your DB instance.")
	}

	at := r.cfg.Clock.Now()
	put := func(metric, unit string, value float64) { r.cfg.Put(identifier, metric, unit, at, value) }
	put("DatabaseConnections", "Count", float64(usage.Connections))
	put("FreeableMemory", "Bytes", float64(usage.Memory))
	// What the disk of this machine is asked for is not the instance's to tell: here nothing waits, and nothing is used up.
	put("DiskQueueDepth", "Count", 0)
	put("EBSIOBalance%", "Percent", 100)
	if allocated > 0 {
		put("FreeStorageSpace", "Bytes", float64(max(allocated-usage.Storage, 0)))
	}
	if passed := now.at.Sub(before.at); before.run == run && !before.at.IsZero() && passed > 0 {
		busy := float64(usage.Processor-before.Processor) / float64(passed) / float64(runtime.NumCPU())
		if strained {
			busy = 1
		}
		put("CPUUtilization", "Percent", min(max(100*busy, 0), 100))
	}
}
