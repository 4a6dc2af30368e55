package stackcomplete

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/access"
	bucketsadapter "headroom/internal/adapter/buckets"
	"headroom/internal/adapter/buckets/bucketstest"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/firewall/firewalltest"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	instancesadapter "headroom/internal/adapter/instances"
	"headroom/internal/adapter/instances/instancestest"
	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/stacks"
	"headroom/internal/adapter/stacks/stackstest"
	"headroom/internal/announce"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

const (
	prefix    = "headroom-dev-"
	nobody    = "192.0.2.1/32"
	stackRole = "arn:aws:iam::123456789012:role/stacks"
	shareKey  = "arn:aws:kms:eu-west-1:123456789012:key/k"
)

var (
	start     = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	sharePool = pool.Key{Kind: pool.Share, Tier: "standard"}
	dbPool    = pool.Key{Kind: pool.Database, Tier: "standard"}
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

const (
	alarming = "https://s3/alarming" // a template that makes a gateway's alarms
	plain    = "https://s3/plain"    // one of before there were such alarms
)

var templates = map[string]string{
	alarming: `{"Parameters":{"GatewayId":{"Default":""}},"Resources":{"Alarm":{"Type":"AWS::CloudWatch::Alarm","Properties":{"Of":{"Ref":"GatewayId"}}}}}`,
	plain:    `{"Parameters":{},"Resources":{}}`,
}

// world is a handler with everything that it reaches.
type world struct {
	t    *testing.T
	life *killtest.Life

	now        time.Time
	ledger     *memory.Ledger
	stacks     *stackstest.CloudFormation
	template   string              // of stacks, by its URL
	updating   int                 // looks at a stack that is updated, before it is
	updates    []types.StackStatus // how the next updates end; then well
	machines   *machinestest.Cloud
	machine    string // that a stack has made
	cache      string // volume that a stack has made
	gateways   *gatewaytest.Service
	appliance  *appliance
	databases  *instances
	steps      *queuetest.Queue
	poolChecks *queuetest.Queue
	s3         *bucketstest.S3
	rds        *instancestest.RDS
	strange    []string // what database servers hold beyond their slots
	groups     *firewalltest.Groups
	evicting   func() // runs before an address is put out
	bus        *bustest.Bus
	topic      *notifytest.Topic
	unheard    bool                         // the alarms of machines say nothing
	mute       bool                         // nothing can be published
	deaf       bool                         // a gateway runs, and answers no NFS client
	down       bool                         // no database server and no gateway answers
	refuse     func(operation string) error // refuses calls to databases and gateways
	loseReply  func(operation string) bool  // of calls to gateways
	mark       string                       // of orders
	named      int
	peak       int // messages in the host queue at once
	handler    *Handler
}

// newWorld makes a world with nothing in it. Late is how many looks each change of a gateway takes.
func newWorld(t *testing.T, life *killtest.Life, late int) *world {
	t.Helper()
	return newWorldOn(t, memory.New(memory.Options{}), life, late)
}

// newWorldOn is newWorld on a ledger.
func newWorldOn(t *testing.T, l *memory.Ledger, life *killtest.Life, late int) *world {
	t.Helper()
	w := &world{
		t: t, life: life, now: start, mark: "k3v9x2m7qa",
		ledger: l, stacks: &stackstest.CloudFormation{Templates: templates}, template: alarming,
		machines: &machinestest.Cloud{Late: late, Stale: late > 0},
		gateways: &gatewaytest.Service{Late: late, Keys: map[string]bool{}},
		groups:   firewalltest.New("sg-1"),
		s3:       &bucketstest.S3{}, rds: &instancestest.RDS{Late: late},
		bus: &bustest.Bus{}, topic: &notifytest.Topic{},
		databases: &instances{hardened: map[string]bool{}, slots: map[string]int{}, closed: map[string]int{}},
	}
	clock := func() time.Time { return w.now }
	w.machine, w.cache = w.machines.AddMachine("eu-west-1a", true), w.machines.AddVolume("eu-west-1a")
	w.appliance = &appliance{boot: late, service: w.gateways}
	w.steps, w.poolChecks = queuetest.New(clock), queuetest.New(clock)
	ledger := killtest.Ledger{Next: w.ledger, Call: life.Call}
	poolChecks := killtest.Sender{Next: &queue.Sender{Client: w.poolChecks, URL: "poolchecks"}, Call: life.Call}
	publish := func(operation string, do func() error) error {
		return life.Call(operation, func() error {
			if w.mute {
				return errMute
			}
			return do()
		})
	}
	announcer, err := announce.New(announce.Config{
		Ledger:     ledger,
		Events:     killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "headroom-dev"}, Call: publish},
		Notify:     killtest.Notifier{Next: &notify.Topic{Client: w.topic, ARN: "topic"}, Call: life.Call},
		PoolChecks: poolChecks, Now: clock, Stage: "dev", Region: "eu-west-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	outside := outside{w, life.Call}
	answering := func(operation string, do func() error) error {
		return life.Call(operation, func() error {
			if w.down {
				return errDown
			}
			if w.refuse != nil {
				if err := w.refuse(operation); err != nil {
					return err
				}
			}
			if err := do(); err != nil || w.loseReply == nil || !w.loseReply(operation) {
				return err
			}
			return errDown
		})
	}
	w.handler, err = New(Config{
		Ledger: ledger, Stacks: outside, Machines: outsideMachines{&machines.Machines{Client: w.machines}, life.Call}, Appliances: outside,
		Access: access.Writer{
			Shares:   outsideGateways{&gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}, life.Call},
			Firewall: outsideFirewall{w, &firewall.Groups{Client: w.groups}, life.Call},
		},
		Gateways: outsideGateways{&gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}, answering},
		Buckets:  outside,
		Empties:  outsideBuckets{&bucketsadapter.Disposal{Client: w.s3}, life.Call}, Instances: outsideRDS{&instancesadapter.Disposal{Client: w.rds}, life.Call}, Backups: 14 * 24 * time.Hour,
		Databases: outside, Prober: outside, Vault: outside, Announce: announcer,
		Steps:      killtest.Sender{Next: &queue.Sender{Client: w.steps, URL: "steps"}, Call: life.Call},
		PoolChecks: poolChecks,
		Name:       func() (string, error) { w.named++; return fmt.Sprintf("name%08d", w.named), nil },
		Stage:      "dev", StackPrefix: prefix, StackRole: stackRole, Nobody: nobody, ShareKey: shareKey,
		Log: slog.New(slog.DiscardHandler), Now: clock, Until: func(t time.Time) time.Duration { return t.Sub(clock()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// order puts a host into the world whose stack is being built; it returns the host's and the stack's ID.
func (w *world) order(key pool.Key, slots int) (pool.HostID, string) {
	w.t.Helper()
	record, err := w.ledger.Pool(w.t.Context(), key)
	w.must(err)
	host := pool.Order(record, pool.Policy{Kind: key.Kind, Tier: key.Tier, SlotsPerHost: slots}, prefix, w.mark, w.now, "test")
	w.must(w.ledger.Order(w.t.Context(), record, host))
	stack, err := (&stacks.Client{API: w.stacks}).Create(w.t.Context(), pool.StackOrder{
		Name: host.Stack.Name, Token: host.Stack.Token, TemplateURL: w.template,
	})
	w.must(err)
	w.change(host.ID, func(h pool.Host) pool.Host {
		h, err := pool.MoveHost(h, pool.HostBuilding, w.now, "accepted")
		w.must(err)
		h.Stack.ID = stack
		if !w.unheard {
			h.Alarms = map[string]pool.AlarmMark{h.Stack.Name + "-status": {At: w.now}}
		}
		return pool.Begin(h, pool.StepBuild, w.now)
	})
	return host.ID, stack
}

func (w *world) change(id pool.HostID, change func(pool.Host) pool.Host) {
	w.t.Helper()
	h := w.host(id)
	w.must(w.ledger.SaveHost(w.t.Context(), h, change(h.Clone()), pool.Neutral, w.now))
}

func (w *world) host(id pool.HostID) pool.Host {
	w.t.Helper()
	h, err := w.ledger.Host(w.t.Context(), id)
	w.must(err)
	return h
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// finish ends a stack and returns the event of it, to be delivered.
func (w *world) finish(stack string, status types.StackStatus, reason string) string {
	w.t.Helper()
	outputs := map[string]string{
		"ApplianceAddress": "10.0.0.9", "DnsName": "share-standard-1.headroom-dev.internal", "SecurityGroupId": "sg-1",
		"MachineId": w.machine, "CacheVolumeId": w.cache,
		"Address": "db.internal", "Port": "5432", "MasterSecretArn": "arn:secret",
	}
	for i := 1; i <= 10; i++ {
		outputs[fmt.Sprintf("Bucket%02d", i)] = fmt.Sprintf("arn:aws:s3:::bucket-%02d", i)
		outputs[fmt.Sprintf("Role%02d", i)] = fmt.Sprintf("arn:aws:iam::123456789012:role/role-%02d", i)
	}
	w.stacks.Finish(stack, status, reason, outputs)
	return w.event(stack, status, reason)
}

// event words the event of a stack's status.
func (w *world) event(stack string, status types.StackStatus, reason string) string {
	s, _ := w.stacks.Stack(stack)
	body, err := json.Marshal(events.Envelope[events.StackStatusChange]{
		Version: "0", DetailType: events.TypeStackStatusChange, Source: "aws.cloudformation", Resources: []string{stack},
		Detail: events.StackStatusChange{
			StackID: stack, ClientRequestToken: s.Token,
			StatusDetails: events.StatusDetails{Status: string(status), Reason: reason},
		},
	})
	w.must(err)
	return string(body)
}

var (
	errMute = errors.New("nobody can be told")
	errDown = errors.New("it does not answer")
)

// deliver delivers one message until the handler has handled it, killed or not.
func (w *world) deliver(body string) {
	w.t.Helper()
	received := 0
	w.must(w.life.Deliver(func() error {
		received++
		return w.handle(body, received)
	}))
}

// handle has the handler handle a message that is received for the n-th time.
func (w *world) handle(body string, received int) error {
	w.t.Helper()
	return w.handler.Message(w.t.Context(), events.Delivery{ID: "m", Body: body, SentAt: w.now, Redelivered: received > 1})
}

// drain delivers the messages of the host queue as they become visible, until there are none.
func (w *world) drain() {
	w.t.Helper()
	for range 2000 {
		w.peak = max(w.peak, len(w.steps.Messages()))
		at, ok := w.steps.Next()
		if !ok {
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		d, _ := w.steps.Receive(time.Hour)
		w.deliver(d.Body)
		w.steps.Delete(d.ID)
	}
	w.t.Fatal("the messages never end")
}

// outcome is what a run comes to, without what may differ between runs: times, versions, random
// names, and how often the same was said.
type outcome struct {
	Host      pool.Host
	Record    pool.Record
	Disks     map[string]string
	Attached  int
	Gateways  []gatewaytest.Gateway
	Shares    []gatewaytest.Share
	Databases []string
	Events    []string
	Notes     []string
	Checked   bool
	Stacks    []string
}

func (w *world) outcome(id pool.HostID, stack string) outcome {
	w.t.Helper()
	host := w.host(id)
	record, err := w.ledger.Pool(w.t.Context(), host.Key())
	w.must(err)
	o := outcome{Record: record, Gateways: w.gateways.Gateways(), Shares: w.gateways.Shares(), Checked: len(w.poolChecks.Messages()) > 0}
	o.Disks, o.Attached = w.machines.Attachments()
	renamed := map[string]string{}
	for i := range host.Slots {
		slot := &host.Slots[i]
		renamed[slot.Name] = fmt.Sprintf("slot-%d", slot.Index)
		slot.Name = renamed[slot.Name]
	}
	for i := range o.Shares {
		o.Shares[i].Name = renamed[o.Shares[i].Name]
	}
	for _, name := range slices.Sorted(maps.Keys(w.databases.slots)) {
		o.Databases = append(o.Databases, renamed[name])
	}
	slices.Sort(o.Databases)
	o.Host = host
	for _, e := range w.bus.Published() {
		o.Events = append(o.Events, e.DetailType)
	}
	for _, n := range w.topic.Notes() {
		o.Notes = append(o.Notes, n.Subject)
	}
	slices.Sort(o.Events)
	o.Events, o.Notes = slices.Compact(o.Events), slices.Compact(o.Notes)
	if s, ok := w.stacks.Stack(stack); ok {
		o.Stacks = append(o.Stacks, s.Name+" "+string(s.Status)+" "+s.Parameters["GatewayId"])
	}
	return o
}

// appliance gives activation keys once it has booted, until it is activated; then it is down for a
// while.
type appliance struct {
	boot    int
	keys    int
	service *gatewaytest.Service
}

func (a *appliance) Key(context.Context, string) (string, error) {
	if a.boot > 0 || len(a.service.Gateways()) > 0 {
		a.boot--
		return "", fmt.Errorf("ask: %w", pool.ErrBooting)
	}
	a.keys++
	key := fmt.Sprintf("key-%08d", a.keys)
	a.service.Keys[key] = true
	return key, nil
}

// instances are database hosts: which are hardened, and how often each slot was made.
type instances struct {
	hardened map[string]bool
	slots    map[string]int
	closed   map[string]int // how often each slot was closed
	holds    map[string]bool
	gone     map[string]bool // by somebody else
	stale    int             // so many times more, the master's password is read as it was before its rotation
}

// outside makes each call to a fake one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Describe(ctx context.Context, nameOrID string) (s pool.StackStatus, err error) {
	err = o.call("Describe", func() (err error) {
		o.w.update(nameOrID)
		s, err = (&stacks.Client{API: o.w.stacks}).Describe(ctx, nameOrID)
		return err
	})
	return s, err
}

// update lets an update of a stack come to its end after some looks.
func (w *world) update(stack string) {
	s, _ := w.stacks.Stack(stack)
	if s.Updates == 0 || s.Status != types.StackStatusUpdateInProgress {
		return
	}
	if w.updating++; w.updating%3 != 0 {
		return
	}
	end := types.StackStatusUpdateComplete
	if len(w.updates) > 0 {
		end, w.updates = w.updates[0], w.updates[1:]
	}
	w.stacks.Finish(stack, end, "as the test says", nil)
}

func (o outside) Update(ctx context.Context, change pool.StackChange) (changed bool, err error) {
	err = o.call("Update", func() (err error) {
		if o.w.refuse != nil {
			if err := o.w.refuse("Update"); err != nil {
				return err
			}
		}
		changed, err = (&stacks.Client{API: o.w.stacks}).Update(ctx, change)
		return err
	})
	return changed, err
}

func (o outside) Failure(ctx context.Context, nameOrID string) (why string, err error) {
	err = o.call("Failure", func() (err error) {
		why, err = (&stacks.Client{API: o.w.stacks}).Failure(ctx, nameOrID)
		return err
	})
	return why, err
}

func (o outside) Delete(ctx context.Context, nameOrID, token string) error {
	return o.call("Delete", func() error { return (&stacks.Client{API: o.w.stacks}).Delete(ctx, nameOrID, token) })
}

func (o outside) Key(ctx context.Context, address string) (key string, err error) {
	err = o.call("Key", func() (err error) { key, err = o.w.appliance.Key(ctx, address); return err })
	return key, err
}

func (o outside) Mark(context.Context, string, string) error {
	return o.call("Mark", func() error { return nil })
}

func (o outside) Master(context.Context, string) (username, password string, err error) {
	password = "secret"
	if o.w.databases.stale > 0 {
		o.w.databases.stale--
		password = "of last week"
	}
	return "master", password, o.call("Master", func() error { return nil })
}

func (o outside) Harden(_ context.Context, l pool.Login) error {
	return o.call("Harden", func() error {
		if l.Password != "secret" {
			return fmt.Errorf("harden: %w", pool.ErrLogin)
		}
		o.w.databases.hardened[l.Host] = true
		return nil
	})
}

func (o outside) MakeSlot(_ context.Context, l pool.Login, name, _ string, limit int) error {
	return o.call("MakeSlot", func() error {
		if o.w.refuse != nil {
			if err := o.w.refuse("MakeSlot"); err != nil {
				return err
			}
		}
		if l.Password != "secret" {
			return fmt.Errorf("make slot: %w", pool.ErrLogin)
		}
		if !o.w.databases.hardened[l.Host] || limit != pool.TenantConnections {
			return errors.New("not hardened, or another limit")
		}
		o.w.databases.slots[name]++
		return nil
	})
}

func (o outside) Null(context.Context, string) error {
	return o.call("Null", func() error {
		if o.w.deaf {
			return errDown
		}
		return nil
	})
}

func (o outside) Ping(context.Context, pool.Login) error {
	return o.call("Ping", func() error {
		if o.w.down {
			return errDown
		}
		return nil
	})
}

func (o outside) Close(_ context.Context, _ pool.Login, name string) error {
	return o.call("Close", func() error { o.w.databases.closed[name]++; return nil })
}

// Found finds the databases of all slots that there are on record.
func (o outside) Found(context.Context, pool.Login) (found []pool.FoundDatabase, err error) {
	err = o.call("Found", func() error {
		for _, h := range o.w.ledger.Books().Hosts {
			for _, s := range h.Slots {
				if o.w.databases.gone[s.Name] {
					continue
				}
				found = append(found, pool.FoundDatabase{Name: s.Name, Mark: h.SlotMark(s), Holds: o.w.databases.holds[s.Name]})
			}
		}
		return nil
	})
	return found, err
}

// bornNamed reports whether every slot's name was recorded before anything bore it.
func (w *world) bornNamed(id pool.HostID) bool {
	names := ""
	for _, slot := range w.host(id).Slots {
		names += " " + slot.Name
	}
	for _, share := range w.gateways.Shares() {
		if !strings.Contains(names, share.Name) {
			return false
		}
	}
	for name := range w.databases.slots {
		if !strings.Contains(names, name) {
			return false
		}
	}
	return true
}
