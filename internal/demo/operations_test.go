package demo

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"headroom/internal/local"
)

func TestTheConsoleSaysWhatOperatorsHearOf(t *testing.T) {
	cloud, err := local.Start(t.Context(), local.Options{
		Modules: "../../node_modules", Binary: func(string) (string, error) { return "", errors.New("there are no functions") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	var lines []string
	Deployment{Cloud: cloud}.Operations(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	})

	ctx := t.Context()
	topics := sns.NewFromConfig(cloud.Config())
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("people")})
	if err != nil {
		t.Fatal(err)
	}
	alarms := cloudwatch.NewFromConfig(cloud.Config())
	if _, err := alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("dead-letters"), AlarmDescription: aws.String("Redrive them."), Namespace: aws.String("N"), MetricName: aws.String("M"),
		Statistic: types.StatisticSum, Period: aws.Int32(86400), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{*topic.TopicArn}, TreatMissingData: aws.String("ignore"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, state := range []types.StateValue{types.StateValueOk, types.StateValueAlarm, types.StateValueOk} {
		if _, err := alarms.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("dead-letters"), StateValue: state, StateReason: aws.String("drill.")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := topics.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Subject: aws.String("host cordoned"), Message: aws.String("why")}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{
		"alarm dead-letters rings: drill. Redrive them.", "alarm dead-letters is over: drill.", "people are notified: host cordoned",
	}; !slices.Equal(lines, want) {
		t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
	}
}

func TestErrorsOfFunctionsAreSaidOnce(t *testing.T) {
	const invalid = `{"time":"2026-11-26T12:00:00Z","level":"ERROR","msg":"policy is invalid, an older version is in force","reasons":"floor is above ceiling"}`
	if got, want := errorWords("poolcheck", invalid), "error in poolcheck: policy is invalid, an older version is in force: floor is above ceiling"; got != want {
		t.Errorf("said %q", got)
	}
	for _, quiet := range []string{`{"level":"INFO","msg":"all is well"}`, `{"level":"FATAL","message":"metric"}`, "ERROR in plain text"} {
		if got := errorWords("poolcheck", quiet); got != "" {
			t.Errorf("%s is said as %q", quiet, got)
		}
	}
	var said once
	if !said.first("a") || said.first("a") || !said.first("b") {
		t.Error("a line is said twice, or not at all")
	}
}
