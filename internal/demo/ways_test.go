package demo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/events"
)

// sample is the sample of an event, as it is published.
func sample(t *testing.T, detailType string) json.RawMessage {
	t.Helper()
	detail, err := os.ReadFile(filepath.Join("../../events/sample", detailType+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return detail
}

func TestWhatIsSaidOfATenantOnItsWayIsWaitedFor(t *testing.T) {
	cloud := newFakeCloud(t, "")
	crowd, err := NewCrowd(cloud, "standard")
	if err != nil {
		t.Fatal(err)
	}
	closed := func(tenant string) func(events.TenantClosed) bool {
		return func(e events.TenantClosed) bool { return e.TenantID == tenant }
	}
	p, out := narrow(0, false)
	if _, err := awaitSaid(t.Context(), crowd, p, 0, "acme is shut out", closed("acme")); err == nil {
		t.Error("it is said to be shut out, and is not")
	}
	cloud.hear(events.TenantReopened{}.DetailType(), sample(t, events.TenantReopened{}.DetailType()), time.Time{})
	cloud.hear(events.TenantClosed{}.DetailType(), sample(t, events.TenantClosed{}.DetailType()), time.Time{})
	if _, ok := said(crowd, closed("birch")); ok {
		t.Error("birch is said to be shut out, and it was acme")
	}
	e, err := awaitSaid(t.Context(), crowd, p, time.Minute, "acme is shut out", closed("acme"))
	if err != nil || e.TenantID != "acme" || e.GraceUntil.IsZero() {
		t.Errorf("it says %+v, %v", e, err)
	}
	if crowd.Tell(p); !strings.Contains(out.String(), "acme leaves, and is shut out") {
		t.Errorf("it prints\n%s", out)
	}
}

func TestARequestThatIsRejectedEndsTheWaitForIt(t *testing.T) {
	cloud := newFakeCloud(t, "")
	crowd, err := NewCrowd(cloud, "standard")
	if err != nil {
		t.Fatal(err)
	}
	reject := func(tenant string) {
		detail, err := json.Marshal(events.RequestRejected{TenantID: tenant, Type: events.TypeUndoRequested, Field: "tenantId", Reason: "has not left"})
		if err != nil {
			t.Fatal(err)
		}
		cloud.hear(events.RequestRejected{}.DetailType(), detail, time.Time{})
	}
	if err := crowd.Undo(t.Context(), "acme", "a mistake"); err != nil {
		t.Fatal(err)
	}
	looks := 0
	twice := func() bool { looks++; return looks > 2 }
	reject("birch") // somebody else's
	if err := crowd.Await(t.Context(), "acme stays", time.Minute, twice, func() {}); err != nil {
		t.Error(err)
	}
	reject("acme")
	err = crowd.Await(t.Context(), "acme stays", time.Minute, func() bool { return false }, func() {})
	if want := "wait until acme stays: UndoRequested of acme is rejected: tenantId has not left"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestTheWaysOfTenantsAreSaidInWords(t *testing.T) {
	for _, detailType := range append(kept, events.RequestRejected{}.DetailType()) {
		said := words(detailType, sample(t, detailType))
		if strings.ContainsAny(said, "{}") || !strings.Contains(said, "acme") && !strings.Contains(said, "-standard-") {
			t.Errorf("%s is said as %s", detailType, said)
		}
	}
	for want, e := range map[string]events.AccessChanged{
		"acme is served at 127.21.0.3":                        {TenantID: "acme", Added: []string{"127.21.0.3"}},
		"acme is served no more at 127.20.0.1":                {TenantID: "acme", Removed: []string{"127.20.0.1"}},
		"acme is served at 127.21.0.3, no more at 127.20.0.1": {TenantID: "acme", Added: []string{"127.21.0.3"}, Removed: []string{"127.20.0.1"}},
	} {
		if got := accessChanged(e); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}
