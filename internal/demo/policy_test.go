package demo

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy"
	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// policyDocument has two tiers.
const policyDocument = `{"version": "1", "pools": [
	{"kind": "database", "tier": "standard", "slotsPerHost": 3, "floor": 1, "ceiling": 1, "maxOrders": 1, "placement": "pack"},
	{"kind": "share", "tier": "standard", "slotsPerHost": 3, "floor": 1, "ceiling": 1, "maxOrders": 1, "placement": "pack"},
	{"kind": "database", "tier": "silver", "slotsPerHost": 3, "floor": 1, "ceiling": 1, "maxOrders": 1, "placement": "pack"},
	{"kind": "share", "tier": "silver", "slotsPerHost": 3, "floor": 1, "ceiling": 1, "maxOrders": 1, "placement": "pack"}
]}`

// logOfARefusal is what a function logs when the newest version of its policy is invalid. Its keys are those
// of aws-lambda-go's lambdacontext.NewLogHandler.
func logOfARefusal(t *testing.T) []string {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey {
			a.Key = "message"
		}
		return a
	}}))
	clock := func() time.Time { return time.Unix(0, 0) }
	parameter := policytest.New("/policy", policyDocument)
	parameter.Put(`{"version": "2"}`)
	source := policy.Source{
		Client: parameter, Parameter: "/policy", Bounds: pool.Bounds{DatabaseSlots: 100}, Now: clock, Log: log,
		Metrics: telemetry.Recorder{Out: &out, Now: clock, Stage: "dev", Log: log},
	}
	if _, err := source.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(out.String()))
}

func TestAPolicyThatIsRefusedIsNews(t *testing.T) {
	cloud := newFakeCloud(t, policyDocument)
	crowd, err := NewCrowd(cloud, "standard")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each function says so, again and again
		for _, line := range logOfARefusal(t) {
			cloud.log(line)
		}
	}
	cloud.log("no JSON")
	want := []string{`version 2 of the policy is refused, version 1 stays in force: policy document: version is "2", not "1"; no pools`}
	if news := crowd.News(); !slices.Equal(news, want) {
		t.Errorf("news %q, want %q", news, want)
	}
}
