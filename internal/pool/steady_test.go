package pool_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

func TestAHostThatFlapsIsWaitedForLonger(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostCordoned
	at := now
	for n, want := range []time.Duration{5, 10, 20, 40, 40, 40} {
		at = at.Add(time.Minute)
		h = pool.Marked(h, "cpu", pool.AlarmMark{On: true, At: at}, at)
		if due := h.SteadyAt(term, at); !due.IsZero() {
			t.Errorf("while its alarm is on it is let in at %s", due)
		}
		at = at.Add(time.Minute)
		h = pool.Marked(h, "cpu", pool.AlarmMark{At: at}, at)
		if got := h.SteadyAt(term, at).Sub(at); got != want*time.Minute {
			t.Errorf("the %d. time it is waited for %s, want %d minutes", n+1, got, want)
		}
	}
	if got := h.SteadyAt(term, at.Add(6*time.Hour)).Sub(at); got != term {
		t.Errorf("hours later it is waited for %s", got)
	}
}

func TestAlarmsOfAHostThatIsBeingMadeAreNoFlaps(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostPreparing
	h = pool.Marked(h, "silence", pool.AlarmMark{On: true, At: now}, now)
	h = pool.Marked(h, "silence", pool.AlarmMark{At: now}, now)
	if len(h.Rang) > 0 || !h.Calm.IsZero() || len(h.Barred()) > 0 {
		t.Errorf("it rang %v, is calm since %s, barred by %v", h.Rang, h.Calm, h.Barred())
	}
}

func TestWhatRingsSoonAfterAHostWasSetIsNoFlap(t *testing.T) {
	tests := map[string]struct {
		since time.Duration // since it was made, or mended
		fell  bool
	}{
		"at once":                {0, false},
		"while alarms look back": {15*time.Minute - time.Second, false},
		"when they do no more":   {15 * time.Minute, true},
		"when that is not known": {100 * 365 * 24 * time.Hour, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := host(1, "ff")
			h.State, h.Set = pool.HostInService, now.Add(-test.since)
			h = pool.Marked(h, "silence", pool.AlarmMark{On: true, At: now}, now)
			if got := len(h.Rang) > 0; got != test.fell {
				t.Errorf("it counts: %v, want %v", got, test.fell)
			}
			if len(h.Barred()) == 0 {
				t.Error("it takes tenants while its alarm is on")
			}
		})
	}
}

func TestAlarmsOfAHostThatIsBeingMendedAreNoFlaps(t *testing.T) {
	h := host(1, "ff")
	h.State, h.Repair = pool.HostCordoned, 1
	if h = pool.Marked(h, "status", pool.AlarmMark{On: true, At: now}, now); len(h.Rang) > 0 {
		t.Errorf("it rang %v", h.Rang)
	}
}

// A repair restarts machines, for which their alarms ring when it is over, because they look back.
func TestAlarmsOfTheRepairItselfAreWaitedOut(t *testing.T) {
	h := host(1, "ff")
	h.State, h.Repair, h.Doubt = pool.HostCordoned, 1, "it is silent"
	h, err := pool.Reconsider(pool.Discharged(h, now), now, "it was repaired")
	if err != nil {
		t.Fatal(err)
	}
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	if h.State != pool.HostCordoned || h.Steady(term, at(4)) || !h.Steady(term, at(5)) {
		t.Errorf("it is %s: %v", h.State, h.Barred())
	}
	h = pool.Marked(h, "availability", pool.AlarmMark{On: true, At: at(1)}, at(1))
	h = pool.Marked(h, "availability", pool.AlarmMark{At: at(3)}, at(3))
	if h.State != pool.HostCordoned || h.Steady(term, at(7)) || !h.Steady(term, at(8)) {
		t.Errorf("with its alarm over at 3 it is let in at %s", h.SteadyAt(term, at(3)))
	}
}

func TestAHostThatIsMendedWhileAnAlarmIsOnWaitsForIt(t *testing.T) {
	h := host(1, "ff")
	h.State, h.Repair, h.Alarms = pool.HostCordoned, 1, map[string]pool.AlarmMark{"cpu": {On: true, At: now}}
	if h = pool.Discharged(h, now); !h.Calm.IsZero() {
		t.Errorf("it is calm since %s", h.Calm)
	}
}

// news is a change of an alarm as it travels.
type news struct {
	alarm string
	mark  pool.AlarmMark
}

// Alarms go on and off, and news of it is lost, doubled and overtaken; a pool check looks each minute, or is lost. It is never
// let in while one rings, and is in the end. If news comes when it is new, it is calm before, and nobody hears of flapping.
func TestAHostIsLetInOnceItsAlarmsAreOverForGood(t *testing.T) {
	names := []string{"cpu", "disk", "status"}
	rapid.Check(t, func(t *rapid.T) {
		prompt := rapid.Bool().Draw(t, "prompt")
		h := host(1, "ff")
		h.State = pool.HostInService
		truth := map[string]pool.AlarmMark{}
		var under []news
		cordons, returns, calms, at := 0, 0, 0, now
		var quiet time.Time // since when nothing rings
		become := func(after pool.Host) {
			switch {
			case h.State == pool.HostInService && after.State == pool.HostCordoned:
				cordons++
			case h.State == pool.HostCordoned && after.State == pool.HostInService:
				returns++
				for name, mark := range truth {
					if mark.On {
						t.Fatalf("it is let in while %s rings", name)
					}
				}
				if prompt && at.Sub(quiet) < term {
					t.Fatalf("it is let in %s after its last alarm was over", at.Sub(quiet))
				}
			}
			h = after
		}
		hear := func(n news) {
			known, ok := h.Alarms[n.alarm]
			if ok && !n.mark.At.After(known.At) {
				return
			}
			after, err := pool.Reconsider(pool.Marked(h, n.alarm, n.mark, at), at, "heard")
			if err != nil {
				t.Fatal(err)
			}
			become(after)
		}
		check := func() {
			if h.State != pool.HostCordoned {
				return
			}
			looks := map[string]pool.AlarmLook{}
			for _, name := range pool.Rechecks(h, term, at) {
				if mark, there := truth[name]; there {
					looks[name] = pool.AlarmLook{On: mark.On, OK: !mark.On, At: mark.At}
				}
			}
			if len(looks) == 0 {
				return
			}
			if h.Steady(term, at) { // then all that ring are looked at
				for name, mark := range truth {
					if mark.On {
						looks[name] = pool.AlarmLook{On: true, At: mark.At}
					}
				}
			}
			after, _, err := pool.Recheck(h, looks, term, at)
			if err != nil {
				t.Fatal(err)
			}
			become(after)
		}
		rings := func() bool {
			return slices.ContainsFunc(names, func(name string) bool { return truth[name].On })
		}
		for range rapid.IntRange(1, 120).Draw(t, "minutes") {
			at = at.Add(time.Minute)
			if rapid.IntRange(0, 3).Draw(t, "changes") == 0 {
				name, before := rapid.SampledFrom(names).Draw(t, "alarm"), rings()
				if before && quiet.IsZero() {
					quiet = at
				}
				n := news{name, pool.AlarmMark{On: !truth[name].On, At: at}}
				truth[name] = n.mark
				switch {
				case before && !rings():
					quiet = at
				case !before && rings() && at.Sub(quiet) >= term:
					calms++
				}
				if prompt {
					hear(n)
				}
				if rapid.IntRange(0, 3).Draw(t, "lost") > 0 {
					under = append(under, n)
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "delivered") {
				if len(under) == 0 {
					break
				}
				i := rapid.IntRange(0, len(under)-1).Draw(t, "which")
				n := under[i]
				if rapid.Bool().Draw(t, "for good") {
					under = slices.Delete(under, i, i+1)
				}
				hear(n)
			}
			if rapid.IntRange(0, 2).Draw(t, "checked") > 0 {
				check()
			}
		}
		if prompt && cordons > calms+1 || returns > cordons {
			t.Fatalf("%d times cordoned and %d times let in, with %d times calm for long enough", cordons, returns, calms)
		}
		// Now all is over, and told.
		at = at.Add(time.Minute)
		for _, name := range names {
			if truth[name].On {
				truth[name] = pool.AlarmMark{At: at}
				quiet = at
			}
		}
		for _, n := range under {
			hear(n)
		}
		for range 8*5 + 8 { // it may be found OK a term later
			at = at.Add(time.Minute)
			check()
		}
		if h.State != pool.HostInService || len(h.Rang) > 8 {
			t.Fatal(fmt.Sprintf("host is %s %s after all was over: %s; it rang %v", h.State, at.Sub(quiet), h.Barriers(), h.Rang))
		}
	})
}

func TestAHostThatComesIntoDoubtAgainIsWaitedFor(t *testing.T) {
	doubted := func(h pool.Host, at time.Time) pool.Host {
		h, err := pool.Suspect(h, "signups failed", at)
		if err != nil || h.State != pool.HostCordoned {
			t.Fatalf("it is %s, %v", h.State, err)
		}
		return h
	}
	trusted := func(h pool.Host, at time.Time) pool.Host {
		h, err := pool.Trusted(h, at, "it answered")
		if err != nil || h.Doubt != "" {
			t.Fatalf("it is doubted: %q, %v", h.Doubt, err)
		}
		return h
	}
	h := host(1, "ff")
	h.State = pool.HostInService
	h = trusted(doubted(h, now), now.Add(time.Minute))
	if h.State != pool.HostInService {
		t.Fatalf("the first time it is %s: %v", h.State, h.Barred())
	}
	h = doubted(h, now.Add(2*time.Minute))
	// An alarm of the same trouble does not count once more.
	h = pool.Marked(h, "status", pool.AlarmMark{On: true, At: now.Add(3 * time.Minute)}, now.Add(3*time.Minute))
	h = pool.Marked(h, "status", pool.AlarmMark{At: now.Add(4 * time.Minute)}, now.Add(4*time.Minute))
	at := now.Add(5 * time.Minute)
	h = trusted(h, at)
	if got := h.SteadyAt(term, at).Sub(h.Calm); h.State != pool.HostCordoned || got != 2*term {
		t.Errorf("the second time it is %s, and waited for %s", h.State, got)
	}
	again := doubted(h, at.Add(time.Minute))
	if !again.Calm.IsZero() {
		t.Error("it is calm while it is in doubt")
	}
	due := h.SteadyAt(term, at)
	if early, changed, err := pool.Recheck(h, nil, term, due.Add(-time.Second)); changed || err != nil {
		t.Errorf("too early it is %s, %v", early.State, err)
	}
	if late, changed, err := pool.Recheck(h, nil, term, due); !changed || err != nil || late.State != pool.HostInService {
		t.Errorf("after that it is %s, %v", late.State, err)
	}
	if h := trusted(doubted(h, at.Add(7*time.Hour)), at.Add(7*time.Hour)); h.State != pool.HostInService {
		t.Errorf("hours later it is %s", h.State)
	}
}

// One failure is one, by whatever it shows: what RDS says of the instance, an alarm, and signups that fail.
func TestOneFailureIsCountedOnce(t *testing.T) {
	ails := map[string]func(pool.Host) pool.Host{
		"RDS":     func(h pool.Host) pool.Host { return troubled(t, h, "storage-full") },
		"alarm":   func(h pool.Host) pool.Host { return pool.Marked(h, "cpu", pool.AlarmMark{On: true, At: now}, now) },
		"signups": func(h pool.Host) pool.Host { return suspect(t, h) },
	}
	for first, begin := range ails {
		for then, more := range ails {
			h := host(1, "ff")
			h.State = pool.HostInService
			if h = more(begin(h)); len(h.Rang) != 1 {
				t.Errorf("%s, then %s: it fell %d times", first, then, len(h.Rang))
			}
		}
	}
}

// What RDS says changes each minute: the host is let in at once the first time, and then once that has lasted.
func TestAHostThatFlapsByItsStatusIsWaitedFor(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostInService
	for n, want := range []time.Duration{0, 10, 20, 40} {
		at := now.Add(time.Duration(2*n) * time.Minute)
		at, h = at.Add(time.Minute), troubledAt(t, h, "storage-full", at)
		if h.State != pool.HostCordoned || !h.Calm.IsZero() {
			t.Fatalf("it is %s, calm since %s", h.State, h.Calm)
		}
		h = troubledAt(t, h, "modifying", at)
		if want == 0 && h.State == pool.HostInService {
			continue
		}
		if got := h.SteadyAt(term, at).Sub(at); h.State != pool.HostCordoned || got != want*time.Minute {
			t.Errorf("the %d. time it is %s, and waited for %s, want %d minutes", n+1, h.State, got, want)
		}
	}
}

func troubled(t *testing.T, h pool.Host, status string) pool.Host {
	t.Helper()
	return troubledAt(t, h, status, now)
}

func troubledAt(t *testing.T, h pool.Host, status string, at time.Time) pool.Host {
	t.Helper()
	h, _, err := pool.Troubled(h, status, at)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func suspect(t *testing.T, h pool.Host) pool.Host {
	t.Helper()
	h, err := pool.Suspect(h, "signups fail", now)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
