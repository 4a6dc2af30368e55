package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"headroom/events"
	"headroom/internal/announce"
	"headroom/internal/handler/gatewayalarm"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/handler/signup"
	"headroom/internal/handler/stackcomplete"
	"headroom/internal/hostalarm"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

const (
	stage  = "sim"
	prefix = "headroom-sim-"
	role   = "arn:aws:iam::123456789012:role/sim"
	// checkEvery is how often the schedule asks for a pool check.
	checkEvery = pool.CheckEvery
	// checkTakes is how long a message of the pool check's queue takes: what is asked for meanwhile is one check.
	checkTakes = 100 * time.Millisecond
)

// world is one stage in virtual time: the functions as they are deployed, around a ledger in memory.
type world struct {
	Options
	line     *timeline
	ledger   *memory.Ledger
	stacks   *formation
	measured *measure
	draw     *rand.Rand
	marks    int
	marked   map[string]string // marks of buckets, by ARN
	err      error             // what must not happen, the first of it

	signups, steps, checks, hostEvents, alarms *queue
}

// newWorld makes a stage without hosts, whose clock stands at start.
func newWorld(o Options, start time.Time) (*world, error) {
	w := &world{
		Options: o, line: &timeline{now: start}, ledger: memory.New(memory.Options{Lend: !o.copies}), draw: rand.New(rand.NewPCG(o.Seed, 1)), marked: map[string]string{},
	}
	w.measured = newMeasure(w)
	w.stacks = &formation{w: w, stacks: map[string]*stack{}}
	q := func(name string) *queue { return &queue{line: w.line, name: name, failed: w.broken} }
	w.signups, w.steps, w.checks, w.hostEvents, w.alarms = q("signups"), q("steps"), q("checks"), q("hostEvents"), q("alarms")
	return w, w.wire()
}

// broken notes what must not happen in a simulation without faults.
func (w *world) broken(where string, err error) {
	if w.err == nil {
		w.err = fmt.Errorf("simulate: at %s, %s: %w", w.line.now.Format(time.RFC3339), where, err)
	}
}

// mark draws what is random about an order, a signup or a slot.
func (w *world) mark() (string, error) {
	w.marks++
	return fmt.Sprintf("m%09d", w.marks), nil
}

// wire makes the functions, and has the queues drive them.
func (w *world) wire() error {
	out, now, discard := outside{w}, w.line.Now, slog.New(slog.DiscardHandler)
	until := func(at time.Time) time.Duration { return at.Sub(w.line.now) }
	none := telemetry.Recorder{}
	measured := telemetry.Recorder{Out: w.emf, Now: now, Stage: stage, Log: discard}
	reconciler, shelfErr := shelf.New(shelf.Config{Ledger: w.ledger, Policies: out, Now: now})
	withdrawer, withdrawErr := shelf.New(shelf.Config{Ledger: w.ledger, Policies: hostalarm.NoPolicies{}, Now: now})
	announcer, announceErr := announce.New(announce.Config{
		Events: told{w}, Notify: told{w}, Ledger: w.ledger, PoolChecks: w.checks, Metrics: none, Now: now, Stage: stage, Region: "eu-central-1",
	})
	if err := errors.Join(shelfErr, withdrawErr, announceErr); err != nil {
		return err
	}
	template := poolcheck.Template{URL: "https://s3/template", Zones: []pool.Zone{{Name: "eu-central-1a", Subnet: "subnet-a"}, {Name: "eu-central-1b", Subnet: "subnet-b"}}}
	check, checkErr := poolcheck.New(poolcheck.Config{
		Ledger: w.ledger, Shelf: reconciler, Policies: out, Stacks: w.stacks, Images: out, Alarms: out, Instances: out, Announce: announcer,
		Signups: w.steps, Leaving: nothing{}, Changes: nothing{}, Repairs: nothing{}, Restores: nothing{}, HostEvents: w.hostEvents,
		Templates: map[pool.Kind]poolcheck.Template{pool.Database: template, pool.Share: template},
		StackRole: role, StackPrefix: prefix, Stage: stage, Mark: w.mark, Metrics: measured, Log: discard, Now: now,
	})
	sign, signErr := signup.New(signup.Config{
		Ledger: w.ledger, Shelf: reconciler, Policies: out, Vault: out, Databases: out, Access: out, Tags: out, Announce: announcer,
		Steps: w.steps, StepsQueue: w.steps.name, PoolChecks: w.checks, HostEvents: w.hostEvents, Refused: nothing{},
		Networks: pool.Networks{Instances: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, Mount: "nfsvers=4.1,hard",
		Mark: w.mark, Jitter: w.draw.Float64, Metrics: none, Log: discard, Now: now, Until: until,
	})
	ready, readyErr := stackcomplete.New(stackcomplete.Config{
		Ledger: w.ledger, Stacks: w.stacks, Machines: out, Appliances: out, Gateways: out, Access: out, Buckets: out, Databases: out, Prober: out, Vault: out,
		Empties: disposal{w}, Instances: disposal{w}, Backups: 24 * time.Hour,
		Announce: announcer, Steps: w.hostEvents, PoolChecks: w.checks, Name: w.mark, Stage: stage, StackPrefix: prefix, StackRole: role,
		Nobody: "192.0.2.1", ShareKey: "arn:aws:kms:eu-central-1:123456789012:key/sim", Metrics: none, Log: discard, Now: now, Until: until,
	})
	hear, hearErr := gatewayalarm.New(gatewayalarm.Config{StackPrefix: prefix, Config: hostalarm.Config{
		Ledger: w.ledger, Shelf: withdrawer, Announce: announcer, Metrics: none, Log: discard, Now: now,
	}})
	if err := errors.Join(checkErr, signErr, readyErr, hearErr); err != nil {
		return err
	}
	w.signups.handle, w.steps.handle = each(sign.Message), each(sign.Message)
	w.hostEvents.handle, w.alarms.handle = each(ready.Message), each(hear.Message)
	w.checks.handle, w.checks.whole, w.checks.takes = check.Messages, true, checkTakes
	return nil
}

// okAlarm words the event of an alarm that is OK.
func (w *world) okAlarm(name string) events.Envelope[events.AlarmStateChange] {
	return events.Envelope[events.AlarmStateChange]{
		Version: "0", DetailType: events.TypeAlarmStateChange, Source: "aws.cloudwatch",
		Detail: events.AlarmStateChange{AlarmName: name, State: events.AlarmState{Value: events.AlarmOK, Timestamp: events.At(w.line.now)}},
	}
}

// scheduled asks for a pool check every minute, and has it measured how things stand just before each.
func (w *world) scheduled() {
	w.measured.look()
	if err := w.checks.Send(context.Background(), events.NewPoolCheck("schedule"), 0); err != nil {
		w.broken("schedule", err)
	}
	w.line.after(checkEvery, w.scheduled)
}

// signUp sends the signup of the n-th tenant.
func (w *world) signUp(n int) {
	id := tenantID(n)
	w.measured.came(id, w.line.now)
	address := netip.AddrFrom4([4]byte{byte(11 + n>>24), byte(n >> 16), byte(n >> 8), byte(n)})
	err := w.signups.Send(context.Background(), events.SignupRequested{Version: events.Version, TenantID: id, Tier: string(w.Tier), InstanceIP: address.String()}, 0)
	if err != nil {
		w.broken("signups", err)
	}
}
