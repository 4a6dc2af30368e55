package rds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/local/endpoint"
)

// States of an instance, as DescribeDBInstances has them.
const (
	creating  = "creating"
	available = "available"
	rebooting = "rebooting"
	deleting  = "deleting"
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
	crashed := i.runs == run && i.status != deleting && i.status != rebooting && r.life.Err() == nil
	r.mu.Unlock()
	if !crashed {
		return // it was stopped, or runs again
	}
	r.cfg.Log.Warn("database server died", "instance", i.identifier)
	r.restart(i, run)
}

// restart starts an instance's server after a moment, unless somebody else has since the given run; one that is
// kept down, when it no longer is. What fails is tried again.
func (r *RDS) restart(i *instance, run int) {
	for r.cfg.Clock.Sleep(r.life, r.cfg.Restart) == nil {
		r.mu.Lock()
		if i.runs != run || i.status == deleting {
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
			r.cfg.Log.Error("database server does not start", "instance", i.identifier, "error", err)
			continue
		}
		r.mu.Lock()
		if i.status == rebooting {
			i.status = available
		}
		r.mu.Unlock()
		r.emit(i, "RDS-EVENT-0006", "availability", "DB instance restarted")
		return
	}
}

// Fail kills an instance's server and keeps it down until Recover, as if the host that it is on had died. RDS
// goes on to call the instance available: it does not know better.
func (r *RDS) Fail(identifier string) error { return r.keep(identifier, true) }

// Recover lets the server of an instance that failed start again, which it does after a moment.
func (r *RDS) Recover(identifier string) error { return r.keep(identifier, false) }

func (r *RDS) keep(identifier string, down bool) error {
	r.mu.Lock()
	i := r.instances[identifier]
	if i == nil || i.server == nil {
		r.mu.Unlock()
		return notFound(identifier)
	}
	i.down = down
	r.mu.Unlock()
	if down {
		i.server.Kill()
		<-i.server.Done()
	}
	return nil
}

// reboot answers RebootDBInstance: sessions end, and the instance is available again after a moment.
func (r *RDS) reboot(_ context.Context, call endpoint.Call) (any, error) {
	identifier, _ := call.Params["DBInstanceIdentifier"].(string)
	identifier = strings.ToLower(identifier)
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instances[identifier]
	if i == nil {
		return nil, notFound(identifier)
	}
	if forced, _ := call.Params["ForceFailover"].(string); strings.EqualFold(forced, "true") && !bool(i.properties.MultiAZ) {
		return nil, &endpoint.Error{Code: "InvalidParameterCombination", Message: "ForceFailover cannot be specified since the instance is not configured for MultiAZ."}
	}
	if i.status != available {
		return nil, &endpoint.Error{Code: "InvalidDBInstanceState", Message: fmt.Sprintf("Database instance is not in %s state.", available)}
	}
	i.status = rebooting
	run := i.runs
	r.work.Go(func() {
		i.server.Stop()
		r.emit(i, "RDS-EVENT-0004", "availability", "DB instance shutdown")
		r.restart(i, run)
	})
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// emit sends an event of an instance, as RDS words it.
func (r *RDS) emit(i *instance, id, category, message string) {
	if r.cfg.Emit == nil {
		return
	}
	arn := r.arn(i.identifier)
	r.cfg.Emit(r.life, "aws.rds", "RDS DB Instance Event", []string{arn}, map[string]any{
		"EventCategories": []string{category}, "SourceType": "DB_INSTANCE", "SourceArn": arn, "SourceIdentifier": i.identifier,
		"Date": r.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "Message": message, "EventID": id, "Tags": map[string]string{},
	})
}

func notFound(identifier string) error {
	return &endpoint.Error{Code: "DBInstanceNotFound", Message: fmt.Sprintf("DBInstance %s not found.", identifier), Status: 404}
}

// Close stops all servers, some at once, and removes their data.
func (r *RDS) Close() error {
	r.end()
	r.mu.Lock()
	all := r.instances
	r.instances = map[string]*instance{}
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
	var errs []error
	for err := range failures {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
