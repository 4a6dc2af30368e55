package announce_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/announce"
	"headroom/internal/pool"
)

// leaver is the departure of a tenant that was shut out, and let in again.
func leaver() pool.Departure {
	d := pool.Departure{
		Tenant: pool.Tenant{ID: "acme", Tier: "standard", Mark: "mark", State: pool.TenantReady}, Reason: "it ends", RequestedBy: "billing",
		RequestedAt: start, Grace: time.Hour, State: pool.DepartureLeaving, Progress: pool.Started(pool.StepShut, start), UndoneBy: "support: a mistake",
	}
	d = d.Proven(pool.StepUpload, start.Add(time.Second), "nobody reaches it")
	d.Proofs = append(d.Proofs, pool.Proof{Step: pool.StepReopen, At: start.Add(2 * time.Second), What: "it is let in again"})
	return d
}

func TestWhatBecomesOfATenantThatLeavesIsSaid(t *testing.T) {
	told, topic := &bustest.Bus{}, &notifytest.Topic{}
	a, err := announce.New(announce.Config{
		Events: &bus.Publisher{Client: told, Bus: "bus"}, Notify: &notify.Topic{Client: topic, ARN: "topic"},
		Now: func() time.Time { return start.Add(time.Minute) }, Stage: "dev", Region: "eu-west-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	d := leaver()
	for _, test := range []struct {
		say  func(context.Context) error
		kind string
		want []string
	}{
		{
			func(ctx context.Context) error { return a.TenantClosed(ctx, d) }, "TenantClosed",
			[]string{`"closedAt":"2026-11-02T09:00:01Z"`, `"graceUntil":"2026-11-02T10:00:00Z"`, `"reason":"it ends"`, `"requestedBy":"billing"`},
		},
		{func(ctx context.Context) error { return a.TenantReopened(ctx, d) }, "TenantReopened", []string{`"reopenedAt":"2026-11-02T09:00:02Z"`, `"reason":"a mistake"`, `"requestedBy":"support"`}},
		{func(ctx context.Context) error { return a.TenantReleased(ctx, d, events.Certificate{TenantID: "acme"}) }, "TenantReleased", []string{`"certificate":{`}},
		{func(ctx context.Context) error {
			return a.RequestRejected(ctx, events.TypeUndoRequested, "m-1", "acme", &events.FieldError{Field: "tenantId", Reason: "is unknown"})
		}, "RequestRejected", []string{`"type":"UndoRequested"`, `"field":"tenantId"`, `"messageId":"m-1"`}},
	} {
		if err := test.say(t.Context()); err != nil {
			t.Fatal(err)
		}
		said := told.Of(test.kind)
		for _, want := range test.want {
			if len(said) != 1 || !strings.Contains(string(said[0]), want) {
				t.Errorf("said %s, not %s", said, want)
			}
		}
	}
}

func TestWhatIsStuckIsToldWithWhatToDo(t *testing.T) {
	d := leaver()
	d.Progress = d.Failed(context.DeadlineExceeded).GivenUp(start)
	c := pool.Clear(d, pool.Share, "next", start)
	for _, test := range []struct {
		tell func(*announce.Announcer, context.Context) error
		want []string
	}{
		{
			func(a *announce.Announcer, ctx context.Context) error { return a.DepartureStuck(ctx, d) },
			[]string{"the departure of tenant acme is stuck", "DepartureRequest", "departure acme.mark, action", "resume", "deadline exceeded", "start-cache-report", "never evict"},
		},
		{func(a *announce.Announcer, ctx context.Context) error { return a.ClearanceStuck(ctx, c) }, []string{"the scrub of acme.mark/share is stuck", "DepartureRequest", "departure acme.mark, action"}},
		{
			func(a *announce.Announcer, ctx context.Context) error { return a.Refused(ctx, c, "grace is not over") },
			[]string{"the scrub of acme.mark/share is refused", "grace is not over", "Nothing was destroyed"},
		},
		{func(a *announce.Announcer, ctx context.Context) error { return a.Quarantined(ctx, c) }, []string{"is quarantined", "departure acme.mark, slot share, action again", "retire"}},
	} {
		topic := &notifytest.Topic{}
		a, err := announce.New(announce.Config{
			Events: &bus.Publisher{Client: &bustest.Bus{}, Bus: "bus"}, Notify: &notify.Topic{Client: topic, ARN: "topic"},
			Now: func() time.Time { return start }, Stage: "dev", Region: "eu-west-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := test.tell(a, t.Context()); err != nil {
			t.Fatal(err)
		}
		notes := topic.Notes()
		for _, want := range test.want {
			if len(notes) != 1 || !strings.Contains(notes[0].Subject+"\n"+notes[0].Message, want) {
				t.Errorf("told %+v, not %q", notes, want)
			}
		}
	}
}
