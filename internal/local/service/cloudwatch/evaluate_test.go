package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// world is a CloudWatch whose clock stands until it is moved, with what it told.
type world struct {
	*Alarms
	now     time.Time
	last    time.Time // when the alarms were last evaluated
	events  []string  // alarm and state
	notices []string  // topic and subject
}

func newWorld() *world {
	w := &world{now: noon}
	w.Alarms = New(Config{
		Account: "123456789012", Region: "eu-west-1", Now: func() time.Time { return w.now },
		Emit: func(_ context.Context, _, detailType string, _ []string, detail any) {
			if d := detail.(map[string]any); detailType == stateChange {
				w.events = append(w.events, d["alarmName"].(string)+" "+d["state"].(map[string]any)["value"].(string))
			}
		},
		Notify: func(_ context.Context, _, topic, subject, _ string) error {
			w.notices = append(w.notices, topic+" "+subject)
			return nil
		},
	})
	return w
}

// pass lets time pass, and evaluates.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.evaluateAll(context.Background(), w.last, w.now)
	w.last = w.now
}

// emit publishes a value of a metric at an age.
func (w *world) emit(metric Metric, value float64, ago time.Duration) {
	w.Metrics.Put(metric, Datum{At: w.now.Add(-ago), Value: value})
}

func (w *world) call(t *testing.T, operation string, params map[string]any) map[string]any {
	t.Helper()
	answer, err := w.Service().Operations[operation](t.Context(), endpoint.Call{Params: params})
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	m, _ := answer.(map[string]any)
	return m
}

func (w *world) state(t *testing.T, name string) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byName[name] == nil {
		t.Fatalf("there is no alarm %s", name)
	}
	return w.byName[name].state.value
}

var deadLetters = Metric{"AWS/SQS", "ApproximateNumberOfMessagesVisible", map[string]string{"QueueName": "dead"}}

// ofDeadLetters is an alarm as the control stack has them.
func ofDeadLetters(more map[string]any) resource.Resource {
	properties := map[string]any{
		"AlarmName": "dead", "AlarmDescription": "Look at them.", "Namespace": deadLetters.Namespace, "MetricName": deadLetters.Name,
		"Dimensions": []any{map[string]any{"Name": "QueueName", "Value": "dead"}}, "Statistic": "Maximum", "Period": "60",
		"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0, "TreatMissingData": "notBreaching",
		"AlarmActions": []any{"arn:aws:sns:eu-west-1:123456789012:notices"}, "OKActions": []any{"arn:aws:sns:eu-west-1:123456789012:notices"},
	}
	for name, value := range more {
		properties[name] = value
	}
	return resource.Resource{StackName: "s", LogicalID: "Dead", Type: typeAlarm, Properties: properties}
}

func (w *world) create(t *testing.T, r resource.Resource) {
	t.Helper()
	if _, err := w.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestAnAlarmFollowsItsMetric(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(nil))
	if got := w.state(t, "dead"); got != InsufficientData {
		t.Fatalf("a new alarm is %s", got)
	}
	w.pass(time.Minute)
	if got := w.state(t, "dead"); got != OK {
		t.Errorf("without data that are missed, it is %s", got)
	}
	w.emit(deadLetters, 2, 0)
	w.pass(30 * time.Second) // the period has not ended
	if got := w.state(t, "dead"); got != OK {
		t.Errorf("in the middle of a period it is %s", got)
	}
	w.pass(30 * time.Second)
	if got := w.state(t, "dead"); got != Alarming {
		t.Errorf("with dead letters it is %s", got)
	}
	reason := w.call(t, "DescribeAlarms", nil)["MetricAlarms"].([]any)[0].(map[string]any)["StateReason"]
	if want := "Threshold Crossed: 1 out of the last 1 datapoint [2.0 (26/11/26 12:01:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition)."; reason != want {
		t.Errorf("reason %q", reason)
	}
	w.emit(deadLetters, 0, 0)
	w.pass(time.Minute)
	const topic = "arn:aws:sns:eu-west-1:123456789012:notices "
	if want := []string{"dead OK", "dead ALARM", "dead OK"}; !slices.Equal(w.events, want) {
		t.Errorf("events %v, want %v", w.events, want)
	}
	if want := []string{topic + `OK: "dead" in EU (Ireland)`, topic + `ALARM: "dead" in EU (Ireland)`, topic + `OK: "dead" in EU (Ireland)`}; !slices.Equal(w.notices, want) {
		t.Errorf("notices %v, want %v", w.notices, want)
	}
}

func TestStatesThatWereSetLastUntilTheNextEvaluation(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(map[string]any{"TreatMissingData": "missing"}))
	w.call(t, "SetAlarmState", map[string]any{"AlarmName": "dead", "StateValue": Alarming, "StateReason": "drill"})
	if got := w.state(t, "dead"); got != Alarming {
		t.Errorf("set, it is %s", got)
	}
	w.pass(time.Minute)
	if got := w.state(t, "dead"); got != InsufficientData {
		t.Errorf("evaluated, it is %s", got)
	}
}

func TestADrillLastsUntilItIsEnded(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(map[string]any{"TreatMissingData": "missing"}))
	if err := w.Hold(t.Context(), "dead", Alarming, "drill"); err != nil {
		t.Fatal(err)
	}
	w.emit(deadLetters, 0, 0)
	w.pass(time.Minute)
	w.pass(time.Minute)
	if got := w.state(t, "dead"); got != Alarming {
		t.Errorf("held, it is %s", got)
	}
	if err := w.SetState(t.Context(), "dead", InsufficientData, "the drill is over"); err != nil {
		t.Fatal(err)
	}
	w.emit(deadLetters, 0, 0)
	w.pass(time.Minute)
	if got := w.state(t, "dead"); got != OK {
		t.Errorf("evaluated, it is %s", got)
	}
	if want := []string{"dead ALARM", "dead INSUFFICIENT_DATA", "dead OK"}; !slices.Equal(w.events, want) {
		t.Errorf("events %v, want %v", w.events, want)
	}
}

func TestActionsCanBeDisabled(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(nil))
	w.call(t, "DisableAlarmActions", map[string]any{"AlarmNames": []any{"dead"}})
	w.pass(time.Minute)
	if len(w.notices) != 0 || len(w.events) != 1 {
		t.Errorf("notices %v, events %v", w.notices, w.events)
	}
	w.call(t, "EnableAlarmActions", map[string]any{"AlarmNames": []any{"dead"}})
	w.emit(deadLetters, 1, 0)
	w.pass(time.Minute)
	if len(w.notices) != 1 {
		t.Errorf("notices %v", w.notices)
	}
}

func TestADeletedAlarmSaysSo(t *testing.T) {
	w := newWorld()
	var operations []string
	w.cfg.Emit = func(_ context.Context, _, detailType string, _ []string, detail any) {
		if detailType == configurationChange {
			operations = append(operations, detail.(map[string]any)["operation"].(string))
		}
	}
	w.create(t, ofDeadLetters(nil))
	w.create(t, ofDeadLetters(map[string]any{"Threshold": 5}))
	w.call(t, "DeleteAlarms", map[string]any{"AlarmNames": []any{"dead"}})
	if want := []string{"create", "update", "delete"}; !slices.Equal(operations, want) {
		t.Errorf("operations %v, want %v", operations, want)
	}
	_, err := w.Service().Operations["DeleteAlarms"](t.Context(), endpoint.Call{Params: map[string]any{"AlarmNames": []any{"dead"}}})
	var api *endpoint.Error
	if !errors.As(err, &api) || api.Code != "ResourceNotFound" {
		t.Errorf("deleted again: %v", err)
	}
}

func TestAPercentileAndAnExpressionCanBeWatched(t *testing.T) {
	w := newWorld()
	metric := func(name string) map[string]any {
		return map[string]any{"Namespace": "N", "MetricName": name}
	}
	stat := func(id, name, stat string) map[string]any {
		return map[string]any{"Id": id, "ReturnData": false, "MetricStat": map[string]any{"Metric": metric(name), "Period": 60, "Stat": stat}}
	}
	w.call(t, "PutMetricAlarm", map[string]any{
		"AlarmName": "slow", "Namespace": "N", "MetricName": "Latency", "ExtendedStatistic": "p90", "Period": 60, "EvaluationPeriods": 1,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 9,
	})
	w.call(t, "PutMetricAlarm", map[string]any{
		"AlarmName": "failing", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 50,
		"Metrics": []any{
			map[string]any{"Id": "rate", "Expression": "100 * FILL(failed, 0) / done"}, stat("failed", "Failed", "Sum"), stat("done", "Done", "Sum"),
		},
	})
	for i := range 10 {
		w.emit(Metric{Namespace: "N", Name: "Latency"}, float64(i+1), 0)
	}
	w.emit(Metric{Namespace: "N", Name: "Done"}, 3, 0)
	w.pass(time.Minute)
	if got := w.state(t, "slow"); got != Alarming {
		t.Errorf("with a 90th percentile of 9, slow is %s", got)
	}
	if got := w.state(t, "failing"); got != OK {
		t.Errorf("with nothing failed, failing is %s", got)
	}
	w.emit(Metric{Namespace: "N", Name: "Latency"}, 8, 0)
	w.emit(Metric{Namespace: "N", Name: "Done"}, 3, 0)
	w.emit(Metric{Namespace: "N", Name: "Failed"}, 2, 0)
	w.pass(time.Minute)
	if slow, failing := w.state(t, "slow"), w.state(t, "failing"); slow != OK || failing != Alarming {
		t.Errorf("slow is %s, failing %s", slow, failing)
	}
}

func TestACompositeAlarmFollowsOthers(t *testing.T) {
	w := newWorld()
	w.create(t, ofDeadLetters(nil))
	w.create(t, ofDeadLetters(map[string]any{"AlarmName": "quiet", "Dimensions": []any{}}))
	composite := func(name, rule string) error {
		_, err := w.Create(t.Context(), resource.Resource{Type: typeComposite, Properties: map[string]any{
			"AlarmName": name, "AlarmRule": rule, "AlarmActions": []any{"arn:aws:sns:eu-west-1:123456789012:people"},
		}})
		return err
	}
	for name, rule := range map[string]string{
		"a name that is not there": "ALARM(nobody)", "no rule": "", "a word": "ALARM", "open": "(ALARM(dead)", "two": "ALARM(dead) ALARM(quiet)",
	} {
		if err := composite("bad", rule); err == nil {
			t.Errorf("%s: %q is taken", name, rule)
		}
	}
	if err := errors.Join(
		composite("either", `ALARM("dead") OR ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:quiet)`),
		composite("upper", "ALARM(either) AND NOT (INSUFFICIENT_DATA(quiet) OR FALSE)"),
	); err != nil {
		t.Fatal(err)
	}
	if err := composite("either", "ALARM(upper)"); err == nil {
		t.Error("two alarms depend on each other")
	}
	w.pass(time.Minute)
	if either, upper := w.state(t, "either"), w.state(t, "upper"); either != OK || upper != OK {
		t.Errorf("either is %s, upper is %s", either, upper)
	}
	w.emit(deadLetters, 1, 0)
	w.pass(time.Minute)
	if either, upper := w.state(t, "either"), w.state(t, "upper"); either != Alarming || upper != Alarming {
		t.Errorf("either is %s, upper is %s", either, upper)
	}
	if !slices.Contains(w.notices, `arn:aws:sns:eu-west-1:123456789012:people ALARM: "upper" in EU (Ireland)`) {
		t.Errorf("notices %v", w.notices)
	}
	shown := w.call(t, "DescribeAlarms", map[string]any{"AlarmTypes": []any{"CompositeAlarm"}})
	if metric, composite := shown["MetricAlarms"].([]any), shown["CompositeAlarms"].([]any); len(metric) != 0 || len(composite) != 2 {
		t.Errorf("described %v", shown)
	}
}

func TestAlarmsThatCannotBeMeantAreRefused(t *testing.T) {
	for name, more := range map[string]map[string]any{
		"more data than periods": {"DatapointsToAlarm": 2},
		"no periods":             {"EvaluationPeriods": 0},
		"an odd period":          {"Period": 61},
		"a comparison":           {"ComparisonOperator": "GreaterThan"},
		"a statistic":            {"Statistic": "Median"},
		"missing data":           {"TreatMissingData": "good"},
		"no metric":              {"MetricName": ""},
		"an anomaly band":        {"ThresholdMetricId": "band"},
		"two returned":           {"MetricName": "", "Statistic": "", "Metrics": []any{map[string]any{"Id": "a", "Expression": "1"}, map[string]any{"Id": "b", "Expression": "2"}}},
		"an unknown function":    {"MetricName": "", "Statistic": "", "Metrics": []any{map[string]any{"Id": "a", "Expression": "ANOMALY_DETECTION_BAND(b)"}}},
		"an unknown id":          {"MetricName": "", "Statistic": "", "Metrics": []any{map[string]any{"Id": "a", "Expression": "b + 1"}}},
	} {
		if _, err := newWorld().Create(t.Context(), ofDeadLetters(more)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestWhatLogsEmitBecomesMetrics(t *testing.T) {
	w := newWorld()
	at := noon.Add(-time.Minute)
	for _, line := range []string{
		`{"_aws":{"Timestamp":` + "1795694340000" + `,"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage","Tier"],["Stage"]],"Metrics":[{"Name":"Waiting","Unit":"Count"}]}]},"Stage":"dev","Tier":"standard","Waiting":3}`,
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Stage"]],"Metrics":[{"Name":"Took"}]}]},"Stage":"dev","Took":[1,2.5]}`,
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Headroom","Dimensions":[["Nowhere"]],"Metrics":[{"Name":"Lost"}]}]},"Lost":1}`,
		`{"time":"2026-11-26T11:59:00.000Z","type":"platform.report","record":{"status":"timeout","metrics":{"durationMs":12.5}}}`,
		`{"message":"\"_aws\" is no metric"}`, `"_aws"`, `{"_aws":7}`, `no JSON, but "platform.report"`,
	} {
		w.Metrics.PutLogged("f", at, line)
	}
	var names []string
	for _, m := range w.call(t, "ListMetrics", nil)["Metrics"].([]any) {
		shown, _ := json.Marshal(m)
		names = append(names, string(shown))
	}
	want := []string{
		`{"Dimensions":[{"Name":"FunctionName","Value":"f"}],"MetricName":"Duration","Namespace":"AWS/Lambda"}`,
		`{"Dimensions":[{"Name":"FunctionName","Value":"f"}],"MetricName":"Errors","Namespace":"AWS/Lambda"}`,
		`{"Dimensions":[{"Name":"FunctionName","Value":"f"}],"MetricName":"Invocations","Namespace":"AWS/Lambda"}`,
		`{"Dimensions":[{"Name":"FunctionName","Value":"f"}],"MetricName":"Throttles","Namespace":"AWS/Lambda"}`,
		`{"Dimensions":[{"Name":"Stage","Value":"dev"}],"MetricName":"Took","Namespace":"Headroom"}`,
		`{"Dimensions":[{"Name":"Stage","Value":"dev"}],"MetricName":"Waiting","Namespace":"Headroom"}`,
		`{"Dimensions":[{"Name":"Stage","Value":"dev"},{"Name":"Tier","Value":"standard"}],"MetricName":"Waiting","Namespace":"Headroom"}`,
	}
	if !slices.Equal(names, want) {
		t.Errorf("metrics:\n%s", strings.Join(names, "\n"))
	}
	got := w.call(t, "GetMetricStatistics", map[string]any{
		"Namespace": "Headroom", "MetricName": "Took", "Dimensions": []any{map[string]any{"Name": "Stage", "Value": "dev"}},
		"StartTime": noon.Add(-time.Hour).Format(time.RFC3339), "EndTime": float64(noon.Unix()), "Period": "60",
		"Statistics": []any{"Sum", "SampleCount", "Average", "Minimum", "Maximum"}, "ExtendedStatistics": []any{"p100"},
	})["Datapoints"].([]any)
	if len(got) != 1 {
		t.Fatalf("data points %v", got)
	}
	shown, _ := json.Marshal(got[0])
	if want := `{"Average":1.75,"ExtendedStatistics":{"p100":2.5},"Maximum":2.5,"Minimum":1,"SampleCount":2,"Sum":3.5,"Timestamp":"2026-11-26T11:59:00Z","Unit":"None"}`; string(shown) != want {
		t.Errorf("data point %s", shown)
	}
	failed := w.call(t, "GetMetricData", map[string]any{
		"StartTime": noon.Add(-time.Hour).Format(time.RFC3339), "EndTime": noon.Format(time.RFC3339),
		"MetricDataQueries": []any{
			map[string]any{"Id": "share", "Expression": "100 * errors / all"},
			map[string]any{"Id": "errors", "ReturnData": false, "MetricStat": map[string]any{"Period": 60, "Stat": "Sum", "Metric": map[string]any{
				"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": []any{map[string]any{"Name": "FunctionName", "Value": "f"}},
			}}},
			map[string]any{"Id": "all", "ReturnData": false, "MetricStat": map[string]any{"Period": 60, "Stat": "Sum", "Metric": map[string]any{
				"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": []any{map[string]any{"Name": "FunctionName", "Value": "f"}},
			}}},
		},
	})["MetricDataResults"].([]any)
	if len(failed) != 1 {
		t.Fatalf("results %v", failed)
	}
	if values := failed[0].(map[string]any)["Values"].([]any); len(values) != 1 || values[0] != 100.0 {
		t.Errorf("share of errors %v", values)
	}
}

func TestAlarmsAreListedByPages(t *testing.T) {
	w := newWorld()
	for _, name := range []string{"c", "a", "b"} {
		w.create(t, ofDeadLetters(map[string]any{"AlarmName": name}))
	}
	var names []string
	params := map[string]any{"MaxRecords": 2}
	for {
		page := w.call(t, "DescribeAlarms", params)
		for _, shown := range page["MetricAlarms"].([]any) {
			names = append(names, shown.(map[string]any)["AlarmName"].(string))
		}
		names = append(names, "|")
		token, more := page["NextToken"]
		if !more {
			break
		}
		params["NextToken"] = token
	}
	if got := strings.Join(names, ""); got != "ab|c|" {
		t.Errorf("pages %s", got)
	}
}

// A query over all gateways, and a share of a quota, are taken as AWS takes them; there is nothing here that they see.
func TestAlarmsOnQueriesAndQuotasHaveNoData(t *testing.T) {
	for name, metrics := range map[string][]any{
		"query": {map[string]any{"Id": "e", "Expression": `SELECT MAX(IoWaitPercent) FROM SCHEMA("AWS/StorageGateway", GatewayId) GROUP BY GatewayId`, "Period": 300}},
		"quota": {
			map[string]any{"Id": "e", "Expression": "100 * m / SERVICE_QUOTA(m)"},
			map[string]any{"Id": "m", "ReturnData": false, "MetricStat": map[string]any{
				"Metric": map[string]any{"Namespace": "AWS/Usage", "MetricName": "ResourceCount"}, "Period": 300, "Stat": "Maximum",
			}},
		},
	} {
		w := newWorld()
		r := ofDeadLetters(map[string]any{"Metrics": metrics, "TreatMissingData": "missing"})
		for _, name := range []string{"Namespace", "MetricName", "Dimensions", "Statistic", "Period"} {
			delete(r.Properties, name)
		}
		w.create(t, r)
		w.pass(10 * time.Minute)
		if got := w.state(t, "dead"); got != InsufficientData {
			t.Errorf("%s: it is %s", name, got)
		}
	}
}
