package pool_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// fallen is a host that an alarm took out of service.
func fallen(n int, zone, alarm string, at time.Time) pool.Host {
	h := host(n, "aaf")
	h.Zone, h.State, h.Since = zone, pool.HostCordoned, at
	h.Alarms = map[string]pool.AlarmMark{"headroom-dev-" + string(h.ID) + "-" + alarm: {On: true, At: at}}
	return h
}

func TestTheThirdHostThatFallsIsGathered(t *testing.T) {
	var s pool.Storm
	for n, want := range []bool{true, true, false, false} {
		h := fallen(n+1, "a", "cpu", now.Add(time.Duration(n)*time.Minute))
		after, alone, changed := s.Fell(h, h.Since)
		again, same, twice := after.Fell(h, h.Since.Add(time.Hour))
		if alone != want || !changed || same != want || twice {
			t.Errorf("host %d is told of alone: %v, and when it is said again %v", n+1, alone, same)
		}
		diff(t, "said again", again, after)
		s = after
	}
	if _, alone, _ := s.Fell(fallen(5, "a", "cpu", now.Add(14*time.Minute)), now.Add(14*time.Minute)); !alone {
		t.Error("one that falls when nothing has for ten minutes is told of alone")
	}
	if s.Gathers("share-standard-1") || !s.Gathers("share-standard-3") {
		t.Errorf("gathered are %+v", s.Fallen)
	}
	at := now.Add(3 * time.Minute)
	if _, due := s.Gathered(at.Add(59 * time.Second)); due {
		t.Error("it is told of while others may fall")
	}
	g, due := s.Gathered(at.Add(time.Minute))
	if !due || len(g.Fell) != 2 || len(g.Beside) != 2 || len(g.Failing) != 0 {
		t.Fatalf("due %v: %+v", due, g)
	}
	begun := s.Begun(at.Add(time.Minute))
	if _, due := begun.Gathered(at.Add(2 * time.Minute)); due {
		t.Error("two tell of it at once")
	}
	if _, due := begun.Gathered(at.Add(3 * time.Minute)); !due {
		t.Error("nobody tells after who began it has died")
	}
	told := begun.Ended(g, at.Add(time.Minute))
	if _, due := told.Gathered(at.Add(time.Hour)); due {
		t.Error("it is told of twice")
	}
}

func TestWhatFellTogetherIsToldOfOnceWhenAllIsBack(t *testing.T) {
	var s pool.Storm
	for n := range 4 {
		s, _, _ = s.Fell(fallen(n+1, "a", "status", now), now)
	}
	g, _ := s.Gathered(now.Add(time.Minute))
	diff(t, "failing", g.Failing, []string{"a"})
	s = s.Begun(now).Ended(g, now.Add(time.Minute))
	later, _, _ := s.Fell(fallen(5, "a", "status", now.Add(9*time.Minute)), now.Add(9*time.Minute))
	if _, due := later.Gathered(now.Add(10 * time.Minute)); due {
		t.Error("people are told of more within ten minutes")
	}
	if g, due := later.Gathered(now.Add(11 * time.Minute)); !due || len(g.Fell) != 1 || len(g.Failing) != 0 {
		t.Errorf("later they are told of %+v, due %v", g, due)
	}
	again := s
	for n := range 3 { // when the zone comes back, its hosts fall once more
		at := now.Add(time.Duration(20+n) * time.Minute)
		back := fallen(n+1, "a", "status", at)
		back.State = pool.HostInService
		again, _, _ = again.Returned(back)
		again, _, _ = again.Fell(fallen(n+1, "a", "availability", at.Add(time.Second)), at.Add(time.Second))
	}
	if g, due := again.Gathered(now.Add(25 * time.Minute)); !due || len(g.Fell) == 0 || len(g.Failing) != 0 {
		t.Errorf("that the zone fails is told of once more: %+v, due %v", g, due)
	}
	if g, _ := again.Gathered(now.Add(61 * time.Minute)); len(g.Failing) != 1 {
		t.Errorf("after an hour that the zone fails is told of as %v", g.Failing)
	}
	for n, wantAlone := range []bool{true, true, false, false} {
		h := fallen(n+1, "a", "status", now.Add(time.Duration(20+n)*time.Minute))
		h.State = pool.HostInService
		after, alone, changed := s.Returned(h)
		if _, same, twice := after.Returned(h); alone != wantAlone || same != alone || !changed || twice {
			t.Errorf("that host %d is back is told of alone: %v", n+1, alone)
		}
		s = after
		g, due := s.Gathered(h.Since)
		if due != (n == 3) {
			t.Errorf("after host %d is back it is told of %+v", n+1, g)
		}
		if due {
			diff(t, "told of", len(g.Back), 2)
			if _, due := s.Begun(h.Since).Ended(g, h.Since).Gathered(h.Since.Add(time.Hour)); due {
				t.Error("it is told of twice")
			}
		}
		if failing := s.FailingZones(h.Since); (len(failing) == 1) != (n == 0) {
			t.Errorf("with %d of 4 back %v fail", n+1, failing)
		}
	}
}

func TestAZoneFailsByHostsOfWhateverPoolThatAreDown(t *testing.T) {
	of := func(kind pool.Kind, alarm string) pool.Host {
		h := fallen(1, "a", "none", now)
		h.Kind = kind
		h.ID = h.Key().Host(7)
		h.Alarms = map[string]pool.AlarmMark{"headroom-dev-" + string(h.ID) + "-" + alarm: {On: true, At: now}}
		return h
	}
	doubted := fallen(3, "a", "none", now)
	doubted.Doubt = "it does not answer"
	for name, test := range map[string]struct {
		hosts []pool.Host
		want  int
	}{
		"a database and two gateways":    {[]pool.Host{of(pool.Database, "silence"), of(pool.Share, "availability"), doubted}, 1},
		"one of them is overworked only": {[]pool.Host{of(pool.Database, "cpu"), of(pool.Share, "availability"), doubted}, 0},
		"one of them can't upload only":  {[]pool.Host{of(pool.Database, "silence"), of(pool.Share, "uploads"), doubted}, 0},
		"one of them is elsewhere":       {[]pool.Host{fallen(2, "b", "status", now), of(pool.Database, "silence"), doubted}, 0},
		"they are two":                   {[]pool.Host{of(pool.Database, "silence"), doubted}, 0},
	} {
		var s pool.Storm
		for _, h := range test.hosts {
			s, _, _ = s.Fell(h, now)
		}
		if got := s.FailingZones(now); len(got) != test.want {
			t.Errorf("%s: %v fail", name, got)
		}
		if got := s.FailingZones(now.Add(time.Hour)); len(got) != 0 {
			t.Errorf("%s: an hour later %v fail", name, got)
		}
	}
}

// Hosts fall and come back as they like; who tells dies now and then, before or after people hear.
func TestEveryHostThatFallsIsToldOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s pool.Storm
		owed, backOwed := map[string]bool{}, map[string]bool{}
		name := func(h pool.HostID, at time.Time) string { return fmt.Sprint(h, at.Unix()) }
		cordoned := map[int]pool.Host{}
		at, messages, deaths, singles := now, 0, 0, 0
		tell := func() {
			g, due := s.Gathered(at)
			if !due {
				return
			}
			s = s.Begun(at)
			death := rapid.IntRange(0, 5).Draw(t, "death")
			if death == 0 { // before people hear
				deaths++
				return
			}
			messages++
			for _, f := range g.Fell {
				delete(owed, name(f.Host, f.At))
				if !f.BackAt.IsZero() {
					delete(backOwed, name(f.Host, f.BackAt))
				}
			}
			for _, f := range g.Back {
				delete(backOwed, name(f.Host, f.BackAt))
			}
			if death == 1 { // after they heard
				deaths++
				return
			}
			s = s.Ended(g, at)
		}
		minutes := rapid.IntRange(1, 60).Draw(t, "minutes")
		for range minutes {
			at = at.Add(time.Minute)
			for range rapid.IntRange(0, 5).Draw(t, "events") {
				n := rapid.IntRange(1, 30).Draw(t, "host")
				h, out := cordoned[n]
				var alone bool
				if !out {
					h = fallen(n, "a", "status", at)
					s, alone, _ = s.Fell(h, at)
					if cordoned[n] = h; !alone {
						owed[name(h.ID, at)] = true
					}
				} else {
					h = h.Clone()
					h.State, h.Since = pool.HostInService, at
					s, alone, _ = s.Returned(h)
					if delete(cordoned, n); !alone {
						backOwed[name(h.ID, at)] = true
					}
				}
				if alone {
					singles++
				}
			}
			tell()
		}
		for range 30 {
			at = at.Add(time.Minute)
			tell()
		}
		for range 20 { // who died last is taken for dead
			at = at.Add(time.Minute)
			tell()
		}
		if g, due := s.Gathered(at); due && deaths == 0 {
			t.Fatalf("after all is over it is told of %+v", g)
		}
		if deaths == 0 && (len(owed) > 0 || len(backOwed) > 0) {
			t.Fatalf("nobody was told of %v, or that %v are back", owed, backOwed)
		}
		// Of what falls people hear at most every ten minutes, and of what is back as often, or when nothing is out any more.
		if most := 2*(minutes+50)/10 + 2 + deaths; messages > most+singles {
			t.Fatalf("%d messages in %d minutes, with %d deaths", messages, minutes, deaths)
		}
		var names []string
		for _, f := range s.Fallen {
			names = append(names, name(f.Host, f.At))
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(s.Fallen) {
			t.Fatalf("remembered twice: %v", names)
		}
	})
}
