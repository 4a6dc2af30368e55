package faults

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/handler/decommission"
	"headroom/internal/handler/gatewayalarm"
	"headroom/internal/handler/hostrepair"
	"headroom/internal/handler/instancechange"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/handler/rdsalarm"
	"headroom/internal/handler/restore"
	"headroom/internal/handler/signup"
	"headroom/internal/handler/stackcomplete"
	"headroom/internal/hostalarm"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

const (
	role     = "arn:aws:iam::123456789012:role/sim"
	shareKey = "arn:aws:kms:eu-west-1:123456789012:key/share"
)

var networks = pool.Networks{
	Instances: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Hosts: []netip.Prefix{netip.MustParsePrefix("10.200.0.0/16")},
}

// wire makes the functions as functions/*/build.go does, and has their queues drive them.
func (w *world) wire() {
	q := func(name, function string, seconds int) *queue {
		made := &queue{w: w, name: name, function: function, timeout: time.Duration(seconds) * time.Second, away: map[*message]bool{}}
		w.queues = append(w.queues, made)
		return made
	}
	w.signups, w.steps = q("signup", "signup", 20), q("signupsteps", "signup", 20)
	w.checks, w.hostEvents, w.alarms = q("poolcheck", "poolcheck", 30), q("hostevents", "stackcomplete", 60), q("gatewayalarms", "gatewayalarm", 20)
	w.leaving, w.leavingSteps = q("decommission", "decommission", 60), q("decommissionsteps", "decommission", 60)
	w.changes, w.changeSteps = q("instancechange", "instancechange", 30), q("changesteps", "instancechange", 30)
	w.repairRequests, w.repairs = q("repairrequests", "hostrepair", 60), q("repairsteps", "hostrepair", 60)
	w.recovering = q("recover", "recovery", 300)
	w.rounds = q("reconcile", "reconcile", 60)
	w.rdsAlarms, w.restoring, w.restores = q("alarms", "rdsalarm", 20), q("restore", "restore", 60), q("restoresteps", "restore", 60)
	nothing := func(context.Context, []events.Delivery) error { return nil }
	for _, queue := range w.queues {
		queue.handle = nothing
	}
	w.checks.whole = true
	err := errors.Join(w.wireSignup(), w.wirePoolCheck(), w.wireStackComplete(), w.wireAlarms(), w.wireInstanceChange(), w.wireDecommission(), w.wireHostRepair(), w.wireRestore(), w.wireReconcile(), w.wireRecovery())
	if err != nil {
		panic(err) // a configuration that is not whole
	}
}

func (w *world) store() killtest.Ledger { return killtest.Ledger{Next: w.ledger, Call: w.call} }

func (w *world) sender(q *queue) killtest.Sender { return killtest.Sender{Next: q, Call: w.call} }

var (
	none    = telemetry.Recorder{}
	discard = slog.New(slog.DiscardHandler)
)

// each makes a queue's function of one that handles a message at a time.
func each(handle func(context.Context, events.Delivery) error) func(context.Context, []events.Delivery) error {
	return func(ctx context.Context, all []events.Delivery) error { return handle(ctx, all[0]) }
}

// until is how much is left of a process's time, which is not by its function's clock.
func (w *world) until(at time.Time) time.Duration { return at.Sub(w.now) }

func (w *world) announcer(now func() time.Time) (*announce.Announcer, error) {
	return announce.New(announce.Config{
		Events: killtest.Publisher{Next: w.town, Call: w.call}, Notify: killtest.Notifier{Next: w.town, Call: w.call},
		Ledger: w.store(), PoolChecks: w.sender(w.checks), Metrics: none, Now: now, Stage: stage, Region: region,
	})
}

func (w *world) accesses() access.Writer {
	return access.Writer{Shares: w.cloud.shares, Firewall: w.cloud.firewall}
}

func (w *world) wireSignup() error {
	now := w.clock("signup")
	policies := w.policies(now)
	shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: policies, Now: now})
	announcer, announceErr := w.announcer(now)
	h, err := signup.New(signup.Config{
		Ledger: w.store(), Shelf: shelves, Policies: policies, Vault: w.cloud.vault, Databases: w.cloud.databases, Access: w.accesses(), Tags: w.cloud.shares,
		Announce: announcer, Steps: w.sender(w.steps), StepsQueue: w.steps.name, PoolChecks: w.sender(w.checks), HostEvents: w.sender(w.hostEvents),
		Refused: w.sender(w.signups), Networks: networks, Mount: "nfsvers=4.1,hard", Mark: w.mark, Jitter: w.delays.Float64,
		Metrics: none, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.signups.handle, w.steps.handle = each(h.Message), each(h.Message)
	}
	return errors.Join(shelfErr, announceErr, err)
}

func (w *world) wirePoolCheck() error {
	now := w.clock("poolcheck")
	policies := w.policies(now)
	shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: policies, Now: now})
	announcer, announceErr := w.announcer(now)
	template := poolcheck.Template{URL: templateURL, Zones: zones}
	h, err := poolcheck.New(poolcheck.Config{
		Ledger: w.store(), Shelf: shelves, Policies: policies, Stacks: w.cloud.stacks, Images: w.cloud, Alarms: w.cloud, Instances: w.cloud, Announce: announcer,
		Signups: w.sender(w.steps), Leaving: w.sender(w.leavingSteps), Changes: w.sender(w.changeSteps), Repairs: w.sender(w.repairs), Restores: w.sender(w.restores), HostEvents: w.sender(w.hostEvents),
		Templates: map[pool.Kind]poolcheck.Template{pool.Database: {URL: plainURL, Zones: zones}, pool.Share: template},
		StackRole: role, StackPrefix: prefix, Stage: stage, Mark: w.mark, Metrics: none, Log: discard, Now: now,
	})
	if err == nil {
		w.checks.handle = h.Messages
	}
	return errors.Join(shelfErr, announceErr, err)
}

func (w *world) wireStackComplete() error {
	now := w.clock("stackcomplete")
	announcer, announceErr := w.announcer(now)
	h, err := stackcomplete.New(stackcomplete.Config{
		Ledger: w.store(), Stacks: w.cloud.stacks, Machines: w.cloud.machines, Appliances: w.cloud.appliances, Gateways: w.cloud.shares, Access: w.accesses(),
		Buckets: w.cloud.buckets, Empties: w.cloud.empties, Instances: w.cloud.disposal, Backups: 24 * time.Hour, Databases: w.cloud.databases, Prober: w.cloud, Vault: w.cloud.vault, Announce: announcer,
		Steps: w.sender(w.hostEvents), PoolChecks: w.sender(w.checks), Name: w.mark, Stage: stage, StackPrefix: prefix, StackRole: role,
		Nobody: nobody, ShareKey: shareKey, Metrics: none, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.handled(now, h.Message, w.hostEvents)
	}
	return errors.Join(announceErr, err)
}

func (w *world) wireAlarms() error {
	config := func(function string) (hostalarm.Config, error) {
		now := w.clock(function)
		shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: hostalarm.NoPolicies{}, Now: now})
		announcer, announceErr := w.announcer(now)
		return hostalarm.Config{Ledger: w.store(), Shelf: shelves, Announce: announcer, Metrics: none, Log: discard, Now: now}, errors.Join(shelfErr, announceErr)
	}
	ofGateways, gatewaysErr := config("gatewayalarm")
	ofDatabases, databasesErr := config("rdsalarm")
	gateways, gatewayErr := gatewayalarm.New(gatewayalarm.Config{StackPrefix: prefix, Config: ofGateways})
	databases, databaseErr := rdsalarm.New(rdsalarm.Config{StackPrefix: prefix, Config: ofDatabases})
	err := errors.Join(gatewaysErr, databasesErr, gatewayErr, databaseErr)
	if err == nil {
		w.alarms.handle, w.rdsAlarms.handle = each(gateways.Message), each(databases.Message)
	}
	return err
}

func (w *world) wireHostRepair() error {
	now := w.clock("hostrepair")
	policies := w.policies(now)
	announcer, announceErr := w.announcer(now)
	h, err := hostrepair.New(hostrepair.Config{
		Ledger: w.store(), Machines: w.cloud.machines, Measures: w.cloud.machines, Stacks: w.cloud.stacks, Appliances: w.cloud.appliances, Gateways: w.cloud.shares, Prober: w.cloud,
		Tasks: w.cloud.tasks, Clients: w.accesses(), Firewall: w.cloud.firewall, Nobody: nobody, ShareKey: shareKey, Images: w.cloud, Catalog: w.cloud, Policies: policies, Announce: announcer,
		Steps: w.sender(w.repairs), StepsQueue: w.repairs.name, Hosts: w.sender(w.hostEvents),
		Templates: map[pool.Kind]hostrepair.Template{pool.Database: {URL: plainURL}, pool.Share: {URL: templateURL}},
		StackRole: role, Stage: stage, Metrics: none, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.handled(now, h.Message, w.repairRequests, w.repairs)
	}
	return errors.Join(announceErr, err)
}

func (w *world) wireInstanceChange() error {
	now := w.clock("instancechange")
	policies := w.policies(now)
	announcer, announceErr := w.announcer(now)
	h, err := instancechange.New(instancechange.Config{
		Ledger: w.store(), Policies: policies, Access: w.accesses(), Announce: announcer, Steps: w.sender(w.changeSteps), StepsQueue: w.changeSteps.name,
		Refused: w.sender(w.changes), Networks: networks, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.handled(now, h.Message, w.changes, w.changeSteps)
	}
	return errors.Join(announceErr, err)
}

func (w *world) wireDecommission() error {
	now := w.clock("decommission")
	policies := w.policies(now)
	shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: policies, Now: now})
	announcer, announceErr := w.announcer(now)
	h, err := decommission.New(decommission.Config{
		Ledger: w.store(), Shelf: shelves, Terms: policies, Vault: w.cloud.vault, Databases: w.cloud.databases, Access: w.accesses(), Firewall: w.cloud.firewall,
		Shares: w.cloud.shares, Buckets: w.cloud.buckets, Objects: w.cloud.objects, Tasks: w.cloud.tasks, Announce: announcer,
		Steps: w.sender(w.leavingSteps), StepsQueue: w.leavingSteps.name, PoolChecks: w.sender(w.checks), Restores: w.sender(w.restores), Refused: w.sender(w.leaving),
		Archives: archives, ArchiveKey: archiveKey, ShareKey: shareKey, Reports: reports, Reporter: reporter, Nobody: nobody,
		Backups: 7 * 24 * time.Hour, Logs: 14 * 24 * time.Hour, AtOnce: 2, Stage: stage, Name: w.mark, Metrics: none, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.handled(now, h.Message, w.leaving, w.leavingSteps)
	}
	return errors.Join(shelfErr, announceErr, err)
}

func (w *world) wireRestore() error {
	now := w.clock("restore")
	policies := w.policies(now)
	shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: policies, Now: now})
	announcer, announceErr := w.announcer(now)
	h, err := restore.New(restore.Config{
		Ledger: w.store(), Shelf: shelves, Terms: policies, Vault: w.cloud.vault, Databases: w.cloud.databases, Instances: w.cloud.restored, Storage: w.cloud,
		Shares: w.cloud.shares, Tasks: w.cloud.tasks, Announce: announcer, Steps: w.sender(w.restores), StepsQueue: w.restores.name, Scrubs: w.sender(w.leavingSteps), Refused: w.sender(w.restoring),
		Versions: 7 * 24 * time.Hour, AtOnce: 2, Stage: stage, Name: w.mark, Metrics: none, Log: discard, Now: now, Until: w.until,
	})
	if err == nil {
		w.handled(now, h.Message, w.restoring, w.restores)
	}
	return errors.Join(shelfErr, announceErr, err)
}

// handled has queues drive a function that keeps account of what people ask for.
func (w *world) handled(now func() time.Time, handle func(context.Context, events.Delivery) error, queues ...*queue) {
	for _, q := range queues {
		q.handle = each(function.Audited(w.store(), now, handle))
	}
}
