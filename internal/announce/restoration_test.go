package announce_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func restored() pool.Restoration {
	r := pool.Restoration{
		Tenant: "acme", Number: 2, Tier: "standard", Database: pool.Holding{Host: "database-standard-1", Name: "abc"}, Share: pool.Holding{Host: "share-standard-1"},
		To: time.Date(2026, 11, 26, 10, 15, 0, 0, time.UTC), Reason: "it dropped a table", RequestedBy: "ops", Grace: time.Hour, Old: "jkl",
		Came: "12 tables", Files: 3, FilesBytes: 99, Refused: 1500 * time.Millisecond, State: pool.RestorationRestoring,
	}
	return r.Keep(r.OldSlot("a/b/1/1"), time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC))
}

func TestRestorationsAreAnnounced(t *testing.T) {
	a, bus, _, _ := speaking(t)
	r := restored()
	if err := a.TenantRestored(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	only := r
	only.Database = pool.Holding{}
	if err := a.TenantRestored(t.Context(), only, []pool.Missing{{Gateway: "sgw-1", At: r.To}}); err != nil {
		t.Fatal(err)
	}
	r.UndoneBy = "ops: the wrong: day"
	if err := a.RestoreUndone(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	said := bus.Published()
	for i, words := range [][]string{
		{`"parts":["database","share"]`, `"refusedSeconds":2`, `"undoUntil":"2026-11-26T12:00:00Z"`, `"folder":"restored-20261126T101500Z-2/"`, `"database":"12 tables"`},
		{`"parts":["share"]`, `"database":""`, `"files":3`, `"filesBytes":99`, "not uploaded yet", "came back; gateway sgw-1 was given up at 2026-11-26T10:15:00Z, and what it had not uploaded may be missing"},
		{`"reason":"the wrong: day"`, `"requestedBy":"ops"`},
	} {
		for _, word := range words {
			if !strings.Contains(string(said[i].Detail), word) {
				t.Errorf("%s does not say %s: %s", said[i].DetailType, word, said[i].Detail)
			}
		}
	}
}

func TestPeopleAreToldOfRestorationsThatFailOrWait(t *testing.T) {
	a, _, topic, _ := speaking(t)
	r := restored()
	r.Why, r.Ordered, r.Instance = "the dump is no good", true, "headroom-dev-restore-ghi"
	r.History = []pool.Entry{{At: r.To, What: "withdrawing", Why: r.Why}}
	if err := a.RestoreFailed(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := a.RestoreWaits(t.Context(), r, "the stop switch is on"); err != nil {
		t.Fatal(err)
	}
	if err := a.InstanceLeft(t.Context(), pool.RestoredInstance{Name: r.Instance, Mark: "acme.restore-2", Status: "available", Made: r.To}, "it is over"); err != nil {
		t.Fatal(err)
	}
	for i, words := range [][]string{
		{"the dump is no good", "headroom-dev-restore-ghi", "It has what it had before", "withdrawing: the dump is no good"},
		{"acme.restore-2 waits: the stop switch is on", "RestoreUndo"},
		{"headroom-dev-restore-ghi", "it is over", "all tenants of its host"},
	} {
		for _, word := range words {
			if note := topic.Notes()[i]; !strings.Contains(note.Message, word) {
				t.Errorf("note %q does not say %q:\n%s", note.Subject, word, note.Message)
			}
		}
	}
}
