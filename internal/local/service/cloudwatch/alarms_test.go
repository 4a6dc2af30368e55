package cloudwatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

func TestStateChangesAreToldOnce(t *testing.T) {
	var details []map[string]any
	a := New(Config{Account: "123456789012", Region: "eu-west-1", Emit: func(_ context.Context, source, detailType string, resources []string, detail any) {
		if detailType == configurationChange {
			return
		}
		if source != "aws.cloudwatch" || detailType != "CloudWatch Alarm State Change" ||
			resources[0] != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:headroom-dev-database-standard-1-cpu" {
			t.Errorf("event %s, %s, %v", source, detailType, resources)
		}
		details = append(details, detail.(map[string]any))
	}})
	const name = "headroom-dev-database-standard-1-cpu"
	r := resource.Resource{StackName: "s", LogicalID: "Cpu", Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{
		"AlarmName": name, "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": "300",
		"Threshold": "80", "EvaluationPeriods": "3", "ComparisonOperator": "GreaterThanThreshold", "Dimensions": []any{map[string]any{"Name": "DBInstanceIdentifier", "Value": "headroom-dev-database-standard-1"}},
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
	// Each protocol has a form of its own for times, so a time is no text yet.
	if _, ok := described.(map[string]any)["MetricAlarms"].([]any)[0].(map[string]any)["StateUpdatedTimestamp"].(time.Time); !ok {
		t.Errorf("its time is no time: %v", described)
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

func TestAlarmsOnExpressionsAreToldAndShownAsSuch(t *testing.T) {
	var told map[string]any
	a := New(Config{Emit: func(_ context.Context, _, _ string, _ []string, detail any) { told = detail.(map[string]any) }})
	usage := map[string]any{
		"Id": "m", "ReturnData": false, "MetricStat": map[string]any{
			"Metric": map[string]any{"Namespace": "AWS/Usage", "MetricName": "ResourceCount", "Dimensions": []any{
				map[string]any{"Name": "Service", "Value": "RDS"},
			}},
			"Period": float64(300), "Stat": "Maximum",
		},
	}
	_, err := a.Create(t.Context(), resource.Resource{Type: typeAlarm, Properties: map[string]any{"AlarmName": "quota", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 80, "Metrics": []any{
		map[string]any{"Id": "e", "Expression": "100 * m / SERVICE_QUOTA(m)", "ReturnData": true}, usage,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetState(t.Context(), "quota", Alarming, "test"); err != nil {
		t.Fatal(err)
	}
	want := []any{
		map[string]any{"id": "e", "returnData": true, "expression": "100 * m / SERVICE_QUOTA(m)"},
		map[string]any{"id": "m", "returnData": false, "metricStat": map[string]any{
			"metric": map[string]any{"namespace": "AWS/Usage", "name": "ResourceCount", "dimensions": map[string]string{"Service": "RDS"}},
			"period": 300, "stat": "Maximum",
		}},
	}
	if diff := cmp.Diff(want, told["configuration"].(map[string]any)["metrics"]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	described, err := a.describe(t.Context(), endpoint.Call{Params: map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	alarm := described.(map[string]any)["MetricAlarms"].([]any)[0].(map[string]any)
	if alarm["MetricName"] != nil || len(alarm["Metrics"].([]any)) != 2 {
		t.Errorf("described %v", alarm)
	}
	if diff := cmp.Diff(usage["MetricStat"].(map[string]any)["Metric"], alarm["Metrics"].([]any)[1].(map[string]any)["MetricStat"].(map[string]any)["Metric"]); diff != "" {
		t.Errorf("described (-want +got):\n%s", diff)
	}
}
