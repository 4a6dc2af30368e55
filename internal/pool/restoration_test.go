package pool_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

var (
	restoreNow = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	someTenant = pool.Tenant{
		ID: "acme", Mark: "markacme", Tier: "standard", State: pool.TenantReady,
		Database: pool.Holding{Host: "database-standard-1", Index: 2, Generation: 3, Name: "abc"},
		Share:    pool.Holding{Host: "share-standard-1", Index: 1, Generation: 1, Name: "def"},
	}
)

// askedRestore is a request for both parts.
func askedRestore(message string, sent time.Time) pool.Restoration {
	return pool.Restoration{
		Database: someTenant.Database, Share: someTenant.Share, To: restoreNow.Add(-time.Hour), Reason: "it dropped a table", RequestedBy: "ops",
		Message: message, RequestedAt: sent, Grace: time.Hour,
	}
}

func begunRestoration(t *testing.T, last, asked pool.Restoration) pool.Restoration {
	t.Helper()
	r, fresh, err := pool.BeginRestoration(last, asked, someTenant, "ghi", "jkl", "headroom-test-restore-ghi", restoreNow)
	if err != nil || !fresh {
		t.Fatalf("begin a restoration: fresh %v, %v", fresh, err)
	}
	return r
}

func TestARestorationGoesThroughTheStepsOfItsParts(t *testing.T) {
	both := askedRestore("m1", restoreNow)
	database, share := both, both
	database.Share, share.Database = pool.Holding{}, pool.Holding{}
	for want, asked := range map[string]pool.Restoration{
		"upload enter files refresh instance master copy dismiss swap tell remove": both,
		"enter instance master copy dismiss swap tell remove":                      database,
		"upload enter files refresh tell":                                          share,
	} {
		r := begunRestoration(t, pool.Restoration{}, asked)
		var steps []string
		for r.Step != "" {
			steps = append(steps, string(r.Step))
			r = r.Proven(restoreNow, "done")
		}
		if got := strings.Join(steps, " "); got != want {
			t.Errorf("steps %q, want %q", got, want)
		}
		if r.OfDatabase() != (r.Instance != "") {
			t.Errorf("it has instance %q", r.Instance)
		}
	}
}

func TestARequestBeginsOneRestoration(t *testing.T) {
	first := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	ended, err := first.Rest(pool.RestorationRestored, restoreNow.Add(time.Minute), "done")
	if err != nil {
		t.Fatal(err)
	}
	later := restoreNow.Add(time.Second)
	other := askedRestore("m2", later)
	other.To = other.To.Add(time.Minute)
	for name, test := range map[string]struct {
		last  pool.Restoration
		asked pool.Restoration
		fresh bool
		err   error
	}{
		"the message again":                    {first, askedRestore("m1", restoreNow), false, nil},
		"the message again, once it is done":   {ended, askedRestore("m1", restoreNow), false, nil},
		"the same again meanwhile":             {first, askedRestore("m2", later), false, nil},
		"another time meanwhile":               {first, other, false, pool.ErrRestoring},
		"one that was sent before":             {first, askedRestore("m0", restoreNow.Add(-time.Second)), false, nil},
		"another, once it is done":             {ended, other, true, nil},
		"the same again, asked once it's done": {ended, askedRestore("m2", restoreNow.Add(time.Hour)), true, nil},
	} {
		r, fresh, err := pool.BeginRestoration(test.last, test.asked, someTenant, "x", "y", "z", restoreNow)
		if fresh != test.fresh || !errors.Is(err, test.err) {
			t.Errorf("%s: fresh %v, %v", name, fresh, err)
		}
		if fresh && (r.Number != 2 || r.Version != test.last.Version) {
			t.Errorf("%s: number %d, version %d", name, r.Number, r.Version)
		}
	}
}

func TestTheNextRestorationKeepsWhatIsKept(t *testing.T) {
	first := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	first = first.Keep(first.OldSlot("a/b/2/3"), restoreNow)
	first, err := first.Rest(pool.RestorationRestored, restoreNow, "done")
	if err != nil {
		t.Fatal(err)
	}
	if first.Step != pool.StepSweep || !first.Due.Equal(restoreNow.Add(time.Hour)) {
		t.Errorf("it rests at %q until %s", first.Step, first.Due)
	}
	second := begunRestoration(t, first, askedRestore("m2", restoreNow.Add(time.Minute)))
	if len(second.Kept) != 1 || second.ID() != "acme.restore-2" || second.OldSlot("a/b/2/3") == first.OldSlot("a/b/2/3") {
		t.Errorf("the second is %+v", second)
	}
	if second.Undoable("a/b/2/3") != "" {
		t.Errorf("one that is under way can't be called off: %s", second.Undoable("a/b/2/3"))
	}
	if why := first.Swept(first.OldSlot("a/b/2/3"), restoreNow).Undoable("a/b/2/3"); !strings.Contains(why, "grace is over") {
		t.Errorf("one whose database is gone: %q", why)
	}
}

func TestUndoingIsByHowFarItIs(t *testing.T) {
	r := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	off, err := r.Undo("ops: no", restoreNow, restoreNow)
	if err != nil || off.State != pool.RestorationWithdrawing || off.Step != pool.StepRetract || off.Failed {
		t.Errorf("before the swap: %s at %s, failed %v, %v", off.State, off.Step, off.Failed, err)
	}
	r.Swapping = restoreNow // it may have changed places already
	back, err := r.Undo("ops: no", restoreNow, restoreNow)
	if err != nil || back.State != pool.RestorationUndoing || back.Step != pool.StepSwapBack {
		t.Errorf("in the midst of the swap: %s at %s, %v", back.State, back.Step, err)
	}
	r.Swapped = restoreNow
	if _, err := r.Withdraw("no", false, restoreNow); err == nil {
		t.Error("one that has its place was withdrawn")
	}
}

func TestOverdueRestorationsAreTriedAgainAndThenWithdrawn(t *testing.T) {
	r := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	r.Progress = pool.Started(pool.StepCopy, restoreNow)
	if _, changed, _ := pool.OverdueRestoration(r, restoreNow); changed {
		t.Error("it was overdue before its time")
	}
	late := restoreNow
	for try := 1; ; try++ {
		late = late.Add(3 * time.Hour)
		next, changed, err := pool.OverdueRestoration(r, late)
		if err != nil || !changed {
			t.Fatal(changed, err)
		}
		if next.State == pool.RestorationWithdrawing {
			if try != pool.MaxTries+1 || !next.Failed || !strings.Contains(next.Why, "copy") {
				t.Errorf("withdrawn at try %d: %q", try, next.Why)
			}
			break
		}
		r = next
	}
	swapping := r
	swapping.Progress = pool.Progress{Step: pool.StepSwap, Tries: pool.MaxTries, Due: restoreNow}
	swapping.Swapping = restoreNow
	if next, _, err := pool.OverdueRestoration(swapping, late); err != nil || next.State != pool.RestorationUndoing || !next.Failed {
		t.Errorf("one that hangs in the swap: %s, failed %v, %v", next.State, next.Failed, err)
	}
	removing := r
	removing.Progress = pool.Progress{Step: pool.StepRemove, Tries: pool.MaxTries, Due: restoreNow}
	if next, _, err := pool.OverdueRestoration(removing, late); err != nil || next.Step != pool.StepRemove || next.State != pool.RestorationRestoring {
		t.Errorf("a temporary instance was given up: %s at %s, %v", next.State, next.Step, err)
	} else if !next.Persistent() {
		t.Error("people are not told of an instance that stays")
	}
}

func TestAttemptsThatFailAreMadeAgainAndThenWithdrawn(t *testing.T) {
	r := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	r.Progress = pool.Started(pool.StepFiles, restoreNow)
	var err error
	for range pool.MaxTries {
		r = r.Opened(restoreNow).Begun("task", restoreNow)
		if r, err = r.AttemptFailed("the task died", restoreNow); err != nil || r.Step != pool.StepFiles || r.Attempt.Task != "" {
			t.Fatalf("%s at %s, %v", r.State, r.Step, err)
		}
	}
	if done := r.Opened(restoreNow).Begun("task", restoreNow).AttemptDone(restoreNow, "42 files"); done.Step != pool.StepRefresh || done.Attempt.Failed != 0 {
		t.Errorf("done: at %s after %d failures", done.Step, done.Attempt.Failed)
	}
	if r, err = r.Opened(restoreNow).Begun("task", restoreNow).AttemptFailed("the task died", restoreNow); err != nil || r.State != pool.RestorationWithdrawing {
		t.Errorf("%s at %s, %v", r.State, r.Step, err)
	}
}

func TestALeavingTenantsRestorationExpires(t *testing.T) {
	r := begunRestoration(t, pool.Restoration{}, askedRestore("m1", restoreNow))
	if !r.Has(someTenant.Database) || r.Has(someTenant.Share) {
		t.Error("it is not known whose it is")
	}
	off, changed, err := r.Expire(someTenant.Database, restoreNow)
	if err != nil || !changed || off.State != pool.RestorationWithdrawing {
		t.Errorf("one under way: %s, %v, %v", off.State, changed, err)
	}
	kept, err := r.Keep(r.OldSlot("a/b/2/3"), restoreNow).Rest(pool.RestorationRestored, restoreNow, "done")
	if err != nil {
		t.Fatal(err)
	}
	now := restoreNow.Add(time.Minute)
	over, changed, err := kept.Expire(someTenant.Database, now)
	if err != nil || !changed || !over.Overdue(now) || over.Step != pool.StepSweep {
		t.Errorf("one that is kept: due %s, %v, %v", over.Due, changed, err)
	}
	if _, changed, _ = over.Expire(someTenant.Database, now); changed {
		t.Error("it expires again")
	}
	later := someTenant.Database
	later.Generation++
	if _, changed, _ = kept.Expire(later, now); changed {
		t.Error("another generation's expired")
	}
	if gone := over.Swept(r.OldSlot("a/b/2/3"), now); gone.Has(someTenant.Database) || gone.Step != "" {
		t.Errorf("it has something still: %+v", gone.Kept)
	}
	r.Swapping = restoreNow
	if same, _, _ := r.Expire(someTenant.Database, restoreNow); same.State != pool.RestorationRestoring {
		t.Errorf("in the midst of the swap it went to %s", same.State)
	}
}

func TestTimesThatCanBeGoneBackTo(t *testing.T) {
	at := func(minute int) time.Time { return restoreNow.Add(time.Duration(minute) * time.Minute) }
	r := pool.Restorable{Earliest: at(-60), Latest: at(-5)}
	for minute, want := range map[int]string{-61: "before the earliest", -60: "", -30: "", -5: "", -4: "after the latest"} {
		if why := r.Refused(at(minute)); (why == "") != (want == "") || !strings.Contains(why, want) {
			t.Errorf("to minute %d: %q, want %q", minute, why, want)
		}
	}
	if why := r.Refused(at(0)); !strings.Contains(why, "2026-11-26T11:00:00Z to 2026-11-26T11:55:00Z") {
		t.Errorf("the range is not said: %q", why)
	}
	if both := r.Within(pool.Restorable{Earliest: at(-20), Latest: at(0)}); both.Earliest != at(-20) || both.Latest != at(-5) {
		t.Errorf("within both: %+v", both)
	}
	if why := r.Within(pool.Restorable{Earliest: at(-2), Latest: at(0)}).Refused(at(-3)); !strings.Contains(why, "none yet") {
		t.Errorf("of no range: %q", why)
	}
}

func TestRestorationsAreNamed(t *testing.T) {
	if tenant, number, ok := pool.RestorationID("acme.restore-12").Parse(); !ok || tenant != "acme" || number != 12 {
		t.Error(tenant, number, ok)
	}
	for _, id := range []pool.RestorationID{"acme.markacme", "acme.restore-", "acme.restore-0", "acme.restore-01", ".restore-1", "acme"} {
		if _, _, ok := id.Parse(); ok {
			t.Errorf("%q is a restoration's", id)
		}
	}
	if owner := pool.TaskOwner(pool.TaskStartedBy("acme.restore-12")); owner != "acme.restore-12" {
		t.Errorf("a task's owner is %q", owner)
	}
	for number, want := range map[int]string{1: "restored-20261126T110000Z/", 2: "restored-20261126T110000Z-2/", 12: "restored-20261126T110000Z-12/"} {
		r := askedRestore("m", restoreNow)
		r.Number = number
		if folder := r.Folder(); folder != want || !pool.CameBack(folder+"file") {
			t.Errorf("files of restoration %d come into %q", number, folder)
		}
	}
}
