package decommission

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// leaversShare is the ARN of acme's share.
func (w *world) leaversShare() string {
	id := w.slot("share-standard-1", 1).Share
	for _, share := range w.gateways.Shares() {
		if share.ID == id {
			return share.ARN
		}
	}
	w.t.Fatal("acme has no share")
	return ""
}

// notices are the bodies of what people were told about a thing.
func (w *world) notices(about string) (all []string) {
	for _, note := range w.topic.Notes() {
		if strings.Contains(note.Subject, about) {
			all = append(all, note.Message)
		}
	}
	return all
}

// reported lists what is left of reports: at gateways, and in their bucket.
func (w *world) reported() (left []string) {
	w.t.Helper()
	for _, r := range w.gateways.Reports() {
		left = append(left, fmt.Sprintf("report of %s is %s", r.Share, r.Status))
	}
	page, err := w.store().Versions(context.Background(), reports, "", pool.ObjectCursor{})
	w.must(err)
	for _, v := range page.Versions {
		left = append(left, "object "+v.Key)
	}
	return left
}

// clogged has files of acme's fail to upload that it wrote before it left.
func clogged(t *testing.T, files ...string) (w *world, share string) {
	w = newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.short()
	share = w.leaversShare()
	w.gateways.Hold(share, true)
	for _, file := range files {
		w.gateways.Write(share, file)
	}
	w.ask("acme", "")
	return w, share
}

func TestFilesThatFailToUploadAreNamedUntilTheyDoNot(t *testing.T) {
	w, share := clogged(t, "folder/second", "first")
	w.run(8*time.Minute, w.once)
	d := w.departure("acme.markacme")
	if want := []string{"first (S3AccessDenied)", "folder/second (S3AccessDenied)"}; !slices.Equal(d.Failing.Names, want) || d.Failing.Count != 2 || d.Step != pool.StepUpload {
		t.Fatalf("at %q it knows of %+v", d.Step, d.Failing)
	}
	if !strings.Contains(d.Error, "2 files fail to upload, as first (S3AccessDenied), folder/second (S3AccessDenied)") {
		t.Errorf("it waits because of %q", d.Error)
	}
	w.run(40*time.Minute, w.once)
	told := w.notices("fail to upload")
	if len(told) != 1 || !strings.Contains(told[0], "first (S3AccessDenied)") || !strings.Contains(told[0], "folder/second") || !strings.Contains(told[0], "share-standard-1") {
		t.Fatalf("people were told %q", told)
	}
	if !strings.Contains(w.written.String(), `"files":["first (S3AccessDenied)","folder/second (S3AccessDenied)"]`) {
		t.Error("the log does not name them")
	}
	if last := d.History[len(d.History)-1]; last.What != "2 files fail to upload" {
		t.Errorf("its history ends with %v", last)
	}
	// What is named changes, and is told once more.
	w.gateways.Write(share, "third")
	w.run(20*time.Minute, w.once)
	if told = w.notices("fail to upload"); len(told) != 2 || !strings.Contains(told[1], "third") {
		t.Fatalf("people were told %q", told)
	}
	if left := w.reported(); len(left) > 2 {
		t.Errorf("reports pile up: %v", left)
	}
	w.gateways.Hold(share, false)
	w.run(6*time.Hour, w.once)
	if d = w.departure("acme.markacme"); d.State != pool.DepartureLeft || d.Failing.Count > 0 {
		t.Errorf("it is %s at %q: %s; %v", d.State, d.Step, d.Error, d.Failing)
	}
	if left := slices.Concat(w.reported(), w.residue()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What a gateway flags it forgets every day: nobody is told of that.
func TestThatNothingIsListedIsNoChange(t *testing.T) {
	w, share := clogged(t, "first")
	w.run(8*time.Minute, w.once)
	w.gateways.Away(w.host("share-standard-1").Access.Gateway, true) // nothing is uploaded, nor denied
	w.gateways.Hold(share, false)
	w.run(30*time.Minute, w.once)
	w.gateways.Hold(share, true)
	w.gateways.Away(w.host("share-standard-1").Access.Gateway, false)
	w.run(30*time.Minute, w.once)
	if d := w.departure("acme.markacme"); d.Failing.Count != 1 || len(w.notices("fail to upload")) != 1 {
		t.Errorf("it knows of %+v, people were told %q", d.Failing, w.notices("fail to upload"))
	}
}

func TestFilesThatFailToUploadKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w, share := clogged(t, "first")
		w.run(16*time.Minute, w.killable(life))
		if d := w.departure("acme.markacme"); d.Failing.Count != 1 || len(w.notices("fail to upload")) == 0 {
			t.Errorf("it knows of %+v, people were told %q", d.Failing, w.notices("fail to upload"))
		}
		w.gateways.Hold(share, false)
		w.run(100*time.Minute, w.killable(life))
		if left := w.reported(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		return w.outcome()
	})
}

// Somebody has written since all was uploaded. To delete a share can't be called off, so it is looked before.
func TestAShareWhoseFilesFailToUploadIsNotDeleted(t *testing.T) {
	w := graced(t)
	share := w.leaversShare()
	w.gateways.Hold(share, true)
	w.gateways.Write(share, "late")
	w.run(5*time.Hour, w.once)
	c := w.clearance(pool.Share)
	if c.Step != pool.StepWithdraw || c.State != pool.ClearanceScrubbing || !strings.Contains(c.Error, "late (S3AccessDenied)") || c.Failing.Count != 1 {
		t.Fatalf("it is %s at %q: %s; %+v", c.State, c.Step, c.Error, c.Failing)
	}
	for _, s := range w.gateways.Shares() {
		if s.ARN == share && s.Leaving() {
			t.Error("the share is being deleted")
		}
	}
	if told := w.notices("fail to upload"); len(told) != 1 || w.stuck > 0 {
		t.Errorf("people were told %q, and %d times that something was given up", told, w.stuck)
	}
	w.gateways.Hold(share, false)
	w.run(5*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft || len(w.reported()) > 0 {
		t.Errorf("it is %s at %q: %s; left: %v", d.State, d.Step, d.Error, w.reported())
	}
}

func TestAShareWhoseFilesFailToUploadKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := graced(t)
		share := w.leaversShare()
		w.gateways.Hold(share, true)
		w.gateways.Write(share, "late")
		w.run(32*time.Minute, w.killable(life))
		w.gateways.Hold(share, false)
		w.run(100*time.Minute, w.killable(life))
		return w.outcome()
	})
}

// A report that is not to be had names nothing, and holds nobody up for ever: a share is not deleted by force.
func TestWithoutReportsTenantsLeaveToo(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"none is begun":       func(w *world) { w.fail["StartReport"] = errNotNow },
		"none can be seen":    func(w *world) { w.fail["Report"] = errNotNow },
		"none can be read":    func(w *world) { w.fail["Open"] = errNotNow },
		"none can be written": func(w *world) { w.gateways.Put = nil },
		"none can be deleted": func(w *world) { w.fail["DeleteReport"] = errNotNow },
		"they are not known any more": func(w *world) {
			put := w.gateways.Put
			w.gateways.Put = func(bucket, key string, _ []byte) error { return put(bucket, "another "+key, nil) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.short()
			w.ask("acme", "")
			w.until(func(d pool.Departure) bool { return d.Step == pool.StepScrub })
			spoil(w)
			w.run(40*time.Minute, w.once)
			delete(w.fail, "Open") // manifests are read by it, too
			w.run(3*time.Hour, w.once)
			if c := w.clearance(pool.Share); c.State == pool.ClearanceScrubbing {
				t.Errorf("it is %s at %q: %s", c.State, c.Step, c.Error)
			}
		})
	}
}

// While a departure waits for its gateway, that nothing can be learnt of why changes nothing but what it says.
func TestAnUploadIsWaitedForWithoutReports(t *testing.T) {
	w, share := clogged(t, "first")
	w.fail["StartReport"] = errNotNow
	w.run(time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.Step != pool.StepUpload || !strings.Contains(d.Error, "not now") || d.Stuck != "" {
		t.Errorf("it is at %q: %s", d.Step, d.Error)
	}
	w.gateways.Hold(share, false)
	w.run(30*time.Minute, w.once)
	if d := w.departure("acme.markacme"); d.Step == pool.StepUpload {
		t.Errorf("it is at %q: %s", d.Step, d.Error)
	}
}
