package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/killtest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// route are the steps that the records of these tests take, and how many looks each wants before it is done.
var route = []struct {
	step  pool.Step
	looks int
}{{pool.StepActivate, 3}, {pool.StepCache, 1}, {pool.StepShares, 2}}

// message is a message under way.
type message struct {
	at         lifecycle.Cursor
	deliveries int
	copy       bool // the queue delivers it twice
}

// bench is one record with the messages that drive it.
type bench[R any] struct {
	machine  func(call killtest.Call) lifecycle.Machine[R]
	read     func() pool.Progress
	write    func(func(pool.Progress) pool.Progress)
	messages []*message
	done     []pool.Step // steps in the order in which they were recorded as done
	rested   int
	behind   time.Duration
}

// step is what the record's steps do: they look, and go on to the next after as many looks as they want.
func (b *bench[R]) step(call killtest.Call, progress func(*R) *pool.Progress) lifecycle.Do[R] {
	return func(_ context.Context, record R) (lifecycle.Next[R], error) {
		p := progress(&record)
		if err := call("look", func() error { return nil }); err != nil {
			return lifecycle.Next[R]{}, err
		}
		for i, leg := range route {
			switch {
			case leg.step != p.Step:
			case p.Count+1 < leg.looks:
				return lifecycle.Next[R]{Record: record, Wait: time.Second, Because: errors.New("not yet")}, nil
			case i+1 < len(route):
				*p = pool.Started(route[i+1].step, start)
				return lifecycle.Next[R]{Record: record}, nil
			default:
				*p = pool.Progress{}
				return lifecycle.Next[R]{Record: record}, nil
			}
		}
		return lifecycle.Next[R]{}, fmt.Errorf("step %q is none of the route", p.Step)
	}
}

// build makes the machine of a bench over a store.
func build[R any](
	b *bench[R], load func(context.Context, string) (R, error), save func(context.Context, R, R, pool.Outcome) (R, error), progress func(*R) *pool.Progress,
) {
	b.machine = func(call killtest.Call) lifecycle.Machine[R] {
		steps := map[pool.Step]lifecycle.Do[R]{}
		for _, leg := range route {
			steps[leg.step] = b.step(call, progress)
		}
		return lifecycle.Machine[R]{
			Load: func(ctx context.Context, id string) (record R, err error) {
				err = call("Load", func() (err error) { record, err = load(ctx, id); return err })
				return record, err
			},
			Save: func(ctx context.Context, before, after R, outcome pool.Outcome) (saved R, err error) {
				err = call("Save", func() (err error) {
					if saved, err = save(ctx, before, after, outcome); err == nil && progress(&before).Step != progress(&after).Step {
						b.done = append(b.done, progress(&before).Step)
					}
					return err
				})
				return saved, err
			},
			Progress: progress, Steps: steps,
			Later: func(_ context.Context, _ string, at lifecycle.Cursor, _ time.Duration) error {
				return call("Later", func() error { b.messages = append(b.messages, &message{at: at}); return nil })
			},
			Rested: func(context.Context, R, bool) error {
				return call("Rested", func() error { b.rested++; return nil })
			},
			Moved:  func(context.Context, R, R) {},
			Behind: b.behind,
			Time:   func(context.Context) bool { return true },
		}
	}
}

const tenantID = "acme"

// tenants is the bench of a tenant.
func tenants(t *rapid.T) *bench[pool.Tenant] {
	ctx, l := context.Background(), memory.New(memory.Options{})
	must(t, second(l.Request(ctx, pool.Tenant{ID: tenantID, Tier: "standard", State: pool.TenantRequested, Progress: pool.Started(route[0].step, start)})))
	b := &bench[pool.Tenant]{}
	load := func(ctx context.Context, id string) (pool.Tenant, error) { return l.Tenant(ctx, pool.TenantID(id)) }
	save := func(ctx context.Context, before, after pool.Tenant, _ pool.Outcome) (pool.Tenant, error) {
		return l.SaveTenant(ctx, before, after)
	}
	build(b, load, save, func(t *pool.Tenant) *pool.Progress { return &t.Progress })
	b.read = func() pool.Progress { r, err := l.Tenant(ctx, tenantID); must(t, err); return r.Progress }
	b.write = func(change func(pool.Progress) pool.Progress) {
		before, err := l.Tenant(ctx, tenantID)
		must(t, err)
		after := before.Clone()
		after.Progress = change(after.Progress)
		_, err = l.SaveTenant(ctx, before, after)
		must(t, err)
	}
	return b
}

// hosts is the bench of a host.
func hosts(t *rapid.T) *bench[pool.Host] {
	ctx, l := context.Background(), memory.New(memory.Options{})
	h := ledgertest.Host(pool.Key{Kind: pool.Share, Tier: "standard"}, 1, 1)
	h.State, h.Progress = pool.HostPreparing, pool.Started(route[0].step, start)
	must(t, l.Order(ctx, pool.Record{Key: h.Key()}, h))
	b := &bench[pool.Host]{}
	load := func(ctx context.Context, id string) (pool.Host, error) { return l.Host(ctx, pool.HostID(id)) }
	save := func(ctx context.Context, before, after pool.Host, outcome pool.Outcome) (pool.Host, error) {
		err := l.SaveHost(ctx, before, after, outcome, start)
		after.Version = before.Version + 1
		return after, err
	}
	build(b, load, save, func(h *pool.Host) *pool.Progress { return &h.Progress })
	b.read = func() pool.Progress { r, err := l.Host(ctx, h.ID); must(t, err); return r.Progress }
	b.write = func(change func(pool.Progress) pool.Progress) {
		before, err := l.Host(ctx, h.ID)
		must(t, err)
		after := before.Clone()
		after.Progress = change(after.Progress)
		must(t, l.SaveHost(ctx, before, after, pool.Neutral, start))
	}
	return b
}

func second(_ pool.Tenant, _ bool, err error) error { return err }

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHostsAreDrivenByOneMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drive(t, hosts(t), "share-standard-1") })
}

func TestTenantsAreDrivenByOneMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drive(t, tenants(t), tenantID) })
}

// drive delivers messages at once, twice, late, out of order, and kills their handlers anywhere; what was
// lost is sent anew past its deadline. Every step must be recorded as done once, in order, and of all
// messages under way at most one goes on.
func drive[R any](t *rapid.T, b *bench[R], id string) {
	s := &killtest.Schedule{}
	b.messages = []*message{{at: lifecycle.After(b.read())}}
	begin := func(m *message) {
		m.deliveries++
		at := m.at
		at.Redelivered = m.deliveries > 1
		s.Start(func(call killtest.Call) error {
			if err := b.machine(call).Drive(context.Background(), id, at); err != nil {
				return nil // it comes again
			}
			for i := range b.messages {
				if b.messages[i] == m {
					b.messages = append(b.messages[:i:i], b.messages[i+1:]...)
					break
				}
			}
			return nil
		})
	}
	check := func() {
		live, progress := 0, b.read()
		for _, m := range b.messages {
			if m.deliveries == 0 && !m.copy && !m.at.Stale(progress) {
				live++
			}
		}
		if live > 1 {
			t.Fatalf("%d messages would drive the record at %+v", live, progress)
		}
	}
	for range rapid.IntRange(10, 60).Draw(t, "moves") {
		switch choice := rapid.IntRange(0, 9).Draw(t, "move"); {
		case choice < 4 && len(b.messages) > 0 && s.Running() < 4:
			begin(rapid.SampledFrom(b.messages).Draw(t, "message"))
		case choice < 5 && len(b.messages) > 0 && len(b.messages) < 6:
			m := rapid.SampledFrom(b.messages).Draw(t, "message")
			b.messages = append(b.messages, &message{at: m.at, copy: true})
		case choice < 6 && s.Running() > 0:
			s.Kill(rapid.IntRange(0, s.Running()-1).Draw(t, "process"))
		case s.Running() > 0:
			if _, err := s.Step(rapid.IntRange(0, s.Running()-1).Draw(t, "process")); err != nil {
				t.Fatal(err)
			}
		}
		check()
	}
	for s.Running() > 0 {
		s.Kill(0)
	}
	for range 50 { // until it is at rest; what was lost is sent anew, as past a deadline
		if b.read().Step == "" {
			break
		}
		if len(b.messages) == 0 {
			b.write(func(p pool.Progress) pool.Progress { return p.Retried(start) })
			b.messages = []*message{{at: lifecycle.After(b.read())}}
		}
		begin(b.messages[0])
		for s.Running() > 0 {
			if _, err := s.Step(0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if p := b.read(); p.Step != "" {
		t.Fatalf("it never comes to rest: %+v, messages %v", p, b.messages)
	}
	if len(b.done) != len(route) {
		t.Fatalf("steps were recorded as done: %v", b.done)
	}
	for i, leg := range route {
		if b.done[i] != leg.step {
			t.Fatalf("steps were recorded as done: %v", b.done)
		}
	}
}

// A queue delivers a message twice; the one who handles it first is killed anywhere, and by the other it is done with.
func TestACopyThatIsKilledIsMadeUpFor(t *testing.T) {
	for _, behind := range []time.Duration{0, time.Minute} {
		lost := 0
		for at := 1; at <= 12; at++ {
			rapid.Check(t, func(t *rapid.T) {
				b := tenants(t)
				b.behind = behind
				b.messages = []*message{{at: lifecycle.After(b.read())}}
				s := &killtest.Schedule{}
				drive := func(call killtest.Call, m *message) error {
					return b.machine(call).Drive(context.Background(), tenantID, m.at)
				}
				first := b.messages[0]
				s.Start(func(call killtest.Call) error { return drive(call, first) })
				for range at {
					if s.Running() > 0 {
						_, _ = s.Step(0)
					}
				}
				for s.Running() > 0 {
					s.Kill(0)
				}
				for sent := 0; len(b.messages) > 0; sent++ {
					if sent > 40 {
						t.Fatalf("messages without an end: %v", b.messages)
					}
					m := b.messages[0]
					b.messages = b.messages[1:]
					must(t, drive(func(_ string, do func() error) error { return do() }, m))
				}
				if b.read().Step != "" {
					lost++
				}
			})
		}
		if (lost > 0) != (behind == 0) {
			t.Errorf("behind %s: %d records are lost until their deadlines", behind, lost)
		}
	}
}
