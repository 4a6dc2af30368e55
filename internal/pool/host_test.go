package pool_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

var allStates = []pool.HostState{
	pool.HostOrdered, pool.HostBuilding, pool.HostPreparing, pool.HostInService, pool.HostCordoned, pool.HostDeleting, pool.HostDeleted, pool.HostQuarantined,
	pool.HostLost, pool.HostRetiring,
}

func TestMove(t *testing.T) {
	allowed := map[pool.HostState]map[pool.HostState]bool{
		pool.HostOrdered:   {pool.HostBuilding: true, pool.HostPreparing: true, pool.HostDeleting: true, pool.HostDeleted: true, pool.HostQuarantined: true},
		pool.HostBuilding:  {pool.HostPreparing: true, pool.HostDeleting: true, pool.HostQuarantined: true},
		pool.HostPreparing: {pool.HostInService: true, pool.HostCordoned: true, pool.HostDeleting: true, pool.HostQuarantined: true},
		pool.HostInService: {pool.HostCordoned: true, pool.HostLost: true, pool.HostRetiring: true},
		pool.HostCordoned:  {pool.HostInService: true, pool.HostLost: true, pool.HostRetiring: true},
		pool.HostRetiring: {
			pool.HostInService: true, pool.HostCordoned: true, pool.HostDeleted: true, pool.HostLost: true, pool.HostQuarantined: true,
		},
		pool.HostDeleting:    {pool.HostDeleted: true, pool.HostQuarantined: true},
		pool.HostQuarantined: {pool.HostBuilding: true, pool.HostPreparing: true, pool.HostDeleting: true, pool.HostDeleted: true, pool.HostRetiring: true},
	}
	for _, from := range allStates {
		for _, to := range allStates {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				before := pool.Begin(pool.Host{ID: "share-standard-1", State: from, Since: now}, pool.StepShares, now)
				before.Tries, before.Count = 3, 2
				after, err := pool.MoveHost(before, to, now.Add(time.Minute), "why")
				switch {
				case from == to:
					if err != nil {
						t.Fatal(err)
					}
					diff(t, "host", after, before)
				case !allowed[from][to]:
					if err == nil {
						t.Error("moved")
					}
				default:
					if err != nil {
						t.Fatal(err)
					}
					diff(t, "host", after, pool.Host{
						ID: before.ID, State: to, Since: now.Add(time.Minute), Why: "why",
						History: []pool.Entry{{At: now.Add(time.Minute), What: string(to), Why: "why"}},
					})
				}
			})
		}
	}
}

func TestOverdue(t *testing.T) {
	in := func(state pool.HostState, tries int) pool.Host {
		h := pool.Begin(pool.Host{ID: "share-standard-1", State: state}, pool.StepShares, now)
		h.Tries = tries
		return h
	}
	late := now.Add(pool.Deadline(pool.StepShares))
	rested := in(pool.HostPreparing, 0)
	rested.Step = ""
	tests := []struct {
		name    string
		host    pool.Host
		now     time.Time
		changed bool
		state   pool.HostState
		tries   int
	}{
		{"before the deadline", in(pool.HostPreparing, 0), late.Add(-1), false, pool.HostPreparing, 0},
		{"at the deadline", in(pool.HostPreparing, 0), late, true, pool.HostPreparing, 1},
		{"the last try", in(pool.HostPreparing, pool.MaxTries-1), late, true, pool.HostPreparing, pool.MaxTries},
		{"too many tries", in(pool.HostPreparing, pool.MaxTries), late, true, pool.HostQuarantined, 0},
		{"too many tries of a deletion", in(pool.HostDeleting, pool.MaxTries), late, true, pool.HostQuarantined, 0},
		{"a quarantine that is not announced yet", in(pool.HostQuarantined, pool.MaxTries-1), late, true, pool.HostQuarantined, pool.MaxTries},
		{"a host with tenants is never given up", in(pool.HostInService, pool.MaxTries), late, true, pool.HostInService, pool.MaxTries + 1},
		{"nor one that is cordoned", in(pool.HostCordoned, pool.MaxTries), late, true, pool.HostCordoned, pool.MaxTries + 1},
		{"a host at rest", rested, late, false, pool.HostPreparing, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, changed, err := pool.Overdue(test.host, test.now)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "outcome", []any{changed, got.State, got.Tries}, []any{test.changed, test.state, test.tries})
			if changed {
				diff(t, "deadline", got.Due, test.now.Add(pool.Deadline(got.Step)))
			}
			if changed {
				diff(t, "history", len(got.History), 1)
			}
		})
	}
}

func TestAHostThatIsGivenUpIsAnnouncedUntilItIsHeardOf(t *testing.T) {
	h := pool.Begin(pool.Host{ID: "share-standard-1", State: pool.HostPreparing}, pool.StepShares, now)
	h.Tries = pool.MaxTries
	later := h.Due
	h, _, err := pool.Overdue(h, later)
	if err != nil {
		t.Fatal(err)
	}
	why := "step shares was tried 6 times and was not done by its deadline"
	diff(t, "host", h, pool.Host{
		ID: "share-standard-1", State: pool.HostQuarantined, Since: later, Why: why,
		Progress: pool.Progress{Step: pool.StepAnnounce, Due: later.Add(pool.Deadline(pool.StepAnnounce)), Stuck: pool.StepShares},
		History:  []pool.Entry{{At: later, What: "quarantined", Why: why}},
	})
	for range 3 * pool.MaxTries {
		if h, _, err = pool.Overdue(h, h.Due); err != nil {
			t.Fatal(err)
		}
	}
	if h.State != pool.HostQuarantined || h.Step != pool.StepAnnounce || h.Due.IsZero() || !h.Since.Equal(later) {
		t.Errorf("host: %+v", h)
	}
}

// B1: whether an order is given up depends on whether it made a stack, which nobody knows here.
func TestAnOrderIsTriedUntilItIsKnownThatThereIsNoStack(t *testing.T) {
	h := pool.Begin(pool.Host{ID: "share-standard-1", State: pool.HostOrdered}, pool.StepOrder, now)
	h.Error = "it refuses"
	for try := range 20 {
		if stuck := try > pool.MaxTries; h.OrderStuck() != stuck {
			t.Errorf("after %d tries it is stuck: %v", try, !stuck)
		}
		var err error
		if h, _, err = pool.Overdue(h, h.Due); err != nil || h.State != pool.HostOrdered || h.Step != pool.StepOrder {
			t.Fatalf("host is %s at %q: %v", h.State, h.Step, err)
		}
	}
	given, err := pool.GiveUpOrder(h, now)
	if err != nil || given.State != pool.HostDeleted || given.Step != pool.StepAnnounce || given.Stuck != pool.StepOrder {
		t.Fatalf("host is %s at %q: %v", given.State, given.Step, err)
	}
	diff(t, "why", given.Why, "its stack was asked for 20 times, and there is none: it refuses")
	diff(t, "counters", pool.Contribution(given), pool.Counters{})
}

// B2: what could not be told decides nothing.
func TestAFailedHostWhoseAnnouncementIsRefusedIsDeletedAllTheSame(t *testing.T) {
	h := pool.Begin(pool.Host{ID: "share-standard-1", State: pool.HostDeleting}, pool.StepAnnounce, now)
	for range pool.MaxTries {
		var err error
		if h, _, err = pool.Overdue(h, h.Due); err != nil || h.Step != pool.StepAnnounce || h.Untold {
			t.Fatalf("host is %s at %q: %v", h.State, h.Step, err)
		}
	}
	h, _, err := pool.Overdue(h, h.Due)
	if err != nil || h.State != pool.HostDeleting || h.Step != pool.StepDelete || !h.Untold {
		t.Errorf("host is %s at %q, untold %v: %v", h.State, h.Step, h.Untold, err)
	}
}

func TestWhatIsDoneAgainAndAgainIsNoTry(t *testing.T) {
	for _, step := range []pool.Step{pool.StepWatch, pool.StepClose} {
		h := pool.Begin(pool.Host{ID: "share-standard-1", State: pool.HostInService}, step, now)
		after, changed, err := pool.Overdue(h, h.Due)
		if err != nil || !changed || after.Tries != 0 || len(after.History) != 0 || !after.Due.Equal(h.Due.Add(pool.Deadline(step))) {
			t.Errorf("%s: tries %d, %d lines of history, due %s, %v", step, after.Tries, len(after.History), after.Due, err)
		}
	}
}

func TestEveryStepHasADeadline(t *testing.T) {
	for _, s := range []pool.Step{
		pool.StepOrder, pool.StepBuild, pool.StepBoot, pool.StepActivate, pool.StepStabilize, pool.StepAlarms, pool.StepCache, pool.StepShares,
		pool.StepAvailable, pool.StepHarden, pool.StepSlots, pool.StepSettle, pool.StepAnnounce, pool.StepDelete, pool.StepWatch, pool.StepClose, pool.StepOpen, pool.StepServe, pool.StepReport,
	} {
		if pool.Deadline(s) <= 0 {
			t.Errorf("step %s has none", s)
		}
	}
}

func TestHostsNameWhatIsOn(t *testing.T) {
	h := pool.Host{Alarms: map[string]pool.AlarmMark{"disk": {On: true}, "cpu": {On: true}, "memory": {}}}
	diff(t, "alarms", h.Alarmed(), []string{"cpu", "disk"})
	c := h.Clone()
	c.Alarms["memory"] = pool.AlarmMark{On: true}
	diff(t, "alarms after a copy was changed", h.Alarmed(), []string{"cpu", "disk"})
}

func TestContribution(t *testing.T) {
	in := func(state pool.HostState) pool.Host {
		h := host(1, "ffoaaplcc")
		h.State = state
		return h
	}
	tests := []struct {
		state pool.HostState
		want  pool.Counters
	}{
		{pool.HostOrdered, pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 9}},
		{pool.HostBuilding, pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 9}},
		{pool.HostPreparing, pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 9}},
		{pool.HostInService, pool.Counters{Hosts: 1, InService: 1, Slots: 9, Reserve: 2, Used: 3, Leaving: 1, Cooling: 2, Room: pool.Room{3: 1, 4: 1}}},
		{pool.HostCordoned, pool.Counters{Hosts: 1, Cordoned: 1, CordonedUsed: 3, Leaving: 1}},
		{pool.HostQuarantined, pool.Counters{Hosts: 1, Quarantined: 1}},
		{pool.HostDeleting, pool.Counters{Hosts: 1}},
		{pool.HostDeleted, pool.Counters{}},
	}
	for _, test := range tests {
		t.Run(string(test.state), func(t *testing.T) {
			got := pool.Contribution(in(test.state))
			diff(t, "counters", got, test.want)
			diff(t, "less itself", got.Sub(got), pool.Counters{})
			diff(t, "twice", got.Add(got).Sub(got), got)
		})
	}
	diff(t, "no host", pool.Contribution(pool.Host{}), pool.Counters{})
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		-1: 0, 0: 0, 1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1000: time.Hour,
	} {
		if got := pool.Backoff(failures); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
	}
}

func TestHostIDsReadWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := pool.Key{Kind: rapid.SampledFrom(pool.Kinds).Draw(t, "kind"), Tier: pool.Tier(rapid.StringMatching(`[a-z0-9]{1,20}`).Draw(t, "tier"))}
		seq := rapid.IntRange(1, 1<<30).Draw(t, "seq")
		gotKey, gotSeq, err := k.Host(seq).Parse()
		if err != nil || gotKey != k || gotSeq != seq {
			t.Fatalf("%s became %v, %d, %v", k.Host(seq), gotKey, gotSeq, err)
		}
	})
	for _, id := range []pool.HostID{"", "share", "share-standard", "share-standard-x", "share-standard-0", "share--1", "tape-standard-1", "share-a-b-1"} {
		if k, seq, err := id.Parse(); err == nil {
			t.Errorf("%q was read as %v, %d", id, k, seq)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var history []pool.Entry
	for i := range pool.HistoryLimit + 5 {
		shorter := history
		history = pool.Append(history, pool.Entry{At: now.Add(time.Duration(i))})
		if len(shorter) > 0 && len(history) > pool.HistoryLimit {
			t.Fatalf("%d entries", len(history))
		}
	}
	diff(t, "the very first, which says how it came to be", history[0].At, now)
	diff(t, "oldest beside it", history[1].At, now.Add(6))
	diff(t, "newest", history[len(history)-1].At, now.Add(pool.HistoryLimit+4))
}
