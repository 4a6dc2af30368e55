package events

import (
	"encoding/json"
	"testing"
)

func TestAlarmNamesItsInstance(t *testing.T) {
	var event Envelope[AlarmStateChange]
	if err := json.Unmarshal(sample(t, "AlarmStateChange"), &event); err != nil {
		t.Fatal(err)
	}
	event.Detail.Configuration.Metrics = append([]AlarmMetric{{}}, event.Detail.Configuration.Metrics...)
	if got := event.Detail.Dimension("DBInstanceIdentifier"); got != "headroom-dev-database-standard-1" {
		t.Errorf("got %q", got)
	}
	if got := event.Detail.Dimension("GatewayId"); got != "" {
		t.Errorf("got %q for a dimension that no metric has", got)
	}
}
