package rds

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/local/endpoint"
)

// defaultRestart is what a server that died or is rebooted takes before it starts again; RDS's takes half a
// minute to some minutes.
const defaultRestart = 30 * time.Second

// closeAtOnce is how many servers are stopped at once: each has some hundred files to remove.
const closeAtOnce = 8

// start has an instance's server run, and from then on sees to it that it does. It is measured as soon as it runs.
func (r *RDS) start(ctx context.Context, i *instance, run int) error {
	if err := i.server.Run(ctx); err != nil {
		return err
	}
	r.work.Go(func() { r.watch(i, run) })
	r.work.Go(func() { r.measure(i) })
	return nil
}

// watch waits for the end of a run of an instance's server, and restarts one that died: what it had committed
// is there again after a moment. RDS goes on to call the instance available meanwhile.
func (r *RDS) watch(i *instance, run int) {
	select {
	case <-i.server.Done():
	case <-r.life.Done():
		return
	}
	r.mu.Lock()
	crashed := i.runs == run && !i.parked && r.life.Err() == nil
	r.mu.Unlock()
	if !crashed {
		return // it was stopped, or runs again
	}
	r.cfg.Log.Warn("database server died", "instance", r.name(i))
	r.restart(i, run)
}

// restart starts an instance's server after a moment, unless somebody else has since the given run; one that is
// kept down, when it no longer is. What fails is tried again.
func (r *RDS) restart(i *instance, run int) {
	for r.cfg.Clock.Sleep(r.life, r.cfg.Restart) == nil {
		r.mu.Lock()
		if i.runs != run || i.is(deleting, failed) {
			r.mu.Unlock()
			return
		}
		if i.down {
			r.mu.Unlock()
			continue
		}
		i.runs++
		run = i.runs
		r.mu.Unlock()
		if err := r.start(r.life, i, run); err != nil {
			r.cfg.Log.Error("database server does not start", "instance", r.name(i), "error", err)
			continue
		}
		r.mu.Lock()
		before := i.status
		if i.is(rebooting, starting) {
			i.status = i.atRest()
		}
		r.mu.Unlock()
		if before == starting {
			r.emit(i, eventStarted, "DB instance started")
		} else {
			r.emit(i, eventRestarted, "DB instance restarted")
		}
		return
	}
}

// reboot answers RebootDBInstance: sessions end, and the instance is available again after a moment, with the
// parameters that its group has by then. By way of a failover its standby takes over.
func (r *RDS) reboot(_ context.Context, call endpoint.Call) (any, error) {
	r.mu.Lock()
	i, err := r.find(text(call, "DBInstanceIdentifier"))
	if err != nil {
		r.mu.Unlock()
		return nil, err
	}
	forced, standby := strings.EqualFold(text(call, "ForceFailover"), "true"), bool(i.properties.MultiAZ)
	r.mu.Unlock()
	if forced && !standby {
		return nil, refused("InvalidParameterCombination", "ForceFailover cannot be specified since the instance is not configured for MultiAZ.")
	}
	if err := r.turnOver(i, forced); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// turnOver restarts an instance that is available, by way of its standby or not. It does not wait for the end.
func (r *RDS) turnOver(i *instance, failover bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !i.is(available) {
		return notIn(available)
	}
	i.status, i.parked = rebooting, true
	run := i.runs
	r.work.Go(func() {
		if failover {
			r.emit(i, eventFailover, "Multi-AZ instance failover started.")
			i.server.Kill()
			<-i.server.Done()
		} else {
			i.server.Stop()
			r.emit(i, eventShutdown, "DB instance shutdown")
		}
		r.mu.Lock()
		i.parked, i.pending.group = false, false
		cfg := r.config(i)
		r.mu.Unlock()
		if err := i.server.Configure(cfg); err != nil {
			r.cfg.Log.Error("database server could not be configured", "instance", r.name(i), "error", err)
		}
		r.restart(i, run)
		if failover {
			r.emit(i, eventFailoverEnded, "Multi-AZ instance failover completed")
		}
	})
	return nil
}

// Close stops all servers, some at once, and removes their data.
func (r *RDS) Close() error {
	r.end()
	r.mu.Lock()
	all, left := r.instances, r.retained
	r.instances, r.retained = map[string]*instance{}, map[string]*retained{}
	r.mu.Unlock()
	var closing errgroup.Group
	closing.SetLimit(closeAtOnce)
	failures := make(chan error, len(all))
	stopped := 0
	for _, i := range all {
		closing.Go(func() error {
			<-i.ready
			if i.server != nil {
				failures <- i.server.Close()
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			stopped++
			if r.cfg.Stopped != nil {
				r.cfg.Stopped(stopped, len(all))
			}
			return nil
		})
	}
	_ = closing.Wait() // none fails: their failures are in the channel
	r.work.Wait()
	close(failures)
	errs := []error{closeBackups(all, left)}
	for err := range failures {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
