package pool_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func ailing() pool.Host {
	h := doomed().Host
	h.Image, h.Repair = "ami-1", 0
	return h
}

// begun is the first repair of a host.
func begun(t *testing.T) pool.Repair {
	t.Helper()
	r, fresh := pool.BeginRepair(pool.Repair{}, ailing(), "it is silent", pool.Wanted{}, now)
	if !fresh {
		t.Fatal("the first repair is not begun")
	}
	return r
}

func moved(t *testing.T, r pool.Repair, to pool.RepairState, step pool.Step, at time.Time) pool.Repair {
	t.Helper()
	r, err := pool.MoveRepair(r, to, step, at, "because")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mending is a repair that is under way.
func mending(t *testing.T, w pool.Way) pool.Repair {
	t.Helper()
	r, err := moved(t, begun(t), pool.RepairWaiting, pool.StepEnter, now).Try(w, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARepairBegins(t *testing.T) {
	r := begun(t)
	if r.Number != 1 || r.State != pool.RepairLooking || r.Step != pool.StepExamine || r.Machine != "i-1" || r.Cache != "vol-cache" || r.Image != "ami-1" || r.ID() != "share-standard-1.1" {
		t.Errorf("the first: %+v", r)
	}
	for _, s := range []pool.RepairState{pool.RepairLooking, pool.RepairWaiting, pool.RepairMending, pool.RepairAsking} {
		r.State = s
		if again, fresh := pool.BeginRepair(r, ailing(), "again", pool.Wanted{By: "ops"}, now.Add(time.Hour)); fresh || again.Number != 1 {
			t.Errorf("one that is %s is begun again", s)
		}
	}
}

func TestWhatEndedIsNotBegunAgainAtOnce(t *testing.T) {
	for state, lull := range map[pool.RepairState]time.Duration{pool.RepairPassed: 10 * time.Minute, pool.RepairDropped: time.Hour, pool.RepairMended: 0} {
		from, ended := begun(t), now.Add(3*time.Hour) // it waited for long: the lull is since its end
		if state == pool.RepairMended {
			from = mending(t, pool.WayReboot)
		}
		last := moved(t, from, state, "", ended)
		last.Ended, last.Kept, last.Version = []time.Time{now}, []pool.KeptDisk{{Volume: "vol-0"}}, 7
		if lull > 0 {
			if _, fresh := pool.BeginRepair(last, ailing(), "again", pool.Wanted{}, ended.Add(lull-time.Second)); fresh {
				t.Errorf("%s: it is begun again %v after", state, lull)
			}
			if _, fresh := pool.BeginRepair(last, ailing(), "again", pool.Wanted{By: "ops"}, ended); !fresh {
				t.Errorf("%s: a person's wish waits", state)
			}
		}
		next, fresh := pool.BeginRepair(last, ailing(), "again", pool.Wanted{}, ended.Add(lull))
		if !fresh || next.Number != 2 || next.Version != 7 || len(next.Ended) != 1 || len(next.Kept) != 1 || len(next.Tried)+len(next.Proofs) > 0 || next.Step != pool.StepExamine {
			t.Errorf("%s: the next: %v, %+v", state, fresh, next)
		}
	}
}

func TestARepairGoesItsWayOnly(t *testing.T) {
	all := []pool.RepairState{
		pool.RepairLooking, pool.RepairWaiting, pool.RepairMending, pool.RepairAsking, pool.RepairMended, pool.RepairPassed, pool.RepairDropped,
	}
	may := map[pool.RepairState][]pool.RepairState{
		pool.RepairLooking: {pool.RepairWaiting, pool.RepairPassed, pool.RepairDropped},
		pool.RepairWaiting: {pool.RepairMending, pool.RepairAsking, pool.RepairPassed, pool.RepairDropped},
		pool.RepairMending: {pool.RepairAsking, pool.RepairMended},
		pool.RepairAsking:  {pool.RepairWaiting, pool.RepairPassed, pool.RepairDropped},
		pool.RepairMended:  {pool.RepairLooking}, pool.RepairPassed: {pool.RepairLooking}, pool.RepairDropped: {pool.RepairLooking},
	}
	for _, from := range all {
		for _, to := range all {
			r := pool.Repair{Host: "h", State: from, Progress: pool.Started(pool.StepJudge, now)}
			out, err := pool.MoveRepair(r, to, pool.StepAsk, now, "why")
			switch {
			case from == to && (err != nil || len(out.History) > 0 || out.Step != pool.StepAsk):
				t.Errorf("%s stays: %v, %+v", from, err, out)
			case from != to && (err == nil) != slices.Contains(may[from], to):
				t.Errorf("from %s to %s: %v", from, to, err)
			case err == nil && from != to && (out.State != to || len(out.History) != 1 || out.Step != pool.StepAsk || out.Due != now.Add(pool.Deadline(pool.StepAsk))):
				t.Errorf("from %s to %s: %+v", from, to, out)
			}
		}
	}
}

func TestTheStepsOfEachWay(t *testing.T) {
	for way, want := range map[pool.Way]string{
		pool.WayReboot: "reboot judge prove", pool.WayRestart: "stop start judge prove", pool.WayResize: "resize judge prove",
		pool.WayUpdate:  "preview apply judge prove",
		pool.WayMachine: "stop detach unseat seat reunite import take-over part start judge prove",
	} {
		r := mending(t, way)
		steps := []string{string(r.Step)}
		for r.Step != pool.StepProve && len(steps) < 20 {
			r = r.Proven(r.After(), now, "done")
			steps = append(steps, string(r.Step))
		}
		if got := strings.Join(steps, " "); got != want || len(r.Proofs) != len(steps)-1 {
			t.Errorf("way %s: %s, with %d proofs", way, got, len(r.Proofs))
		}
	}
}

func TestAWayGoesOnWithTheMachineThatItHasMade(t *testing.T) {
	for _, test := range []struct {
		proven []pool.Step
		next   string
		want   pool.Step
	}{
		{nil, "", pool.StepStop},
		{[]pool.Step{pool.StepSeat}, "i-2", pool.StepReunite},
		{[]pool.Step{pool.StepSeat, pool.StepReunite, pool.StepImport}, "i-2", pool.StepReunite},
		{[]pool.Step{pool.StepSeat, pool.StepImport, pool.StepTakeOver}, "i-2", pool.StepPart},
		{[]pool.Step{pool.StepSeat, pool.StepTakeOver, pool.StepSeat}, "i-3", pool.StepReunite},
		{[]pool.Step{pool.StepSeat, pool.StepTakeOver}, "", pool.StepStop}, // what was made is gone
	} {
		r := moved(t, begun(t), pool.RepairWaiting, pool.StepEnter, now)
		r.Next = test.next
		for _, s := range test.proven {
			r.Proofs = append(r.Proofs, pool.Proof{Step: s})
		}
		r, err := r.Try(pool.WayMachine, now)
		if err != nil || r.Step != test.want {
			t.Errorf("after %v on %q it begins with %s, want %s: %v", test.proven, test.next, r.Step, test.want, err)
		}
	}
}

func TestAnOverdueStep(t *testing.T) {
	for name, test := range map[string]struct {
		state pool.RepairState
		step  pool.Step
		tries int
		want  pool.RepairState
		at    pool.Step
		stuck pool.Step
	}{
		"the first time":            {pool.RepairMending, pool.StepStop, 0, pool.RepairMending, pool.StepStop, ""},
		"the last time":             {pool.RepairMending, pool.StepStop, pool.MaxTries - 1, pool.RepairMending, pool.StepStop, ""},
		"too often":                 {pool.RepairMending, pool.StepStop, pool.MaxTries, pool.RepairMending, pool.StepChoose, pool.StepStop},
		"proof too often":           {pool.RepairMending, pool.StepProve, pool.MaxTries, pool.RepairMending, pool.StepChoose, pool.StepProve},
		"nothing can be chosen":     {pool.RepairMending, pool.StepChoose, pool.MaxTries, pool.RepairAsking, pool.StepAsk, ""},
		"the host serves already":   {pool.RepairMending, pool.StepDischarge, pool.MaxTries + 9, pool.RepairMending, pool.StepDischarge, ""},
		"looking is never given up": {pool.RepairLooking, pool.StepExamine, pool.MaxTries + 9, pool.RepairLooking, pool.StepExamine, ""},
		"nor is waiting":            {pool.RepairWaiting, pool.StepChoose, pool.MaxTries + 9, pool.RepairWaiting, pool.StepChoose, ""},
		"nor asking":                {pool.RepairAsking, pool.StepAsk, pool.MaxTries + 9, pool.RepairAsking, pool.StepAsk, ""},
		"nor sweeping":              {pool.RepairMended, pool.StepSweep, pool.MaxTries + 9, pool.RepairMended, pool.StepSweep, ""},
	} {
		r := mending(t, pool.WayRestart)
		r.State, r.Step, r.Tries, r.Count = test.state, test.step, test.tries, 5
		r.Progress = r.Failed(errors.New("no answer"))
		late := now.Add(2 * time.Hour)
		r.Due = late
		if _, changed, err := pool.OverdueRepair(r, late.Add(-time.Nanosecond)); changed || err != nil {
			t.Errorf("%s: it is overdue before its time: %v", name, err)
		}
		out, changed, err := pool.OverdueRepair(r, late)
		if err != nil || !changed || out.State != test.want || out.Step != test.at || out.Stuck != test.stuck || !out.Due.After(late) {
			t.Errorf("%s: %v, %v, %s at %+v", name, changed, err, out.State, out.Progress)
		}
		gone := test.at != test.step
		if came := out.Tried[0].Came; gone && test.want == pool.RepairMending && !strings.Contains(came, "no answer") || !gone && came != "" {
			t.Errorf("%s: its way came to %q", name, came)
		}
		if last := out.History[len(out.History)-1]; test.want == pool.RepairAsking && gone && !strings.Contains(last.Why, "no answer") {
			t.Errorf("%s: asks because %q", name, last.Why)
		}
	}
	if _, changed, _ := pool.OverdueRepair(moved(t, begun(t), pool.RepairPassed, "", now), now.Add(1000*time.Hour)); changed {
		t.Error("one at rest is overdue")
	}
}

func TestAnAnswerIsForOneQuestion(t *testing.T) {
	r := mending(t, pool.WayReboot)
	r.Consent, r.Asked, r.Well = pool.Consent{Way: pool.WayReboot}, "may I", 2
	r, err := r.Ask(pool.WayMachine, "no drill", now)
	if err != nil || r.State != pool.RepairAsking || r.Step != pool.StepAsk || r.Way != pool.WayMachine || r.Consent != (pool.Consent{}) || r.Asked != "" || r.Well != 0 {
		t.Errorf("%v, %+v", err, r)
	}
	if !r.AskedAt().Equal(now) || !begun(t).AskedAt().IsZero() {
		t.Error("since when it asks is wrong")
	}
}

func TestAnOldRootDiskIsKeptForATerm(t *testing.T) {
	const term = 14 * 24 * time.Hour
	r := mending(t, pool.WayMachine)
	r.Root, r.Next, r.To = "vol-root", "i-2", "ami-2"
	r.Proofs = []pool.Proof{{Step: pool.StepSeat}, {Step: pool.StepTakeOver}}
	r.Kept = []pool.KeptDisk{{Volume: "vol-0", Until: now.Add(time.Hour)}}
	r.Ended = []time.Time{now.Add(-6 * time.Hour), now.Add(-time.Hour)}
	done, err := r.Mended(now)
	if err != nil || done.State != pool.RepairMended || done.Step != pool.StepSweep || !done.Due.Equal(now.Add(time.Hour)) {
		t.Fatalf("%v, %+v", err, done)
	}
	if len(done.Kept) != 2 || done.Kept[1] != (pool.KeptDisk{Volume: "vol-root", Until: now.Add(term), Repair: done.Number}) {
		t.Errorf("kept: %v", done.Kept)
	}
	if want := []time.Time{now.Add(-time.Hour), now}; !slices.Equal(done.Ended, want) {
		t.Errorf("ended: %v", done.Ended)
	}
	if again := done.Rest(now.Add(time.Minute)); len(again.Kept) != 2 {
		t.Errorf("kept twice: %v", again.Kept)
	}
	swept := done.Swept("vol-root", now)
	if len(swept.Kept) != 1 || swept.Step != pool.StepSweep {
		t.Errorf("kept once it is gone: %v", swept.Kept)
	}
	if swept = swept.Swept("vol-0", now); len(swept.Kept) != 0 || swept.Step != "" {
		t.Errorf("%+v", swept)
	}
	if h := done.Seated(ailing()); h.Access.Machine != "i-2" || h.Image != "ami-2" {
		t.Errorf("the host is on %s, of %s", h.Access.Machine, h.Image)
	}
	r.Next, r.Kept = "", nil
	if done, err = r.Mended(now); err != nil || done.Step != "" || len(done.Kept) > 0 {
		t.Errorf("the root that a machine has still is kept apart: %v, %+v", err, done)
	}
	if h := done.Seated(ailing()); h.Access.Machine != "i-1" || h.Image != "ami-1" {
		t.Errorf("the host is on %s, of %s", h.Access.Machine, h.Image)
	}
}

func TestTheNextMoveGoesOnFromTheRootOfTheMachineThatTheGatewayRanOn(t *testing.T) {
	r := pool.Repair{
		Host: "share-standard-1", Number: 1, State: pool.RepairMending, Machine: "i-1", Root: "vol-1", Next: "i-2", NextRoot: "vol-2", To: "ami-2",
		Proofs: []pool.Proof{{Step: pool.StepSeat}, {Step: pool.StepTakeOver}},
	}
	if next := r.Lost(now); next.Machine != "i-2" || next.Root != "vol-2" || next.Next+next.NextRoot != "" || !next.Keeps("vol-1") || next.Keeps("vol-2") {
		t.Errorf("it goes on with %+v", next)
	}
	r.Proofs = r.Proofs[:1]
	if next := r.Lost(now); next.Machine != "i-1" || next.Root != "vol-1" || next.Next+next.NextRoot != "" || len(next.Kept) > 0 {
		t.Errorf("where it never ran there, it goes on with %+v", next)
	}
}

func TestAMoveThatWasDroppedInItsMidstIsGoneOnWith(t *testing.T) {
	r := mending(t, pool.WayMachine)
	r.Root, r.Next, r.To, r.Proofs = "vol-root", "i-2", "ami-2", []pool.Proof{{Step: pool.StepSeat}}
	r, err := r.Ask(pool.WayMachine, "it does not go on", now)
	if err != nil {
		t.Fatal(err)
	}
	dropped := moved(t, r, pool.RepairDropped, "", now).Rest(now)
	if len(dropped.Kept) > 0 || dropped.Step != "" {
		t.Errorf("the root that the gateway is on is to be deleted: %+v", dropped.Kept)
	}
	h := dropped.Seated(ailing())
	if h.Access.Machine != "i-1" || h.Image != "ami-1" {
		t.Errorf("the host is on %s, of %s", h.Access.Machine, h.Image)
	}
	next, fresh := pool.BeginRepair(dropped, h, "again", pool.Wanted{By: "ops"}, now)
	if !fresh || next.Root != "vol-root" || next.Next != "i-2" || next.Machine != "i-1" || next.To != "ami-2" || next.Seat() != "i-2" {
		t.Errorf("the next: %+v", next)
	}
	r.Proofs = append(r.Proofs, pool.Proof{Step: pool.StepTakeOver})
	over := moved(t, r, pool.RepairDropped, "", now).Rest(now)
	if next, _ = pool.BeginRepair(over, over.Seated(ailing()), "again", pool.Wanted{By: "ops"}, now); next.Next != "" || next.Root != "" || next.Machine != "i-2" || len(next.Kept) != 1 {
		t.Errorf("after a move: %+v", next)
	}
}
