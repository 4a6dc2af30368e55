package stackcomplete

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// empty puts a host into the world that is in service, and has nothing of anybody's, and one like it whose marks are others.
func (w *world) empty(key pool.Key) (pool.HostID, string) {
	w.t.Helper()
	record, err := w.ledger.Pool(w.t.Context(), key)
	w.must(err)
	h := pool.Order(record, pool.Policy{Kind: key.Kind, Tier: key.Tier, SlotsPerHost: 2, HostPrice: 100}, prefix, w.mark, w.now, "test")
	w.must(w.ledger.Order(w.t.Context(), record, h))
	tags := map[string]string{"headroom:stage": "dev", "headroom:host": string(h.ID), "headroom:order": h.Mark}
	stack := w.stacks.Add(h.Stack.Name, h.Stack.Token, tags)
	w.stacks.Finish(stack, types.StackStatusCreateComplete, "", nil)
	w.change(h.ID, func(h pool.Host) pool.Host {
		h, err := pool.MoveHost(h, pool.HostPreparing, w.now, "test")
		w.must(err)
		h, err = pool.MoveHost(h, pool.HostInService, w.now, "test")
		w.must(err)
		h.Stack.ID = stack
		for i := 1; i <= 2; i++ {
			h.Slots = append(h.Slots, pool.Slot{Index: i, Generation: i, Name: fmt.Sprintf("name%08d", i), State: pool.SlotFree, Since: w.now})
		}
		if key.Kind == pool.Database {
			h.Access = pool.Access{Address: "db.internal", Port: 5432, MasterSecret: "arn:secret"}
			return h
		}
		h.Access.Gateway = w.gateways.Add(h.Stack.Name, tags, false)
		w.machine, err = w.machines.Launch(machinestest.Spec{Zone: "eu-west-1a", Type: "m5.xlarge", Image: "ami-1", Tags: tags})
		w.must(err)
		h.Access.Machine, h.Access.Cache = w.machine, w.machines.AddVolume("eu-west-1a")
		w.must(w.handler.Machines.(outsideMachines).next.TagVolume(w.t.Context(), h.Access.Cache, tags))
		for i := range h.Slots {
			s := &h.Slots[i]
			s.Bucket = fmt.Sprintf("arn:aws:s3:::bucket-%02d", s.Index)
			s.Share, err = w.handler.Gateways.(outsideGateways).next.CreateShare(w.t.Context(), pool.ShareSpec{
				Gateway: h.Access.Gateway, Bucket: s.Bucket, Role: fmt.Sprintf("arn:aws:iam::123456789012:role/role-%02d", s.Index),
				Name: s.Name, Token: fmt.Sprintf("token-%d", s.Index), Clients: []string{nobody}, Key: shareKey,
			})
			w.must(err)
			w.s3.Add(fmt.Sprintf("bucket-%02d", s.Index), map[string]string{"headroom:slot": h.SlotMark(*s)})
		}
		return h
	})
	if key.Kind == pool.Database {
		w.rds.Add(h.Stack.Name, w.now.Add(-time.Hour), w.now)
		w.rds.Tag(h.Stack.Name, tags)
	}
	w.s3.Add("another", nil)
	w.must(w.handler.Machines.(outsideMachines).next.TagVolume(w.t.Context(), w.machines.AddVolume("eu-west-1a"), map[string]string{"headroom:stage": "dev"}))
	return h.ID, stack
}

// retiring has a host be retired, from a step on.
func (w *world) retiring(id pool.HostID, step pool.Step) {
	w.t.Helper()
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.Retire(h, "", "empty, and not needed", w.now)
		w.must(err)
		return pool.Begin(h, step, w.now)
	})
}

// on delivers the step that a host is at, and all that comes of it; a stack that is deleted is, and so is what it made.
func (w *world) on(id pool.HostID, stack string) {
	w.t.Helper()
	for range 10 {
		h := w.host(id)
		body, err := json.Marshal(events.NewHostStep(string(id), string(h.Step), h.Count+1))
		w.must(err)
		w.deliver(string(body))
		w.drain()
		if s, _ := w.stacks.Stack(stack); s.Status == types.StackStatusDeleteInProgress {
			status := types.StackStatusDeleteComplete
			if h.Kind == pool.Database && !w.rds.Dispose(h.Stack.Name, h.Stack.Name+"-snapshot-instance-1a2b", w.now) {
				status = types.StackStatusDeleteFailed
			}
			if h.Kind == pool.Share {
				w.machines.Terminate(w.machine)
			}
			event := w.finish(stack, status, "")
			w.deliver(event)
			w.deliver(event)
			w.drain()
		}
		if h = w.host(id); h.State != pool.HostRetiring && (h.Step == "" || h.Step == pool.StepSweep || h.Step == pool.StepWatch) {
			return
		}
		w.now = w.now.Add(time.Minute)
	}
}

// left is what is left in the world of hosts.
func (w *world) left() string {
	disks, err := w.handler.Machines.(outsideMachines).next.FindVolumes(w.t.Context(), map[string]string{"headroom:stage": "dev"})
	w.must(err)
	return fmt.Sprintf("gateways %d, shares %d, disks %d, buckets %v, instances %v, snapshots %v",
		len(w.gateways.Gateways()), len(w.gateways.Shares()), len(disks), w.s3.Names(), w.rds.Names(), w.rds.Snapshots())
}

func (w *world) retiredOutcome(id pool.HostID, stack string) outcome {
	o := w.outcome(id, stack)
	o.Databases = []string{w.left()}
	if o.Host.State == pool.HostDeleted {
		o.Disks, o.Attached = nil, 0
	}
	return o
}

func TestAShareHostIsRetiredKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, memory.New(memory.Options{}), life, 1)
		id, stack := w.empty(sharePool)
		w.retiring(id, pool.StepInspect)
		w.on(id, stack)
		h := w.host(id)
		if h.State != pool.HostDeleted || h.Step != "" || len(h.Retire.Left) != 0 || w.gateways.Forced() != 0 {
			t.Errorf("the host is %s at %s: %s; left are %v, %d shares went by force", h.State, h.Step, h.Error, h.Retire.Left, w.gateways.Forced())
		}
		if left := w.left(); left != "gateways 0, shares 0, disks 1, buckets [another], instances [], snapshots []" {
			t.Errorf("left are %s", left)
		}
		if spent, err := w.ledger.Spent(t.Context()); err != nil || spent != 0 {
			t.Errorf("%s are spent, %v", spent, err)
		}
		if got := w.bus.Of("HostRetired"); len(got) == 0 {
			t.Errorf("said is %v", w.bus.Published())
		}
		return w.retiredOutcome(id, stack)
	}, alike)
}

func TestADatabaseHostIsRetiredKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, memory.New(memory.Options{}), life, 1)
		id, stack := w.empty(dbPool)
		w.rds.Snap("a-persons", prefix+"database-standard-1", map[string]string{"headroom:order": w.mark}, w.now.Add(-time.Hour))
		w.retiring(id, pool.StepInspect)
		w.on(id, stack)
		h := w.host(id)
		if h.State != pool.HostDeleted || h.Step != pool.StepSweep || len(h.Retire.Left) != 2 {
			t.Fatalf("the host is %s at %s: %s; left are %v", h.State, h.Step, h.Error, h.Retire.Left)
		}
		if left := w.left(); !strings.Contains(left, "instances [], snapshots [a-persons headroom-dev-database-standard-1-snapshot-instance-1a2b]") {
			t.Errorf("left are %s", left)
		}
		for _, at := range []time.Time{h.Due.Add(-time.Minute), h.Due} { // too early, and when it is over
			w.now = at
			w.on(id, stack)
			if early := at.Before(h.Due); early != (len(w.rds.Snapshots()) == 2) {
				t.Errorf("at %s, due %s, there are %v", at, h.Due, w.rds.Snapshots())
			}
		}
		if h = w.host(id); h.Step != "" || len(h.Retire.Left) != 1 || !slices.Equal(w.rds.Snapshots(), []string{"a-persons"}) {
			t.Errorf("at %s, left are %v, snapshots %v", h.Step, h.Retire.Left, w.rds.Snapshots())
		}
		return w.retiredOutcome(id, stack)
	}, alike)
}

// The stop switch is in force at the next call, and not only at the next sweep.
func TestASweepStopsAtTheNextSnapshotOnceDestructionIsStopped(t *testing.T) {
	w := newWorldOn(t, memory.New(memory.Options{}), &killtest.Life{}, 1)
	id, stack := w.empty(dbPool)
	w.retiring(id, pool.StepInspect)
	w.rds.Snap("another", prefix+"database-standard-1", map[string]string{"headroom:order": w.mark}, w.now)
	w.on(id, stack)
	h := w.host(id)
	if len(w.rds.Snapshots()) != 2 || len(h.Retire.Left) < 2 {
		t.Fatalf("there are %v; left are %v", w.rds.Snapshots(), h.Retire.Left)
	}
	w.now = h.Due
	calm := w.handler.Instances
	w.handler.Instances = outsideRDS{calm.(outsideRDS).next, func(operation string, do func() error) error {
		err := do()
		if operation == "DeleteSnapshot" {
			w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true, By: "ann"}))
		}
		return err
	}}
	body, err := json.Marshal(events.NewHostStep(string(id), string(h.Step), h.Count+1))
	w.must(err)
	w.deliver(string(body)) // and not what comes of it: while it is stopped, it is looked again without end
	if kept := w.rds.Snapshots(); len(kept) != 1 {
		t.Errorf("stopped after the first, there are %v", kept)
	}
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.handler.Instances = calm
	w.drain()
	if kept := w.rds.Snapshots(); len(kept) != 0 {
		t.Errorf("once it goes on, there are %v", kept)
	}
}

// Whatever step a retirement is at: with a tenant on the host, or while that is stopped, or protected, nothing is destroyed.
func TestNoHostIsDeletedWithATenantOnIt(t *testing.T) {
	holds := map[string]func(w *world, id pool.HostID){
		"a tenant": func(w *world, id pool.HostID) {
			w.change(id, func(h pool.Host) pool.Host { h.Slots[1].State, h.Slots[1].Tenant = pool.SlotAssigned, "acme"; return h })
		},
		"a slot that leaves": func(w *world, id pool.HostID) {
			w.change(id, func(h pool.Host) pool.Host { h.Slots[1].State, h.Slots[1].Tenant = pool.SlotLeaving, "acme"; return h })
		},
		"a claim": func(w *world, id pool.HostID) {
			before, err := w.ledger.Shelf(w.t.Context(), "standard")
			w.must(err)
			after := before.Clone()
			offer := w.host(id).Slots[0].Offer(id)
			after.Held["acme"] = pool.Hold{Database: offer, Share: offer}
			w.must(w.ledger.SaveShelf(w.t.Context(), before, after))
		},
		"a copy": func(w *world, id pool.HostID) {
			before, err := w.ledger.Bays(w.t.Context())
			w.must(err)
			after, _ := before.Take(pool.Bay{Owner: "acme", Host: id}, 5)
			w.must(w.ledger.SaveBays(w.t.Context(), before, after))
		},
		"the stop switch": func(w *world, _ pool.HostID) {
			w.must(w.ledger.SaveStops(w.t.Context(), pool.Stops{Destroy: true, By: "ann"}))
		},
		"protection": func(w *world, id pool.HostID) {
			w.change(id, func(h pool.Host) pool.Host { h.Protected = "ann"; return h })
		},
		"a repair": func(w *world, id pool.HostID) { w.change(id, func(h pool.Host) pool.Host { h.Repair = 1; return h }) },
	}
	steps := map[pool.Kind][]pool.Step{
		pool.Database: {pool.StepInspect, pool.StepUnprotect, pool.StepDismantle},
		pool.Share:    {pool.StepInspect, pool.StepUnshare, pool.StepDeregister, pool.StepDismantle, pool.StepDisks, pool.StepBuckets},
	}
	for what, hold := range holds {
		for kind, all := range steps {
			for _, step := range all {
				t.Run(fmt.Sprintf("%s, %s at %s", what, kind, step), func(t *testing.T) {
					w := newWorld(t, &killtest.Life{}, 0)
					id, stack := w.empty(pool.Key{Kind: kind, Tier: "standard"})
					if step == pool.StepDeregister { // it has no shares any more
						w.retiring(id, pool.StepUnshare)
						for range 3 {
							if w.host(id).Step == pool.StepUnshare {
								w.step1(id)
							}
						}
					} else {
						w.retiring(id, step)
					}
					hold(w, id)
					before := w.left()
					for range 3 {
						w.step1(id)
						w.now = w.now.Add(10 * time.Minute)
					}
					s, _ := w.stacks.Stack(stack)
					if after := w.left(); after != before || s.Status != types.StackStatusCreateComplete || kind == pool.Database && !w.rds.Protected(w.host(id).Stack.Name) {
						t.Errorf("before there were %s, then %s; its stack is %s", before, after, s.Status)
					}
					h := w.host(id)
					if step == pool.StepInspect && h.State == pool.HostRetiring {
						t.Errorf("nothing is destroyed yet, and it is kept from who may need it: %s", h.Error)
					}
					if h.State == pool.HostDeleted || step != pool.StepInspect && !strings.Contains(h.Error, "the guard refuses it") {
						t.Errorf("the host is %s at %s: %s", h.State, h.Step, h.Error)
					}
				})
			}
		}
	}
}

// step1 does the step that a host is at, once.
func (w *world) step1(id pool.HostID) {
	w.t.Helper()
	h := w.host(id)
	body, err := json.Marshal(events.NewHostStep(string(id), string(h.Step), h.Count+1))
	w.must(err)
	w.deliver(string(body))
}

func TestWhatAnEmptyHostShouldNotHaveCallsItsRetirementOff(t *testing.T) {
	for want, plant := range map[string]func(w *world, id pool.HostID) pool.Key{
		"database kept_1 is none of its slots'": func(w *world, _ pool.HostID) pool.Key {
			w.strange = []string{"database kept_1 is none of its slots'"}
			return dbPool
		},
		"versions of objects": func(w *world, _ pool.HostID) pool.Key { w.s3.Hold("bucket-02", "version"); return sharePool },
		"uploads":             func(w *world, _ pool.HostID) pool.Key { w.s3.Hold("bucket-01", "upload"); return sharePool },
		"bears the mark \"other\"": func(w *world, _ pool.HostID) pool.Key {
			w.s3.Add("bucket-01", map[string]string{"headroom:slot": "other"})
			return sharePool
		},
		"is none of its slots'": func(w *world, id pool.HostID) pool.Key {
			w.change(id, func(h pool.Host) pool.Host { h.Slots[1].Share = "share-00000000"; return h })
			return sharePool
		},
	} {
		t.Run(want, func(t *testing.T) {
			kind := sharePool
			if strings.HasPrefix(want, "database") {
				kind = dbPool
			}
			w := newWorld(t, &killtest.Life{}, 0)
			id, _ := w.empty(kind)
			plant(w, id)
			w.retiring(id, pool.StepInspect)
			before := w.left()
			w.step1(id)
			h := w.host(id)
			if h.State != pool.HostInService || !strings.Contains(h.Why, want) || len(w.topic.Notes()) != 1 || w.left() != before {
				t.Errorf("the host is %s, because %s; notes are %v", h.State, h.Why, w.topic.Notes())
			}
			if h.Keeps(pool.NewShelf("standard"), w.now) == "" {
				t.Error("it may be retired again at once")
			}
		})
	}
}

// An instance that is protected again, by whomever, keeps its stack; the deletion is tried again later.
func TestAHostThatCantBeDeletedIsGivenUpAndGoesOnOnceItIsReleased(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.empty(sharePool)
	w.retiring(id, pool.StepInspect)
	w.s3.Fault = func(operation string) (bool, error) {
		if operation == "DeleteBucket" {
			return false, errDown
		}
		return false, nil
	}
	for range 30 {
		w.on1(id, stack)
		if w.host(id).Step == pool.StepBuckets {
			break
		}
	}
	for range pool.MaxTries + 1 {
		w.change(id, func(h pool.Host) pool.Host {
			out, _, err := pool.Overdue(h, h.Due)
			w.must(err)
			return out
		})
	}
	h := w.host(id)
	if h.State != pool.HostQuarantined || h.Stuck != pool.StepBuckets {
		t.Fatalf("the host is %s at %s", h.State, h.Step)
	}
	w.deliver(requestFor(t, id, events.HostDelete))
	if h = w.host(id); h.State != pool.HostQuarantined {
		t.Errorf("a request to delete it makes it %s", h.State)
	}
	w.s3.Fault = nil
	w.deliver(requestFor(t, id, events.HostRelease))
	w.on(id, stack)
	if h = w.host(id); h.State != pool.HostDeleted || len(w.bus.Of("HostRetired")) == 0 {
		t.Errorf("released, the host is %s at %s: %s", h.State, h.Step, h.Error)
	}
}

// on1 is on, with one message only of what comes.
func (w *world) on1(id pool.HostID, stack string) {
	w.t.Helper()
	w.step1(id)
	if s, _ := w.stacks.Stack(stack); s.Status == types.StackStatusDeleteInProgress {
		w.machines.Terminate(w.machine)
		w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
	}
}

func requestFor(t *testing.T, id pool.HostID, action string) string {
	t.Helper()
	body, err := json.Marshal(events.HostRequest{
		Version: events.Version, Type: events.TypeHostRequest, HostID: string(id), Action: action, RequestedBy: "ann", Reason: "a test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestWhatPeopleAskOfHostsThatMayGo(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, _ := w.empty(sharePool)
	ask := func(action string) pool.Host { w.deliver(requestFor(t, id, action)); return w.host(id) }
	if h := ask(events.HostProtect); h.Protected != "ann: a test" || h.State != pool.HostInService {
		t.Errorf("protected: %+v", h)
	}
	if h := ask(events.HostRetire); h.State != pool.HostInService {
		t.Errorf("a protected host that is to be retired is %s", h.State)
	}
	if h := ask(events.HostUnprotect); h.Protected != "" {
		t.Errorf("unprotected: %q", h.Protected)
	}
	if h := ask(events.HostDrain); h.State != pool.HostCordoned || h.Drained != "ann: a test" {
		t.Errorf("drained: %s, %q", h.State, h.Drained)
	}
	if h := ask(events.HostUndrain); h.State != pool.HostInService || h.Drained != "" {
		t.Errorf("undrained: %s, %q", h.State, h.Drained)
	}
	w.change(id, func(h pool.Host) pool.Host { h.Slots[0].State = pool.SlotAssigned; return h })
	if h := ask(events.HostRetire); h.State != pool.HostInService {
		t.Errorf("a host with a tenant that is to be retired is %s", h.State)
	}
	w.change(id, func(h pool.Host) pool.Host { h.Slots[0].State = pool.SlotFree; return h })
	if h := ask(events.HostRetire); h.State != pool.HostRetiring || h.Step != pool.StepRecall || h.Retire.By != "ann: a test" || len(w.poolChecks.Messages()) == 0 {
		t.Errorf("retired: %s at %s by %q", h.State, h.Step, h.Retire.By)
	}
	if h := ask(events.HostProtect); h.State != pool.HostInService {
		t.Errorf("protected, one that was to be retired is %s", h.State)
	}
}

// Whoever was slow to inspect a host, and was overtaken, finds what the next steps did to it: nobody is told that it is not retired.
func TestWhoIsOvertakenTellsNobodyThatAHostIsNotRetired(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, _ := w.empty(sharePool)
	w.retiring(id, pool.StepInspect)
	seen := w.host(id)
	w.s3.Add("bucket-01", map[string]string{"headroom:slot": "other"})
	w.change(id, func(h pool.Host) pool.Host { h.Count++; return h })
	if _, err := w.handler.inspect(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	if notes := w.topic.Notes(); len(notes) > 0 {
		t.Errorf("told: %v", notes)
	}
	w.step1(id)
	if notes := w.topic.Notes(); len(notes) != 1 {
		t.Errorf("of what is so it is told: %v", notes)
	}
}
