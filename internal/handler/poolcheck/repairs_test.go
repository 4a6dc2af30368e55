package poolcheck

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

const statusAlarm = prefix + "share-standard-1-status"

// ail cordons a share host for an alarm, as the function that hears it does, and has it watched.
func (w *world) ail(id pool.HostID, alarm string) {
	w.t.Helper()
	w.change(id, func(h pool.Host) pool.Host {
		h = pool.Marked(h, alarm, pool.AlarmMark{On: true, At: w.now}, w.now)
		h, err := pool.Reconsider(h, w.now, "alarm "+alarm+" is on")
		w.must(err)
		return pool.Onward(h, w.now)
	})
	if w.alarms == nil {
		w.alarms = map[string]pool.AlarmMark{}
	}
	w.alarms[alarm] = pool.AlarmMark{On: true, At: w.now}
}

func TestAHostThatARepairMayMendIsReportedEachTimeItIsWatched(t *testing.T) {
	w := newWorld(t)
	id := w.add(shares, 0)
	w.ail(id, statusAlarm)
	w.must(w.check())
	if got := w.mends(); len(got) > 0 {
		t.Fatalf("reported before it is watched: %v", got)
	}
	for n := 1; n <= 2; n++ {
		w.now = w.now.Add(pool.Deadline(pool.StepWatch))
		w.must(w.check())
		got := w.mends()
		if len(got) != n || !strings.Contains(got[n-1], `"type":"HostAiling","hostId":"share-standard-1","cause":"alarm `+statusAlarm+` is on"`) {
			t.Fatalf("after %d looks: %v", n, got)
		}
	}
	w.alarms[statusAlarm] = pool.AlarmMark{At: w.now}
	w.now = w.now.Add(pool.Deadline(pool.StepWatch))
	w.must(w.check())
	w.minutes(6)
	if got := w.mends(); len(got) != 2 || w.host(id).State != pool.HostInService {
		t.Errorf("once its alarm is over it is %s, and was reported: %v", w.host(id).State, got)
	}
}

func TestAHostThatNoRepairMendsIsNotReported(t *testing.T) {
	w := newWorld(t)
	w.ail(w.add(shares, 0), prefix+"share-standard-1-dirty")
	w.now = w.now.Add(pool.Deadline(pool.StepWatch))
	w.must(w.check())
	if got := w.mends(); len(got) > 0 {
		t.Errorf("reported: %v", got)
	}
}

// repair begins the repair of a host.
func (w *world) repair(id pool.HostID) pool.Repair {
	w.t.Helper()
	r, fresh := pool.BeginRepair(pool.Repair{}, w.host(id), "test", pool.Wanted{}, w.now)
	if !fresh {
		w.t.Fatal("no repair was begun")
	}
	r, err := w.ledger.SaveRepair(w.t.Context(), pool.Repair{}, r)
	w.must(err)
	return r
}

func TestStepsOfRepairsAreTriedAgain(t *testing.T) {
	type outcome struct {
		Tries int
		Due   time.Time
		Sent  string
	}
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		id := w.add(shares, 0)
		w.repair(id)
		w.must(w.check())
		if got := w.mends(); len(got) > 0 {
			t.Fatalf("sent before the deadline: %v", got)
		}
		w.now = w.now.Add(pool.Deadline(pool.StepExamine))
		w.must(life.Deliver(func() error { return w.checkBy(life.Call) }))
		w.now = w.now.Add(pool.Deadline(pool.StepExamine)) // who was killed before it was sent has it sent then
		w.must(w.check())
		r, err := w.ledger.Repair(t.Context(), id)
		w.must(err)
		all := w.mends()
		if len(all) == 0 {
			t.Fatal("nothing was sent")
		}
		return outcome{Tries: r.Tries, Due: r.Due, Sent: all[len(all)-1]}
	})
}

func TestARepairWhoseWayDoesNotEndGetsAnother(t *testing.T) {
	w := newWorld(t)
	id := w.add(shares, 0)
	before := w.repair(id)
	after, err := pool.MoveRepair(before, pool.RepairWaiting, pool.StepEnter, w.now, "it is ill")
	w.must(err)
	after, err = after.Try(pool.WayReboot, w.now)
	w.must(err)
	_, err = w.ledger.SaveRepair(t.Context(), before, after)
	w.must(err)
	for range pool.MaxTries + 1 {
		w.now = w.now.Add(pool.Deadline(pool.StepReboot))
		w.must(w.check())
	}
	r, err := w.ledger.Repair(t.Context(), id)
	w.must(err)
	if all := w.mends(); r.Step != pool.StepChoose || !strings.Contains(all[len(all)-1], `"of":"repair","id":"share-standard-1","step":"choose","try":1`) {
		t.Errorf("it is at %s; sent %v", r.Step, all)
	}
}

// TestHostsAreOrderedWhereGatewaysAreWell has gateways be ill that nothing else tells of: what they tell of a zone holds for databases.
func TestHostsAreOrderedWhereGatewaysAreWell(t *testing.T) {
	ill := func(w *world, zones ...string) {
		ward := pool.Ward{Key: shares}
		for i, zone := range zones {
			ward.Patients = append(ward.Patients, pool.Patient{Host: shares.Host(100 + i), Zone: zone, Since: w.now})
		}
		w.must(w.ledger.SaveWard(t.Context(), pool.Ward{Key: shares}, ward))
	}
	a, b := "eu-west-1a", "eu-west-1b"
	for name, test := range map[string]struct {
		ill    []string
		want   string
		reason string
	}{
		"all are well":      {nil, a, ""},
		"two of one":        {[]string{a, a}, a, ""},
		"three of one":      {[]string{a, a, a}, b, "elsewhere than in eu-west-1a"},
		"three of the next": {[]string{b, b, b}, a, "elsewhere than in eu-west-1b"},
		"three of each":     {[]string{a, a, a, b, b, b}, a, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if len(test.ill) > 0 {
				ill(w, test.ill...)
			}
			w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
			w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
			w.must(w.check())
			h, first := w.host("share-standard-1"), w.host("share-standard-1").History[0]
			stack, _ := w.stacks.Stack(h.Stack.Name)
			if h.Zone != test.want || stack.Parameters["AvailabilityZone"] != test.want || stack.Parameters["SubnetId"] != "subnet-"+test.want[len(test.want)-1:] {
				t.Errorf("placed in %s with %v", h.Zone, stack.Parameters)
			}
			if strings.Contains(first.Why, "elsewhere") != (test.reason != "") || !strings.Contains(first.Why, test.reason) {
				t.Errorf("ordered because %s", first.Why)
			}
			if zone := w.host("database-standard-1").Zone; zone != test.want {
				t.Errorf("the database is placed in %s", zone)
			}
		})
	}
}

// mends are the messages to who repairs, but for rounds.
func (w *world) mends() []string {
	return slices.DeleteFunc(sent(w.repairs), func(body string) bool { return events.TypeOf([]byte(body)) == events.TypePoolRound })
}

func TestEachMinuteShareHostsAreLookedAt(t *testing.T) {
	w := newWorld(t)
	w.add(databases, 0)
	w.must(w.check())
	if got := sent(w.repairs); len(got) > 0 {
		t.Errorf("without share hosts: %v", got)
	}
	w.add(shares, 0)
	w.add(shares, 0)
	for range 3 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
	for _, body := range sent(w.repairs) {
		var round events.PoolRound
		w.must(events.Decode([]byte(body), &round))
		if round.Type != events.TypePoolRound || round.Tier != "standard" {
			t.Errorf("sent %s", body)
		}
	}
	if n := len(sent(w.repairs)); n != 3 {
		t.Errorf("asked %d times in three minutes", n)
	}
}
