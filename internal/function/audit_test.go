package function

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

func TestWhatPeopleAskForIsOnRecordBeforeItIsDone(t *testing.T) {
	ledger := memory.New(memory.Options{})
	sent := time.Date(2026, 11, 2, 9, 0, 0, 5e6, time.UTC)
	broken := errors.New("it can't be done")
	handled := 0
	handle := Audited(ledger, time.Now, func(ctx context.Context, d events.Delivery) error {
		handled++
		if lines, _ := ledger.Audits(ctx, sent); events.TypeOf([]byte(d.Body)) != events.TypeStep && len(lines) == 0 {
			t.Error("it was not on record")
		}
		return broken
	})
	for _, d := range []events.Delivery{
		{ID: "m-1", QueuedAt: sent, Sender: "AROAX:jo", Body: `{"version":"1","type":"HostRequest","hostId":"share-standard-3","action":"release","requestedBy":"billing","reason":"it is mended"}`},
		{ID: "m-1", QueuedAt: sent, Sender: "AROAX:jo", Redelivered: true, Body: `{"version":"1","type":"HostRequest","hostId":"share-standard-3","action":"release","requestedBy":"billing","reason":"it is mended"}`},
		{ID: "m-2", QueuedAt: sent.Add(time.Second), Body: `{"type":"UndoRequested","tenantId":7}`},
		{ID: "m-5", QueuedAt: sent.Add(2 * time.Second), Sender: "AROAX:jo", Body: `{"version":"1","type":"DoneByHand","action":"dlq drop","of":"signup","requestedBy":"jo","reason":"a test"}`},
		{ID: "m-6", QueuedAt: sent.Add(3 * time.Second), Sender: "AROAX:jo", Body: `{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.40.1.8","10.40.1.9"],"remove":["10.40.1.7"],"reason":"a new machine","requestedBy":"jo","password":"s3cret"}`},
		{ID: "m-7", QueuedAt: sent.Add(4 * time.Second), Sender: "AROAX:ops", Body: `{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":[],"remove":null}`},
		{ID: "m-8", QueuedAt: sent.Add(5 * time.Second), Body: `{"version":"1","type":"RestoreRequest","tenantId":"acme","database":true,"to":"2026-11-02T08:00:00Z","requestedBy":"jo","reason":"a mistake"}`},
		{ID: "m-9", QueuedAt: sent.Add(6 * time.Second), Body: `{"version":"1","type":"DepartureRequest","departureId":"acme.k3v9","action":"again","slot":"share","requestedBy":"jo","reason":"it is mended"}`},
		{ID: "m-3", QueuedAt: sent, Body: `{"version":"1","type":"Step","of":"host","id":"share-standard-3","step":"boot","try":1}`},
		{ID: "m-4", QueuedAt: sent, Body: `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.40.1.7"}`},
	} {
		if err := handle(t.Context(), d); !errors.Is(err, broken) {
			t.Errorf("%s: %v", d.ID, err)
		}
	}
	lines, err := ledger.Audits(t.Context(), sent)
	if err != nil || handled != 10 {
		t.Fatal(handled, err)
	}
	want := []pool.Audit{
		{At: sent, Message: "m-1", Who: "AROAX:jo", Named: "billing", What: "HostRequest release", Of: "share-standard-3", Why: "it is mended"},
		{At: sent.Add(time.Second), Message: "m-2", What: "UndoRequested"},
		{At: sent.Add(2 * time.Second), Message: "m-5", Who: "AROAX:jo", Named: "jo", What: "DoneByHand dlq drop", Of: "signup", Why: "a test"},
		{At: sent.Add(3 * time.Second), Message: "m-6", Who: "AROAX:jo", Named: "jo", What: "InstanceChangeRequested", Of: "acme", With: "add 10.40.1.8 10.40.1.9, remove 10.40.1.7", Why: "a new machine"},
		{At: sent.Add(4 * time.Second), Message: "m-7", Who: "AROAX:ops", What: "InstanceChangeRequested", Of: "acme"},
		{At: sent.Add(5 * time.Second), Message: "m-8", Named: "jo", What: "RestoreRequest", Of: "acme", With: "database true, to 2026-11-02T08:00:00Z", Why: "a mistake"},
		{At: sent.Add(6 * time.Second), Message: "m-9", Named: "jo", What: "DepartureRequest again", Of: "acme.k3v9", With: "slot share", Why: "it is mended"},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

// What a message says was not judged yet when it is put on record. So it is one line, and no longer than one can be.
func TestALineOfTheAuditIsOneLine(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	line := lineOf("HostRequest", events.Delivery{ID: "m-1", Body: `{"reason":"x\n2026-11-26  HostRequest delete","action":"\u001b[2Kcordon","hostId":"` + long + `"}`}, time.Unix(0, 0))
	if line.Why != "x 2026-11-26  HostRequest delete" || line.What != "HostRequest  [2Kcordon" || line.Of != long[:300] {
		t.Errorf("got %+v", line)
	}
}

func TestWhatCannotBePutOnRecordIsNotDone(t *testing.T) {
	ledger := memory.New(memory.Options{Fault: func(string) (bool, error) { return false, errors.New("no table") }})
	handle := Audited(ledger, time.Now, func(context.Context, events.Delivery) error {
		t.Error("it is done")
		return nil
	})
	if err := handle(t.Context(), events.Delivery{Body: `{"type":"HostRequest"}`}); err == nil {
		t.Error("it is no failure")
	}
}
