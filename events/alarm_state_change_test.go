package events

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestAlarmNamesItsInstance(t *testing.T) {
	var event Envelope[AlarmStateChange]
	if err := json.Unmarshal(sample(t, "AlarmStateChange"), &event); err != nil {
		t.Fatal(err)
	}
	event.Detail.Configuration.Metrics = append([]AlarmMetric{{}}, event.Detail.Configuration.Metrics...)
	other := AlarmMetric{MetricStat: &MetricStat{Metric: Metric{Dimensions: map[string]string{"DBInstanceIdentifier": "headroom-dev-database-standard-2"}}}}
	event.Detail.Configuration.Metrics = append(event.Detail.Configuration.Metrics, event.Detail.Configuration.Metrics[1], other)
	want := []string{"headroom-dev-database-standard-1", "headroom-dev-database-standard-2"}
	if got := event.Detail.Configuration.Values("DBInstanceIdentifier"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := event.Detail.Configuration.Values("GatewayId"); len(got) != 0 {
		t.Errorf("got %q for a dimension that no metric has", got)
	}
}
