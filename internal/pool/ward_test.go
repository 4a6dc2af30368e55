package pool_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

func ill(n int, zone string) pool.Patient {
	return pool.Patient{Host: pool.HostID(fmt.Sprintf("share-standard-%d", n)), Zone: zone}
}

// inside counts the hosts that are being mended, and fails if one is there twice.
func inside(t interface{ Fatalf(string, ...any) }, w pool.Ward) int {
	n, seen := 0, map[pool.HostID]bool{}
	for _, p := range w.Patients {
		if seen[p.Host] {
			t.Fatalf("%s is on the ward twice: %+v", p.Host, w.Patients)
		}
		if seen[p.Host] = true; p.Inside {
			n++
		}
	}
	return n
}

func TestATenthOfAPoolIsMendedAtOnceAndAtLeastOne(t *testing.T) {
	for hosts, want := range map[int]int{0: 1, 1: 1, 9: 1, 10: 1, 19: 1, 20: 2, 50: 5} {
		var w pool.Ward
		for n := range 20 {
			w, _ = w.Enter(ill(n, fmt.Sprint("zone-", n)), hosts, now)
		}
		if got := inside(t, w); got != want {
			t.Errorf("of %d hosts %d are mended at once, want %d", hosts, got, want)
		}
	}
}

func TestNoMoreThanSixOfAPoolAreBegunWithinAnHour(t *testing.T) {
	var w pool.Ward
	why := ""
	for n := range 6 {
		if w, why = w.Enter(ill(n, ""), 1, now.Add(time.Duration(n)*time.Minute)); why != "" {
			t.Fatalf("host %d is not admitted: %s", n, why)
		}
		w = w.Leave(ill(n, "").Host, false, now)
	}
	w, why = w.Enter(ill(6, ""), 1, now.Add(time.Hour-time.Second))
	if !strings.Contains(why, "within an hour") {
		t.Errorf("a seventh is admitted: %q", why)
	}
	w, why = w.Enter(ill(6, ""), 1, now.Add(time.Hour))
	if why != "" || inside(t, w) != 1 {
		t.Errorf("an hour after the first it is not admitted: %q", why)
	}
}

func TestNoneIsAdmittedForAWhileAfterOneWasGivenUp(t *testing.T) {
	w, _ := pool.Ward{}.Enter(ill(1, ""), 50, now)
	w = w.Leave(ill(1, "").Host, true, now)
	if _, why := w.Enter(ill(2, ""), 50, now.Add(15*time.Minute-time.Second)); !strings.Contains(why, "failed") {
		t.Errorf("admitted just after a failure: %q", why)
	}
	if _, why := w.Enter(ill(2, ""), 50, now.Add(15*time.Minute)); why != "" {
		t.Errorf("not admitted a quarter of an hour after a failure: %q", why)
	}
}

func TestOneThatIsAdmittedStaysSoWhateverHolds(t *testing.T) {
	w, _ := pool.Ward{}.Enter(ill(1, "zone-a"), 1, now)
	w.FailedAt = now
	for n := 2; n < 9; n++ {
		w, _ = w.Enter(ill(n, "zone-a"), 1, now)
	}
	again, why := w.Enter(ill(1, "zone-a"), 1, now.Add(time.Minute))
	if why != "" || inside(t, again) != 1 || len(again.Begun) != len(w.Begun) {
		t.Errorf("it is admitted again, or not any more: %q, %+v", why, again)
	}
}

func TestAZoneSeemsToFailWhenItsHostsFallIllTogether(t *testing.T) {
	for name, test := range map[string]struct {
		zones []string
		every time.Duration // between two that fall ill
		want  []string
	}{
		"ten of one zone within a minute":  {slices.Repeat([]string{"zone-a"}, 10), 6 * time.Second, []string{"zone-a"}},
		"three of one zone":                {slices.Repeat([]string{"zone-a"}, 3), 5 * time.Minute, []string{"zone-a"}},
		"three of one zone, further apart": {slices.Repeat([]string{"zone-a"}, 3), 5*time.Minute + time.Second, nil},
		"two of one zone":                  {slices.Repeat([]string{"zone-a"}, 2), time.Second, nil},
		"three of different zones":         {[]string{"zone-a", "zone-b", "zone-c"}, time.Second, nil},
		"two zones":                        {[]string{"zone-b", "zone-a", "zone-b", "zone-a", "zone-b", "zone-a"}, time.Second, []string{"zone-a", "zone-b"}},
		"hosts that AWS placed":            {slices.Repeat([]string{""}, 5), time.Second, nil},
		"the last three of many, slowly":   {append(slices.Repeat([]string{"zone-b"}, 1), slices.Repeat([]string{"zone-a"}, 3)...), 5 * time.Minute, []string{"zone-a"}},
	} {
		w, at := pool.Ward{}, now
		for n, zone := range test.zones {
			at = now.Add(time.Duration(n) * test.every)
			w, _ = w.Enter(ill(n, zone), 100, at)
		}
		if got := w.FailingZones(at); !slices.Equal(got, test.want) {
			t.Errorf("%s: failing zones %v, want %v", name, got, test.want)
		}
		if got := w.FailingZones(at.Add(time.Hour)); len(got) > 0 {
			t.Errorf("%s: an hour later %v still fail", name, got)
		}
		for _, zone := range test.want {
			if _, why := w.Enter(ill(99, zone), 1000, at); !strings.Contains(why, "seems to fail") {
				t.Errorf("%s: a host of %s is admitted: %q", name, zone, why)
			}
		}
		if w, why := w.Enter(ill(98, "zone-z"), 1000, at); why != "" {
			t.Errorf("%s: a host of another zone is not: %q; %+v", name, why, w)
		}
	}
}

func TestAZoneIsWellAgainWhenOneOfItsHostsIs(t *testing.T) {
	var w pool.Ward
	for n := range 3 {
		w, _ = w.Enter(ill(n, "zone-a"), 100, now)
	}
	if w = w.Leave(ill(1, "").Host, false, now); len(w.FailingZones(now)) > 0 {
		t.Errorf("%v fail with two hosts ill", w.FailingZones(now))
	}
}

func TestHostsThatAPersonWantsChangedSayNothingOfTheirZone(t *testing.T) {
	var w pool.Ward
	for n := range 5 {
		p := ill(n, "zone-a")
		p.Planned = true
		w, _ = w.Enter(p, 100, now)
	}
	if zones := w.FailingZones(now); len(zones) > 0 {
		t.Errorf("%v seem to fail, for somebody wants images changed", zones)
	}
	for n := 5; n < 8; n++ {
		w, _ = w.Enter(ill(n, "zone-a"), 100, now)
	}
	p := ill(8, "zone-a")
	p.Planned = true
	if _, why := w.Enter(p, 100, now); !strings.Contains(why, "3 of the pool's hosts") {
		t.Errorf("a machine is replaced in a zone that fails: %q", why)
	}
}

func TestTheWardNeverHoldsMoreThanItMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.IntRange(0, 45).Draw(t, "hosts")
		w, at := pool.Ward{}, now
		var begun []time.Time
		for range rapid.IntRange(1, 80).Draw(t, "moves") {
			at = at.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
			p := ill(rapid.IntRange(0, 9).Draw(t, "host"), rapid.SampledFrom([]string{"", "zone-a", "zone-b"}).Draw(t, "zone"))
			before := inside(t, w)
			if rapid.Bool().Draw(t, "enter") {
				var why string
				old := w.Clone()
				if w, why = w.Enter(p, hosts, at); inside(t, w) > before {
					begun = append(begun, at)
				}
				if slices.ContainsFunc(w.Patients, func(q pool.Patient) bool { return q.Host == p.Host && q.Inside }) != (why == "") {
					t.Fatalf("why %q, ward %+v", why, w)
				}
				if len(old.Patients) > 0 && !slices.Equal(old.Patients, w.Patients[:len(old.Patients)]) && before == inside(t, w) {
					t.Fatalf("somebody else was moved: %+v, %+v", old, w)
				}
			} else {
				w = w.Leave(p.Host, false, at)
				if slices.ContainsFunc(w.Patients, func(q pool.Patient) bool { return q.Host == p.Host }) {
					t.Fatal("it is still there")
				}
			}
			if n := inside(t, w); n > max(1, hosts/10) {
				t.Fatalf("%d of %d are inside", n, hosts)
			}
			lately := 0
			for _, b := range begun {
				if at.Sub(b) < time.Hour {
					lately++
				}
			}
			if lately > 6 {
				t.Fatalf("%d were begun within an hour", lately)
			}
		}
		for n := range 10 { // who leaves makes place
			w = w.Leave(ill(n, "").Host, false, at)
		}
		if w, why := w.Enter(ill(3, ""), hosts, at.Add(2*time.Hour)); why != "" || inside(t, w) != 1 {
			t.Fatalf("with nobody there none is admitted: %s", why)
		}
	})
}

func TestOneHostOfAPoolIsUpdatedAtATime(t *testing.T) {
	update := func(n int) pool.Patient {
		return pool.Patient{Host: ill(n, "").Host, Planned: true, Update: true}
	}
	w, why := pool.Ward{}.Enter(update(1), 50, now)
	if why != "" {
		t.Fatal(why)
	}
	if w, why = w.Enter(update(2), 50, now); !strings.Contains(why, "share-standard-1 is being updated, and one of a pool is at a time") {
		t.Errorf("a second is updated: %q", why)
	}
	if w, why = w.Enter(ill(3, "a"), 50, now); why != "" {
		t.Errorf("one that is ill waits for it: %s", why)
	}
	if w, why = w.Enter(pool.Patient{Host: ill(4, "").Host, Planned: true}, 50, now); why != "" {
		t.Errorf("one that is replaced waits for it: %s", why)
	}
	if _, why = w.Leave(update(1).Host, false, now).Enter(update(2), 50, now); why != "" {
		t.Errorf("after it, the next waits still: %s", why)
	}
}
