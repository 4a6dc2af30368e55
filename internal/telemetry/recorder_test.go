package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 5e6, time.FixedZone("", 3600))

func recorder(out *bytes.Buffer) Recorder {
	return Recorder{Out: out, Now: func() time.Time { return noon }, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
}

func TestAMetricIsOneLineThatNoLogLevelDrops(t *testing.T) {
	tests := []struct {
		name   string
		record func(Recorder)
		want   string
	}{
		{
			"a count", func(r Recorder) { r.Count(SignupsReady, 2) },
			`{"level":"FATAL","timestamp":"2026-11-02T11:00:00.005Z","message":"metric","Stage":"dev","SignupsReady":2,
			"_aws":{"Timestamp":1793617200005,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage"]],"Metrics":[{"Name":"SignupsReady","Unit":"Count"}]}]}}`,
		},
		{
			"a pool's gauge", func(r Recorder) { r.Pool("share", "standard").Gauge(SlotsFree, 7) },
			`{"level":"FATAL","timestamp":"2026-11-02T11:00:00.005Z","message":"metric","Stage":"dev","Kind":"share","Tier":"standard","SlotsFree":7,
			"_aws":{"Timestamp":1793617200005,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage","Kind","Tier"]],"Metrics":[{"Name":"SlotsFree","Unit":"Count"}]}]}}`,
		},
		{
			"a gauge that is read by its stage, too", func(r Recorder) { r.Pool("share", "standard").Gauge(CeilingUsed, 80) },
			`{"level":"FATAL","timestamp":"2026-11-02T11:00:00.005Z","message":"metric","Stage":"dev","Kind":"share","Tier":"standard","CeilingUsed":80,
			"_aws":{"Timestamp":1793617200005,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage","Kind","Tier"],["Stage"]],"Metrics":[{"Name":"CeilingUsed","Unit":"Percent"}]}]}}`,
		},
		{
			"a duration in seconds", func(r Recorder) { r.Pool("share", "standard").Duration(LeadTime, 90*time.Second) },
			`{"level":"FATAL","timestamp":"2026-11-02T11:00:00.005Z","message":"metric","Stage":"dev","Kind":"share","Tier":"standard","LeadTime":90,
			"_aws":{"Timestamp":1793617200005,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage","Kind","Tier"]],"Metrics":[{"Name":"LeadTime","Unit":"Seconds"}]}]}}`,
		},
		{
			"a duration in milliseconds", func(r Recorder) { r.Duration(TimeToReady, 1500*time.Microsecond) },
			`{"level":"FATAL","timestamp":"2026-11-02T11:00:00.005Z","message":"metric","Stage":"dev","TimeToReady":1.5,
			"_aws":{"Timestamp":1793617200005,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage"]],"Metrics":[{"Name":"TimeToReady","Unit":"Milliseconds"}]}]}}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			test.record(recorder(&out))
			if strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "\n") {
				t.Fatalf("not one line: %q", out.String())
			}
			var got, want any
			if err := errors.Join(json.Unmarshal(out.Bytes(), &got), json.Unmarshal([]byte(test.want), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheZeroRecorderDropsMetrics(*testing.T) {
	Recorder{}.Pool("share", "standard").Count(HostsFailed, 1)
}

func TestTheCatalogueNamesEachMetricOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Catalogue {
		if seen[m.Name] || m.Name == "" || m.Unit == "" || !slices.Contains(m.Dimensions, Stage) {
			t.Errorf("metric %+v is there twice or incomplete", m)
		}
		seen[m.Name] = true
	}
}
