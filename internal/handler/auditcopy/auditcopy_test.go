package auditcopy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

var began = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	round  = `{"version":"1","type":"AuditCopyRound"}`
	bucket = "archive"
)

// world is a stage with an audit, and a bucket with locks.
type world struct {
	now     time.Time
	ledger  *memory.Ledger
	s3      *objectstest.S3
	objects *objects.Objects
	fault   map[string]error // of operations of S3
	applied bool             // what fails was done all the same
	metrics bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: began, ledger: memory.New(memory.Options{}), fault: map[string]error{}}
	w.s3 = &objectstest.S3{Now: func() time.Time { return w.now }, Page: 2, Fault: func(o string) (bool, error) { return w.applied, w.fault[o] }}
	w.s3.Add(bucket, true)
	var err error
	w.objects, err = objects.New(objects.Config{
		Client: w.s3, Jitter: func() float64 { return 0 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// line puts a line on record, of some minutes after the beginning.
func (w *world) line(t *testing.T, minutes int, of string) pool.Audit {
	t.Helper()
	a := pool.Audit{
		At: began.Add(time.Duration(minutes) * time.Minute), Message: "m-" + of, Who: "AROAX:jo", Named: "jo", What: "HostRequest release", Of: of, Why: "it is mended",
	}
	if err := w.ledger.Audit(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// killed makes calls through a Call.
type killed struct {
	*objects.Objects
	call killtest.Call
}

func (k killed) Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (p pool.ObjectPage, err error) {
	err = k.call("Versions", func() error { p, err = k.Objects.Versions(ctx, bucket, prefix, from); return err })
	return p, err
}

func (k killed) Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (s pool.StoredObject, err error) {
	err = k.call("Put", func() error { s, err = k.Objects.Put(ctx, spec, content); return err })
	return s, err
}

func (k killed) Head(ctx context.Context, ref pool.ObjectRef) (s pool.StoredObject, err error) {
	err = k.call("Head", func() error { s, err = k.Objects.Head(ctx, ref); return err })
	return s, err
}

func (w *world) handler(t *testing.T, ledger store, call killtest.Call) *Handler {
	t.Helper()
	h, err := New(Config{
		Ledger: ledger, Objects: killed{w.objects, call}, Bucket: bucket, Key: "arn:aws:kms:eu-west-1:123456789012:key/k",
		Metrics: telemetry.Recorder{Out: &w.metrics, Now: func() time.Time { return w.now }, Stage: "dev", Log: slog.New(slog.DiscardHandler)},
		Log:     slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func undisturbed(_ string, call func() error) error { return call() }

func (w *world) round(t *testing.T, minutes int) error {
	t.Helper()
	w.now = began.Add(time.Duration(minutes) * time.Minute)
	return w.handler(t, w.ledger, undisturbed).Message(t.Context(), events.Delivery{ID: "m", Body: round})
}

// copies are all versions of the bucket, by their keys.
func (w *world) copies(t *testing.T) []string {
	t.Helper()
	out, err := w.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), MaxKeys: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToBool(out.IsTruncated) {
		w.s3.Page = 1000
		return w.copies(t)
	}
	var keys []string
	for _, v := range out.Versions {
		keys = append(keys, *v.Key)
	}
	return keys
}

func keysOf(t *testing.T, lines ...pool.Audit) []string {
	t.Helper()
	var keys []string
	for _, a := range lines {
		c, err := a.Copy()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, c.Key)
	}
	slices.Sort(keys)
	return keys
}

// measured is the last value of a metric; "" without.
func (w *world) measured(m telemetry.Metric) (last string) {
	for line := range strings.Lines(w.metrics.String()) {
		if _, value, ok := strings.Cut(line, `"`+m.Name+`":`); ok && value[0] >= '0' && value[0] <= '9' {
			last = value[:strings.IndexAny(value, ",}")]
		}
	}
	return last
}

func TestEachLineIsCopiedOnceUnderALock(t *testing.T) {
	w := newWorld(t)
	old, a, b, c := w.line(t, -200*24*60, "old"), w.line(t, -30, "a"), w.line(t, -20, "b"), w.line(t, -20, "c")
	for _, minutes := range []int{0, 0, 15} {
		if err := w.round(t, minutes); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := w.copies(t), keysOf(t, old, a, b, c); !slices.Equal(got, want) {
		t.Errorf("copied %v, want %v", got, want)
	}
	want, _ := a.Copy()
	content, stored, err := w.objects.ReadAll(t.Context(), pool.ObjectRef{Bucket: bucket, Key: want.Key}, 1<<20)
	if err != nil || !bytes.Equal(content, want.Content) {
		t.Errorf("the copy is %s, %v", content, err)
	}
	if head, err := w.objects.Head(t.Context(), pool.ObjectRef{Bucket: bucket, Key: want.Key}); err != nil || head.Until.Before(a.At.AddDate(7, 0, 0)) {
		t.Errorf("it is locked until %s, %v", head.Until, err)
	}
	if refused, err := w.objects.Delete(t.Context(), bucket, []pool.ObjectVersion{{Key: want.Key, Version: stored.Version}}); err == nil && len(refused) == 0 {
		t.Error("a copy was deleted")
	}
	if mark, err := w.ledger.AuditCopies(t.Context()); err != nil || !mark.UpTo.Equal(began.Add(15*time.Minute)) {
		t.Errorf("copied up to %s, %v", mark.UpTo, err)
	}
	if behind, lost := w.measured(telemetry.AuditBehind), w.measured(telemetry.AuditLost); behind != "0" || lost != "0" {
		t.Errorf("%q s behind, %q lost", behind, lost)
	}
}

// A line's time is that at which its message was sent: it may be written days later, and also over midnight.
func TestALateLineIsCopied(t *testing.T) {
	w := newWorld(t)
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	late := w.line(t, -14*24*60, "late")
	if err := w.round(t, 15); err != nil {
		t.Fatal(err)
	}
	next := w.line(t, 12*60+5, "next") // a day later
	if err := w.round(t, 12*60+10); err != nil {
		t.Fatal(err)
	}
	if got, want := w.copies(t), keysOf(t, late, next); !slices.Equal(got, want) {
		t.Errorf("copied %v, want %v", got, want)
	}
}

// What was changed or taken away is found, and the copy of what it was stays beside that of what it is.
func TestALineThatIsChangedIsFound(t *testing.T) {
	w := newWorld(t)
	gone, changed := w.line(t, -30, "gone"), w.line(t, -20, "changed")
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	w.ledger = memory.New(memory.Options{})
	forged := changed
	forged.Who = "AROAX:somebody-else"
	if err := w.ledger.Audit(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	if err := w.round(t, 15); err != nil {
		t.Fatal(err)
	}
	if got, want := w.copies(t), keysOf(t, gone, changed, forged); !slices.Equal(got, want) {
		t.Errorf("copies %v, want %v", got, want)
	}
	if lost := w.measured(telemetry.AuditLost); lost != "2" {
		t.Errorf("%q are lost", lost)
	}
}

// A delete marker takes no copy away, and has none made anew.
func TestACopyThatIsHiddenIsThere(t *testing.T) {
	w := newWorld(t)
	keys := keysOf(t, w.line(t, -30, "a"))
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &keys[0]}); err != nil {
		t.Fatal(err)
	}
	if err := w.round(t, 15); err != nil || len(w.copies(t)) != 1 {
		t.Errorf("copies %v, %v", w.copies(t), err)
	}
}

func TestWhatCanNotBeCopiedIsBehindUntilItCan(t *testing.T) {
	w := newWorld(t)
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	a := w.line(t, 5, "a")
	for _, operation := range []string{"ListObjectVersions", "PutObject", "HeadObject"} {
		w.fault = map[string]error{operation: errors.New("denied")}
		if err := w.round(t, 60); err == nil {
			t.Errorf("%s failed, and the round did not", operation)
		}
		if behind := w.measured(telemetry.AuditBehind); behind != "3600" {
			t.Errorf("%s failed, and it is %q s behind", operation, behind)
		}
	}
	w.fault = nil
	if err := w.round(t, 75); err != nil {
		t.Fatal(err)
	}
	if got, want := w.copies(t), keysOf(t, a); !slices.Equal(got, want) || w.measured(telemetry.AuditBehind) != "0" {
		t.Errorf("copied %v, want %v; %s s behind", got, want, w.measured(telemetry.AuditBehind))
	}
}

// A reply that is lost is no failure, and makes no second copy.
func TestALostReplyIsNoSecondCopy(t *testing.T) {
	w := newWorld(t)
	keys := keysOf(t, w.line(t, -5, "a"))
	w.fault, w.applied = map[string]error{"PutObject": errors.New("the reply was lost")}, true
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	if got := w.copies(t); !slices.Equal(got, keys) {
		t.Errorf("copied %v, want %v", got, keys)
	}
}

func TestWhatIsNoRoundIsIgnored(t *testing.T) {
	w := newWorld(t)
	w.line(t, -5, "a")
	for _, body := range []string{`{}`, `{"version":"1","type":"ReconcileRound"}`, `no JSON`} {
		if err := w.handler(t, w.ledger, undisturbed).Message(t.Context(), events.Delivery{ID: "m", Body: body}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	if got := w.copies(t); len(got) != 0 {
		t.Errorf("copied %v", got)
	}
}

// Killed at any call, and doubled, rounds come to the same: each line copied once.
func TestRoundsKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t)
		// Of an older stage, so that a round is not hundreds of days.
		if _, err := w.ledger.SaveAuditCopies(t.Context(), pool.AuditCopies{}, pool.AuditCopies{UpTo: began.Add(-15 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
		w.line(t, -24*60, "yesterday")
		w.line(t, -10, "a")
		for n := range 2 {
			w.now = began.Add(time.Duration(n) * 15 * time.Minute)
			w.line(t, n, fmt.Sprint(n))
			err := life.Deliver(func() error {
				return w.handler(t, killtest.Ledger{Next: w.ledger, Call: life.Call}, life.Call).Message(context.Background(), events.Delivery{ID: "m", Body: round})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		mark, err := w.ledger.AuditCopies(t.Context())
		return fmt.Sprint(w.copies(t), mark.UpTo, err)
	})
}

// Two rounds at once copy each line once, and what is remembered never goes back.
func TestTwoRoundsAtOnce(t *testing.T) {
	w := newWorld(t)
	keys := keysOf(t, w.line(t, -10, "a"), w.line(t, -5, "b"))
	inner, other := 0, w.handler(t, w.ledger, undisturbed)
	h := w.handler(t, w.ledger, func(operation string, call func() error) error {
		if operation == "Put" && inner == 0 {
			inner++
			w.now = w.now.Add(time.Minute)
			if err := other.Message(t.Context(), events.Delivery{ID: "n", Body: round}); err != nil {
				t.Error(err)
			}
		}
		return call()
	})
	if err := h.Message(t.Context(), events.Delivery{ID: "m", Body: round}); err != nil {
		t.Fatal(err)
	}
	mark, err := w.ledger.AuditCopies(t.Context())
	if got := w.copies(t); err != nil || !slices.Equal(got, keys) || !mark.UpTo.Equal(began.Add(time.Minute)) {
		t.Errorf("copied %v up to %s, %v", got, mark.UpTo, err)
	}
}
