package pool_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// coming is a tier with hosts on their way, of the given ages, and nothing free.
func coming(ages ...time.Duration) pool.TierSeen {
	t := seenTier(pool.Budget{}, 0, 0, 0)
	for k, seen := range t.Pools {
		for i, age := range ages {
			seen.Record.Coming = append(seen.Record.Coming, pool.Coming{Host: seen.Record.Key.Host(i + 1), OrderedAt: now.Add(-age), Slots: 10})
			seen.Record.Counters = seen.Record.Counters.Add(pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 10})
		}
		t.Pools[k] = seen
	}
	return t
}

func TestWhoWaitsIsToldForHowLong(t *testing.T) {
	fresh := coming().EstimateWait(1, now) // a host of each kind is ordered now
	if fresh.Capped != "" || fresh.Median < 20*time.Minute || fresh.Median > 35*time.Minute || fresh.Ninety <= fresh.Median {
		t.Errorf("with hosts that are ordered now: %+v", fresh)
	}
	soon := coming(12*time.Minute).EstimateWait(1, now)
	if soon.Capped != "" || soon.Median >= fresh.Median {
		t.Errorf("with hosts on their way: %+v", soon)
	}
	// Databases there are: only the share is waited for.
	share := coming()
	seen := share.Pools[pool.Database]
	seen.Record.Counters.Reserve = 5
	share.Pools[pool.Database] = seen
	if one := share.EstimateWait(1, now); one.Median >= fresh.Median || one.Median < 16*time.Minute || one.Median > 17*time.Minute {
		t.Errorf("with a share to wait for alone: %+v", one)
	}
}

func TestWhoWaitsForWhatIsCappedIsToldThat(t *testing.T) {
	full := coming()
	p := full.Policies[pool.Share]
	p.Ceiling = 1
	full.Policies[pool.Share] = p
	seen := full.Pools[pool.Share]
	seen.Record.Counters.Hosts, seen.Record.Counters.InService = 1, 1
	full.Pools[pool.Share] = seen
	got := full.EstimateWait(1, now)
	if got.Median != 0 || got.Ninety != 0 || !strings.Contains(got.Capped, "no share host may be ordered for it: ceiling") {
		t.Errorf("%+v", got)
	}
	stopped := coming()
	stopped.Limits = map[pool.Kind][]pool.Limit{pool.Database: {pool.StopOf(pool.Stops{By: "ops", Why: "a drill"})}}
	if got := stopped.EstimateWait(1, now); !strings.Contains(got.Capped, "database") || !strings.Contains(got.Capped, "stop") {
		t.Errorf("%+v", got)
	}
	// What is on its way comes all the same.
	stopped = coming(time.Minute)
	stopped.Limits = map[pool.Kind][]pool.Limit{pool.Database: {pool.StopOf(pool.Stops{})}}
	if got := stopped.EstimateWait(10, now); got.Capped != "" {
		t.Errorf("the tenth, whose hosts are on their way: %+v", got)
	}
	if got := stopped.EstimateWait(11, now); got.Capped == "" {
		t.Errorf("the eleventh, whose hosts are not: %+v", got)
	}
}

// A host that people released is on its way again, and slots that rest are soon free: nothing is ordered for who can have them, and
// that is no reason to say that there is none.
func TestWhoWaitsForWhatIsOnItsWayIsToldForHowLong(t *testing.T) {
	released := coming()
	for k, seen := range released.Pools {
		seen.Record.Counters = seen.Record.Counters.Add(pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 10})
		released.Pools[k] = seen
	}
	if got, fresh := released.EstimateWait(1, now), coming().EstimateWait(1, now); got.Capped != "" || got.Median >= fresh.Median || fresh.Median-got.Median > pool.CheckEvery {
		t.Errorf("with released hosts %+v, with ordered ones %+v", got, fresh)
	}
	resting := coming()
	for k, seen := range resting.Pools {
		seen.Record.Counters = seen.Record.Counters.Add(pool.Counters{Hosts: 1, InService: 1, Slots: 10, Cooling: 10})
		seen.CoolDown = 10 * time.Minute
		resting.Pools[k] = seen
	}
	if got := resting.EstimateWait(1, now); got.Capped != "" || got.Median < 10*time.Minute || got.Median > got.Ninety || got.Ninety > 10*time.Minute+pool.CheckEvery {
		t.Errorf("with slots that rest for ten minutes: %+v", got)
	}
	if got := resting.EstimateWait(11, now); got.Capped != "" || got.Median < 20*time.Minute {
		t.Errorf("the eleventh: %+v", got)
	}
}

// Nothing is on its way, and what the next check orders is decided on up to a minute later and found up to a minute after that:
// the medians of one minute in all come on top of the lead times'.
func TestWhatIsNotOrderedYetTakesUntilItIs(t *testing.T) {
	quick := coming()
	for k, seen := range quick.Pools {
		for range pool.LeadLimit {
			seen.Record.Leads = append(seen.Record.Leads, pool.Lead{At: now, Took: time.Minute})
		}
		p := quick.Policies[k]
		p.UsualLead = pool.Term(time.Minute)
		quick.Pools[k], quick.Policies[k] = seen, p
	}
	got := quick.EstimateWait(1, now)
	if got.Capped != "" || got.Median < 110*time.Second || got.Median > 2*time.Minute+15*time.Second || got.Ninety < 150*time.Second {
		t.Errorf("with hosts that take a minute each: %+v", got)
	}
}

// It is told by lead times in which what was measured counts twice.
func TestWhoWaitsIsToldByWhatWasMeasured(t *testing.T) {
	seen := coming()
	o, p := seen.Pools[pool.Share], seen.Policies[pool.Share]
	for range 10 {
		o.Record.Leads = append(o.Record.Leads, pool.Lead{At: now, Took: 10 * time.Minute})
	}
	seen.Pools[pool.Share] = o
	databases := seen.Pools[pool.Database]
	databases.Record.Counters.Reserve = 5
	seen.Pools[pool.Database] = databases
	want, _ := forecast.Wait([]forecast.Short{{Leads: o.Record.WaitTimes(p, now), Next: 1, Hosts: 1}}, pool.CheckEvery, 0.9)
	planned, _ := forecast.Wait([]forecast.Short{{Leads: o.Record.LeadTimes(p, now), Next: 1, Hosts: 1}}, pool.CheckEvery, 0.9)
	if got := seen.EstimateWait(1, now); got.Ninety != want || got.Ninety >= planned {
		t.Errorf("it is told %s, want %s; by what is planned with it were %s", got.Ninety, want, planned)
	}
}

func TestEstimatesGrowWithThePlaceInTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ages []time.Duration
		for range rapid.IntRange(0, 4).Draw(t, "coming") {
			ages = append(ages, time.Duration(rapid.IntRange(0, 1800).Draw(t, "age"))*time.Second)
		}
		last := pool.Estimate{}
		for position := 1; position <= 60; position += 7 {
			got := coming(ages...).EstimateWait(position, now)
			if got.Capped == "" && (last.Capped != "" || got.Median < last.Median || got.Ninety < last.Ninety || got.Ninety < got.Median) {
				t.Fatalf("at %d the estimate is %+v, before it is %+v", position, got, last)
			}
			last = got
		}
	})
}
