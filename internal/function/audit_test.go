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
		{ID: "m-3", QueuedAt: sent, Body: `{"version":"1","type":"Step","of":"host","id":"share-standard-3","step":"boot","try":1}`},
		{ID: "m-4", QueuedAt: sent, Body: `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.40.1.7"}`},
	} {
		if err := handle(t.Context(), d); !errors.Is(err, broken) {
			t.Errorf("%s: %v", d.ID, err)
		}
	}
	lines, err := ledger.Audits(t.Context(), sent)
	if err != nil || handled != 6 {
		t.Fatal(handled, err)
	}
	want := []pool.Audit{
		{At: sent, Message: "m-1", Who: "AROAX:jo", Named: "billing", What: "HostRequest release", Of: "share-standard-3", Why: "it is mended"},
		{At: sent.Add(time.Second), Message: "m-2", What: "UndoRequested"},
		{At: sent.Add(2 * time.Second), Message: "m-5", Who: "AROAX:jo", Named: "jo", What: "DoneByHand dlq drop", Of: "signup", Why: "a test"},
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
