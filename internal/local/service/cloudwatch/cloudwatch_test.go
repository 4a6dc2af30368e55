package cloudwatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

func TestStateChangesAreToldOnce(t *testing.T) {
	var details []map[string]any
	a := New(Config{Account: "123456789012", Region: "eu-west-1", Emit: func(_ context.Context, source, detailType string, resources []string, detail any) {
		if source != "aws.cloudwatch" || detailType != "CloudWatch Alarm State Change" ||
			resources[0] != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:headroom-dev-database-standard-1-cpu" {
			t.Errorf("event %s, %s, %v", source, detailType, resources)
		}
		details = append(details, detail.(map[string]any))
	}})
	const name = "headroom-dev-database-standard-1-cpu"
	r := resource.Resource{StackName: "s", LogicalID: "Cpu", Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{
		"AlarmName": name, "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": "300",
		"Threshold": "80", "Dimensions": []any{map[string]any{"Name": "DBInstanceIdentifier", "Value": "headroom-dev-database-standard-1"}},
	}}
	if _, err := a.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{Alarming, Alarming, OK} {
		if err := a.SetState(t.Context(), name, value, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if len(details) != 2 {
		t.Fatalf("%d events, want 2", len(details))
	}
	state := details[0]["state"].(map[string]any)
	if state["value"] != Alarming || details[0]["previousState"].(map[string]any)["value"] != InsufficientData {
		t.Errorf("first event %v", details[0])
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000+0000", state["timestamp"].(string)); err != nil {
		t.Errorf("timestamp: %v", err)
	}
	if _, err := time.Parse(time.RFC3339, state["timestamp"].(string)); err == nil {
		t.Error("the timestamp is RFC 3339, which CloudWatch's is not")
	}
	described, err := a.describe(t.Context(), endpoint.Call{Params: map[string]any{"AlarmNames": []any{name}}})
	if err != nil || described.(map[string]any)["MetricAlarms"].([]any)[0].(map[string]any)["StateValue"] != OK {
		t.Errorf("described %v: %v", described, err)
	}
}

func TestUnknownAlarmsAndStatesAreRefused(t *testing.T) {
	a := New(Config{})
	for name, call := range map[string]map[string]any{
		"ResourceNotFound": {"AlarmName": "none", "StateValue": OK},
		"ValidationError":  {"AlarmName": "none", "StateValue": "RED"},
	} {
		_, err := a.setState(t.Context(), endpoint.Call{Params: call})
		var api *endpoint.Error
		if !errors.As(err, &api) || api.Code != name {
			t.Errorf("%v: %v", call, err)
		}
	}
}
