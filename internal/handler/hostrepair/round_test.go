package hostrepair

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// A gateway that hangs on a machine that is well, and that nobody signs up to, rings no alarm.
func TestAHostThatHangsUnnoticedIsFoundInItsTurn(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) pool.HostState {
		w := newWorld(t, 1)
		w.silent = true // no pool check looks meanwhile
		w.machine(first).hangs = "reboot"
		w.put(events.NewPoolRound("standard"))
		w.deliver(life, 30*time.Second)
		if h := w.host(first); h.State != pool.HostInService {
			t.Fatalf("after one look it is %s", h.State)
		}
		w.deliver(life, 5*time.Minute)
		h := w.host(first)
		if h.State != pool.HostCordoned || !strings.Contains(h.Doubt, "silent") {
			t.Errorf("host is %s: %s", h.State, h.Doubt)
		}
		return h.State
	})
}

func TestARoundLeavesHostsAloneThatAreWell(t *testing.T) {
	w := newWorld(t, 2)
	w.silent = true
	w.put(events.NewHostRound(string(first), 1)) // which notes the size of its cache
	w.run(time.Minute)
	version := w.host(first).Version
	w.put(events.NewHostRound(string(first), 1))
	w.put(events.NewHostRound("share-standard-99", 1)) // its number was passed over
	w.machine(w.ids[1]).hangs = "reboot"
	w.doubt(w.ids[1]) // it is looked after already
	cordoned := w.host(w.ids[1]).Version
	w.put(events.NewHostRound(string(w.ids[1]), 2))
	w.run(5 * time.Minute)
	if h := w.host(first); h.Version != version {
		t.Errorf("the record was written: %s", h.State)
	}
	if h := w.host(w.ids[1]); h.Version != cordoned {
		t.Errorf("the record of one in doubt was written: %s", h.Doubt)
	}
}

func TestWhatPassesBetweenTwoLooksIsNoDoubt(t *testing.T) {
	w := newWorld(t, 1)
	w.silent = true
	w.machine(first).hangs = "reboot"
	w.put(events.NewHostRound(string(first), 1))
	w.run(30 * time.Second)
	w.machine(first).hangs = ""
	w.run(5 * time.Minute)
	if h := w.host(first); h.State != pool.HostInService {
		t.Errorf("host is %s: %s", h.State, h.Doubt)
	}
}

// What a gateway that is given up may lose is a share of its cache disk, which may be gone by then, and its size with it.
func TestTheSizeOfACacheIsKnownThatIsGone(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, 1)
		w.silent = true
		w.put(events.NewHostRound(string(first), 1))
		w.deliver(life, 10*time.Minute)
		host := w.host(first)
		if host.Access.CacheGiB != 150 {
			t.Errorf("its cache has %d GiB", host.Access.CacheGiB)
		}
		w.gateway(first).measured = pool.Unuploaded{Dirty: 10, DirtyAt: w.now}
		w.center.upload(host.Access.GatewayID())
		w.center.terminate(w.machine(first), false)
		w.run(time.Minute)
		w.center.lose(host.Access.Cache)
		w.silent = false
		w.doubt(first)
		w.run(30 * time.Minute)
		if r := w.repair(first); r.State != pool.RepairAsking || r.Way != pool.WayGateway {
			t.Fatalf("it is %s, way %s", r.State, r.Way)
		}
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(time.Hour)
		w.inService(first)
		lost := w.repair(first).Renewal.Lost
		if !strings.Contains(lost, "up to 15 GiB, 10% of its cache of 150 GiB") {
			t.Errorf("what may be lost is %q", lost)
		}
		if size := w.host(first).Access.CacheGiB; size != 0 {
			t.Errorf("its new cache, which was not seen, has %d GiB", size)
		}
		return w.host(first).Access.Cache
	})
}

// One message a minute is for a pool; who looks finds out whose turn it is.
func TestHostsInServiceAreLookedAtInTurn(t *testing.T) {
	w := newWorld(t, 3)
	w.silent = true
	w.doubt(w.ids[1]) // it is looked after already
	turns := map[string]int{}
	for range 6 {
		w.put(events.NewPoolRound("standard"))
		w.put(events.NewPoolRound("premium")) // has no pool
		w.runBy(time.Minute, func(d events.Delivery) error {
			var round events.HostRound
			if events.TypeOf([]byte(d.Body)) == events.TypeHostRound && events.Decode([]byte(d.Body), &round) == nil {
				turns[round.HostID] += round.Look
			}
			return w.handler(undisturbed).Message(context.Background(), d)
		})
	}
	if turns[string(w.ids[0])] != 2 || turns[string(w.ids[2])] != 2 || len(turns) != 2 {
		t.Errorf("looks at hosts: %v", turns)
	}
}

// It is the turn of those whose it was when the round was asked for, however late or often the message comes.
func TestARoundThatComesLateIsOfItsMinute(t *testing.T) {
	w := newWorld(t, 3)
	w.silent = true
	body, sent := `{"version":"1","type":"PoolRound","tier":"standard"}`, w.now
	for range 3 {
		w.must(w.handler(undisturbed).Message(t.Context(), events.Delivery{ID: "m", Queue: queuetest.Name, Body: body, SentAt: sent}))
		w.now = w.now.Add(time.Minute)
	}
	asked := map[string]int{}
	for _, m := range w.repairs.Messages() {
		asked[m.Body]++
	}
	if len(asked) != 1 {
		t.Errorf("asked for %v", asked)
	}
}
