package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/announce"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// falls has an alarm take a host out of service; who hears it announces that then.
func (w *world) falls(id pool.HostID, alarm string) {
	name := prefix + string(id) + "-" + alarm
	w.change(id, func(h pool.Host) pool.Host {
		h = pool.Marked(h, name, pool.AlarmMark{On: true, At: w.now}, w.now)
		h, err := pool.Reconsider(h, w.now, "alarm "+name+" is ALARM")
		w.must(err)
		return h
	})
	if w.alarms == nil {
		w.alarms = map[string]pool.AlarmMark{}
	}
	w.alarms[name] = pool.AlarmMark{On: true, At: w.now}
}

// announces is a process that hears alarms; each of its calls may be its last.
func (w *world) announces(h pool.Host, call killtest.Call) error {
	a := *w.handler(call).Announce.(*announce.Announcer)
	a.PoolChecks = killtest.Sender{Next: nowhere{}, Call: call}
	return a.Host(context.Background(), h)
}

// nowhere is the queue of pool checks, which come each minute anyway.
type nowhere struct{}

func (nowhere) Send(context.Context, any, time.Duration) error { return nil }

// notices are the notices about hosts, and how many of them are of several.
func (w *world) notices() (notes []string, several int) {
	for _, n := range w.topic.Notes() {
		notes = append(notes, n.Subject+"\n"+n.Message)
		if strings.Contains(n.Subject, "together") || strings.Contains(n.Subject, "seems to fail") {
			several++
		}
	}
	return notes, several
}

// storm has thirty hosts fall at once: half of them databases in two zones, half gateways, while who hears it is killed at
// one call in seven, or never, and messages come twice.
func storm(t *testing.T, kills bool) *world {
	w := newWorld(t)
	var ids []pool.HostID
	for range 15 {
		ids = append(ids, w.add(databases, 2), w.add(shares, 2))
	}
	for i, id := range ids {
		w.change(id, func(h pool.Host) pool.Host {
			h.Zone = []string{"eu-west-1a", "eu-west-1b"}[i%3/2]
			return h
		})
		w.falls(id, map[pool.Kind]string{pool.Database: "silence", pool.Share: "status"}[w.host(id).Kind])
	}
	draws := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	dies := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return kills && draws.IntN(14) == 0
	}
	var hearing sync.WaitGroup
	for _, id := range ids {
		for range 2 { // each message comes twice
			hearing.Go(func() {
				for range 100 {
					h := w.host(id)
					if h.Step != pool.StepAnnounce {
						return
					}
					dead := false
					err := w.announces(h, func(_ string, do func() error) error {
						if dead = dead || dies(); dead {
							return killtest.ErrKilled
						}
						err := do()
						if dead = dies(); dead {
							return killtest.ErrKilled
						}
						return err
					})
					if err != nil && !errors.Is(err, killtest.ErrKilled) && !errors.Is(err, pool.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
	}
	hearing.Wait()
	for range 8 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
	notes, _ := w.notices()
	for _, id := range ids {
		if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, string(id)) }) {
			t.Errorf("nobody hears of %s", id)
		}
		if h := w.host(id); !slices.ContainsFunc(h.History, func(e pool.Entry) bool { return strings.Contains(e.Why, "is ALARM") }) {
			t.Errorf("the history of %s does not say it: %+v", id, h.History)
		}
	}
	return w
}

func TestAStormIsOneMessage(t *testing.T) {
	w := storm(t, false)
	notes, several := w.notices()
	alone := map[string]bool{}
	for _, n := range notes {
		if strings.Contains(n, " is cordoned") {
			alone[n] = true
		}
	}
	if several != 1 || len(alone) != 2 {
		t.Fatalf("%d hosts are told of alone, and there are %d messages of several: %q", len(alone), several, notes)
	}
	one := notes[slices.IndexFunc(notes, func(n string) bool { return strings.Contains(n, "seems to fail") })]
	for _, want := range []string{"30 hosts are out of service", "28 hosts, with", "and 18 more:", "Out of service besides, and told of before (2):", "not repaired into it one by one", "Severity: page", "headroom status"} {
		if !strings.Contains(one, want) {
			t.Errorf("it does not say %q:\n%s", want, one)
		}
	}
	if n := len(w.bus.Of("HostCordoned")); n < 30 {
		t.Errorf("%d events", n)
	}

	w.alarms = map[string]pool.AlarmMark{}
	w.topic = &notifytest.Topic{}
	for range 40 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
		for _, id := range w.hosts() {
			if h := w.host(id); h.State == pool.HostInService && h.Step == pool.StepAnnounce {
				w.must(w.announces(h, undisturbed))
			}
		}
	}
	notes, several = w.notices()
	if several != 1 || len(notes) != 3 || !strings.Contains(notes[2], "28 hosts that fell together are back in service") {
		t.Errorf("that they are back is told %q", notes)
	}
}

func TestAStormWhoseHearersDieIsNotToldOfEachHost(t *testing.T) {
	w := storm(t, true)
	if notes, several := w.notices(); several != 1 || len(notes) > 20 { // two are told of alone, once for each time that who told them died
		t.Errorf("%d messages, %d of several", len(notes), several)
	}
}

func TestWhoDiesTellingOfAStormTellsAgain(t *testing.T) {
	outcomes := map[string]int{}
	for _, operation := range []string{"Storm", "SaveStorm", "Notify"} {
		for at := range 4 {
			for _, after := range []bool{false, true} {
				w := newWorld(t)
				for n := range 5 {
					id := w.add(shares, 2)
					w.falls(id, "status")
					w.must(w.announces(w.host(id), undisturbed))
					if n == 4 {
						w.topic = &notifytest.Topic{}
					}
				}
				w.now = w.now.Add(2 * time.Minute)
				calls, dead := 0, false
				_ = w.checkBy(func(op string, do func() error) error {
					if op == operation {
						calls++
					}
					last := op == operation && calls == at+1
					if dead || last && !after {
						dead = true
						return killtest.ErrKilled
					}
					err := do()
					if last {
						dead = true
						return killtest.ErrKilled
					}
					return err
				})
				for range 15 {
					w.now = w.now.Add(time.Minute)
					w.must(w.check())
				}
				_, several := w.notices()
				outcomes[fmt.Sprint(several)]++
				if several < 1 || several > 2 {
					t.Errorf("killed at call %d of %s: it is told %d times", at+1, operation, several)
				}
			}
		}
	}
	if outcomes["1"] == 0 || outcomes["2"] == 0 {
		t.Errorf("told so often: %v; it was to be twice for who died after people heard", outcomes)
	}
}

func TestHostsAreOrderedWhereNoneFell(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		id := w.add(databases, 2)
		w.change(id, func(h pool.Host) pool.Host { h.Zone = "eu-west-1b"; return h })
		w.falls(id, "silence")
		w.must(w.announces(w.host(id), undisturbed))
	}
	for _, key := range []pool.Key{databases, shares} {
		w.want(key, func(p *pool.Policy) { p.Floor, p.Ceiling, p.MaxOrders, p.BufferSlots = 5, 10, 3, 30 })
	}
	w.must(w.check())
	ordered := 0
	for _, id := range w.hosts() {
		h := w.host(id)
		if h.State != pool.HostOrdered && h.State != pool.HostBuilding {
			continue
		}
		if ordered++; h.Zone != "eu-west-1a" || !strings.Contains(h.History[0].Why+h.Why, "it is placed elsewhere than in eu-west-1b") {
			t.Errorf("%s is ordered in %s: %s", id, h.Zone, h.Why)
		}
	}
	if ordered < 4 || !strings.Contains(w.metrics.String(), `"`+telemetry.ZonesFailing.Name+`":1`) {
		t.Errorf("%d hosts are ordered", ordered)
	}
}

// hosts names all hosts that there ever were.
func (w *world) hosts() (ids []pool.HostID) {
	for _, key := range []pool.Key{databases, shares} {
		for n := range w.pool(key).Seq {
			ids = append(ids, key.Host(n+1))
		}
	}
	return ids
}

func (nowhere) SendRaw(context.Context, string, map[string]string) error { return nil }
