package poolcheck

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// minutes lets checks run, one a minute.
func (w *world) minutes(n int) {
	w.t.Helper()
	for range n {
		w.now = w.now.Add(time.Minute)
		_ = w.check()
	}
}

// B1: CloudFormation refuses every order for a day, then works again.
func TestADayOfRefusalsLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling, p.MaxOrders = 2, 4, 2 })
	w.want(databases, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
	w.fail["Create"] = errNotNow
	w.minutes(24 * 60)
	for _, key := range []pool.Key{shares, databases} {
		if c := w.pool(key).Counters; c.Hosts > 2 || c.Quarantined != 0 {
			t.Errorf("after a day %s counts %d hosts, %d in quarantine, and there is none", key, c.Hosts, c.Quarantined)
		}
	}
	if notes := w.topic.Notes(); len(notes) == 0 || !strings.Contains(notes[0].Message, errNotNow.Error()) {
		t.Errorf("nobody was told why: %d notes", len(notes))
	}
	delete(w.fail, "Create")
	for waited := 0; waited < 70 && w.stacks.Count() < 3; waited++ { // a backoff, and the check after it
		w.minutes(1)
	}
	if n := w.stacks.Count(); n != 3 {
		t.Errorf("%d stacks are being made, want 3", n)
	}
}

func TestAnOrderWithItsStackIsNeverGivenUp(t *testing.T) {
	for _, mute := range []string{"Publish", "Describe"} {
		w := newWorld(t)
		w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
		w.fail["Publish"] = errNotNow // the stack is made, and its order can't be announced
		w.fail[mute] = errNotNow
		w.minutes(60)
		if h := w.host("share-standard-1"); h.State != pool.HostOrdered {
			t.Errorf("without %s, host is %s: %s", mute, h.State, h.Why)
		}
		w.fail = map[string]error{}
		w.minutes(3)
		if h := w.host("share-standard-1"); h.State != pool.HostBuilding || w.stacks.Count() != 1 {
			t.Errorf("afterwards host is %s, %d stacks", h.State, w.stacks.Count())
		}
	}
}

func TestGivingAnOrderUpKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) any {
		w := newWorld(t)
		w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
		w.fail["Create"] = errNotNow
		w.minutes(12)
		w.now = w.now.Add(time.Minute)
		_ = life.Deliver(func() error {
			if err := w.checkBy(life.Call); err != nil && !errors.Is(err, errNotNow) {
				return err
			}
			return nil
		})
		w.fail = map[string]error{}
		w.minutes(130)
		if n := w.stacks.Count(); n != 1 {
			t.Errorf("%d stacks", n)
		}
		return w.pool(shares).Counters
	})
}

// cordoned puts a host into the world that an alarm keeps out of service, and that was announced.
func cordoned(w *world) pool.HostID {
	id := w.add(databases, 2)
	w.change(id, func(h pool.Host) pool.Host {
		h = pool.Marked(h, "cpu", pool.AlarmMark{On: true, At: w.now}, w.now)
		h, err := pool.Reconsider(h, w.now, "alarm cpu is ALARM")
		w.must(err)
		return pool.Onward(h, w.now)
	})
	return id
}

// B3: marks are compared with what alarms there are.
func TestACordonedHostWhoseAlarmIsGoneIsLetIn(t *testing.T) {
	w := newWorld(t)
	id := cordoned(w)
	w.alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: w.now}}
	w.minutes(60)
	if h := w.host(id); h.State != pool.HostCordoned || len(w.steps.Messages()) != 0 {
		t.Fatalf("while its alarm is on, host is %s, sent %v", h.State, sent(w.steps))
	}
	if n := len(w.host(id).History); n > 5 {
		t.Errorf("looking after it fills its history: %d lines", n)
	}
	w.alarms = nil
	w.minutes(4)
	if h := w.host(id); h.State != pool.HostCordoned || len(h.Alarmed()) != 0 {
		t.Fatalf("a moment after its alarm let go it is %s: %s", h.State, h.Barriers())
	}
	w.minutes(3)
	h := w.host(id)
	if h.State != pool.HostInService || h.Step != pool.StepAnnounce || !strings.Contains(h.Why, "what ailed it has been over for") {
		t.Fatalf("host is %s at %q: %s", h.State, h.Step, h.Why)
	}
	if bodies := sent(w.steps); len(bodies) != 1 || !strings.Contains(bodies[0], `"step":"announce"`) {
		t.Errorf("its return is announced by nobody: %v", bodies)
	}
}

// One that never had an alarm is let in too, though CloudWatch can be asked for none of its alarms by name.
func TestAHostThatCameIntoDoubtTwiceIsLetInOnceThatHasLasted(t *testing.T) {
	w := newWorld(t)
	id := w.add(databases, 2)
	for range 2 {
		w.change(id, func(h pool.Host) pool.Host {
			h, err := pool.Suspect(h, "signups failed", w.now)
			w.must(err)
			h, err = pool.Trusted(pool.Onward(h, w.now), w.now, "it answered")
			w.must(err)
			return pool.Onward(h, w.now)
		})
	}
	w.minutes(8)
	if h := w.host(id); h.State != pool.HostCordoned || len(h.Alarms) > 0 {
		t.Fatalf("at once it is %s, with alarms %v", h.State, h.Alarms)
	}
	w.minutes(6)
	if h := w.host(id); h.State != pool.HostInService {
		t.Errorf("after ten minutes and more it is %s: %s", h.State, h.Barriers())
	}
}

func TestACordonedHostInDoubtIsLookedAt(t *testing.T) {
	w := newWorld(t)
	id := cordoned(w)
	w.change(id, func(h pool.Host) pool.Host {
		h.Alarms, h.Doubt = nil, "it does not answer"
		return h
	})
	w.minutes(3)
	if bodies := sent(w.steps); len(bodies) < 2 || !strings.Contains(bodies[0], `"step":"watch"`) {
		t.Errorf("nobody looks whether it answers: %v", bodies)
	}
}

// B5: a tier is taken out of the policy while tenants wait.
func TestATierThatIsTakenOutIsServedOn(t *testing.T) {
	w := newWorld(t)
	w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
	w.must(w.check())
	for i := range 3 {
		w.wait(pool.TenantID(fmt.Sprintf("t%d", i)))
	}
	for i := range w.policies {
		w.policies[i].Tier = "gold"
	}
	w.minutes(2)
	if w.pool(shares).Counters.Provisioning != 1 {
		t.Errorf("no share host is ordered for those who wait: %+v", w.pool(shares).Counters)
	}
	if w.pool(databases).Counters.Provisioning != 1 {
		t.Errorf("%d database hosts are on their way for three who wait", w.pool(databases).Counters.Provisioning)
	}
	w.add(databases, 10)
	w.add(shares, 10)
	w.minutes(2)
	if bodies := sent(w.signups); len(bodies) == 0 || !strings.Contains(bodies[0], events.TypeServeWaiting) || w.shelf().Pairs() == 0 {
		t.Errorf("three tenants wait, %d pairs are set out, and nobody is served: %v", w.shelf().Pairs(), bodies)
	}
}

func TestATierThatIsTakenOutOrdersForNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.add(databases, 10)
	w.add(shares, 10)
	for i := range w.policies {
		w.policies[i].Tier, w.policies[i].Floor = "gold", 0
	}
	w.minutes(30)
	if w.pool(shares).Seq != 1 || w.pool(databases).Seq != 1 {
		t.Errorf("hosts were ordered for a tier that nobody can sign up for: %d, %d", w.pool(shares).Seq, w.pool(databases).Seq)
	}
}

// B6: a host that hangs is no capacity.
func TestAHostThatHangsIsNotWaitedFor(t *testing.T) {
	for _, step := range []pool.Step{pool.StepActivate, pool.StepBuild} {
		w := newWorld(t)
		w.add(databases, 100)
		for i := range 3 {
			w.wait(pool.TenantID(fmt.Sprintf("t%d", i)))
		}
		w.must(w.check())
		first := w.pool(shares).Seq
		w.change(shares.Host(first), func(h pool.Host) pool.Host {
			if step == pool.StepActivate {
				h.State = pool.HostPreparing
			}
			return pool.Begin(h, step, w.now)
		})
		for w.pool(shares).Seq == first && w.now.Before(start.Add(48*time.Hour)) {
			w.minutes(1)
		}
		if took := w.now.Sub(start); took > 35*time.Minute {
			t.Errorf("stuck at %s: three customers waited %s until another host was ordered", step, took)
		}
	}
}
