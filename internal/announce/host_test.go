package announce_test

import (
	"context"
	"testing"
	"time"

	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/announce"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// meanwhile is a queue at which something happens before its reply comes.
type meanwhile func()

func (m meanwhile) Send(context.Context, any, time.Duration) error {
	m()
	return nil
}

// An announcement that is overtaken must not end that of the same state which came later.
func TestALateAnnouncementDoesNotEndTheNextOne(t *testing.T) {
	ctx, ledger, now := t.Context(), memory.New(memory.Options{}), start
	h := ledgertest.Host(pool.Key{Kind: pool.Database, Tier: "standard"}, 1, 2)
	if err := ledger.Order(ctx, pool.Record{Key: h.Key()}, h); err != nil {
		t.Fatal(err)
	}
	move := func(to pool.HostState) pool.Host {
		t.Helper()
		now = now.Add(time.Minute)
		before, err := ledger.Host(ctx, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		after, err := pool.MoveHost(before, to, now, "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.SaveHost(ctx, before, pool.Begin(after, pool.StepAnnounce, now), pool.Neutral, now); err != nil {
			t.Fatal(err)
		}
		after, err = ledger.Host(ctx, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	step := func(overtaken meanwhile) pool.Step {
		t.Helper()
		a, err := announce.New(announce.Config{
			Ledger: ledger, Events: &bus.Publisher{Client: &bustest.Bus{}, Bus: "bus"}, Notify: &notify.Topic{Client: &notifytest.Topic{}, ARN: "topic"},
			PoolChecks: overtaken, Now: func() time.Time { return now }, Stage: "dev", Region: "eu-west-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Host(ctx, move(pool.HostCordoned)); err != nil {
			t.Fatal(err)
		}
		left, err := ledger.Host(ctx, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		return left.Step
	}
	if left := step(func() {
		move(pool.HostInService)
		move(pool.HostCordoned)
	}); left != pool.StepAnnounce {
		t.Errorf("the second cordon will never be announced: step %q", left)
	}
	move(pool.HostInService)
	if left := step(func() {}); left != pool.StepWatch {
		t.Errorf("announced, and at step %q", left)
	}
}

// Where slots came or went, hosts may have to be ordered at once.
func TestAHostThatCameOrWentAsksForAPoolCheck(t *testing.T) {
	for state, want := range map[pool.HostState]int{
		pool.HostInService: 1, pool.HostCordoned: 1, pool.HostLost: 1, pool.HostQuarantined: 0, pool.HostDeleted: 0,
	} {
		ledger, asked := memory.New(memory.Options{}), 0
		h := ledgertest.Host(key, 1, 2)
		if err := ledger.Order(t.Context(), pool.Record{Key: key}, h); err != nil {
			t.Fatal(err)
		}
		a, err := announce.New(announce.Config{
			Ledger: ledger, Events: &bus.Publisher{Client: &bustest.Bus{}, Bus: "bus"}, Notify: &notify.Topic{Client: &notifytest.Topic{}, ARN: "topic"},
			PoolChecks: meanwhile(func() { asked++ }), Now: func() time.Time { return start }, Stage: "dev", Region: "eu-west-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		h.State = state
		if err := a.Host(t.Context(), h); err != nil || asked != want {
			t.Errorf("a host that is %s asked %d times, want %d: %v", state, asked, want, err)
		}
	}
}
