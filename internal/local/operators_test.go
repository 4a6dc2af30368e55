package local_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/iam"
)

// must ends a test that can't go on.
func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// TestDeadLettersRingAndAreMovedBack is what an operator goes through: messages fail, the alarm rings, the
// cause is mended, and the messages are moved back.
func TestDeadLettersRingAndAreMovedBack(t *testing.T) {
	o := options(t)
	o.Speed = 120 // a minute is half a second
	cloud := start(t, o)
	echoes := listen(cloud)
	outputs := deploy(t, cloud, nil)
	ctx, cfg := t.Context(), cloud.Config()
	alarms, queues, topics := cloudwatch.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	name := func(url string) string { return url[strings.LastIndex(url, "/")+1:] }
	arn := func(queue string) string { return "arn:aws:sqs:" + cloud.Region + ":" + cloud.Account + ":" + queue }
	dead := name(outputs["DeadLettersUrl"])

	topic := must[*sns.CreateTopicOutput](t)(topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("people")})).TopicArn
	inbox := must[*sqs.CreateQueueOutput](t)(queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("inbox")})).QueueUrl
	must[*sns.SubscribeOutput](t)(topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("inbox")), Attributes: map[string]string{"RawMessageDelivery": "true"},
	}))
	must[*cloudwatch.PutMetricAlarmOutput](t)(alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("dead"), Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
		Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("QueueName"), Value: &dead}}, Statistic: cloudwatchtypes.StatisticMaximum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), TreatMissingData: aws.String("notBreaching"),
		ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{*topic},
	}))
	state := func() cloudwatchtypes.StateValue {
		described := must[*cloudwatch.DescribeAlarmsOutput](t)(alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"dead"}}))
		if len(described.MetricAlarms) != 1 {
			t.Fatalf("described %+v", described)
		}
		return described.MetricAlarms[0].StateValue
	}
	eventually(t, "without dead letters all is well", func() bool { return state() == cloudwatchtypes.StateValueOk })

	cloud.Policies.Revoke(outputs["RoleName"], "events:PutEvents")
	send(t, cloud, outputs["QueueUrl"], "a late greeting")
	eventually(t, "the alarm rings", func() bool { return state() == cloudwatchtypes.StateValueAlarm })
	var notices []string
	eventually(t, "people hear of it", func() bool {
		got := must[*sqs.ReceiveMessageOutput](t)(queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: inbox}))
		for _, message := range got.Messages {
			notices = append(notices, *message.Body)
		}
		return len(notices) > 0
	})
	var notice struct{ AlarmName, NewStateValue, OldStateValue string }
	if err := json.Unmarshal([]byte(notices[0]), &notice); err != nil || notice.AlarmName != "dead" || notice.NewStateValue != "ALARM" || notice.OldStateValue != "OK" {
		t.Errorf("notice %s: %v", notices[0], err)
	}

	grant, err := iam.ParseDocument(map[string]any{"Statement": map[string]any{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Policies.Attach(outputs["RoleName"], "mended", grant); err != nil {
		t.Fatal(err)
	}
	sources := must[*sqs.ListDeadLetterSourceQueuesOutput](t)(queues.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(outputs["DeadLettersUrl"])}))
	if len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != outputs["QueueUrl"] {
		t.Errorf("sources %v, want %s", sources.QueueUrls, outputs["QueueUrl"])
	}
	must[*sqs.StartMessageMoveTaskOutput](t)(queues.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn(dead))}))
	eventually(t, "the message is handled at last", func() bool { return echoes.count("a late greeting") > 0 })
	eventually(t, "the task is over", func() bool {
		listed := must[*sqs.ListMessageMoveTasksOutput](t)(queues.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn(dead))}))
		return len(listed.Results) == 1 && *listed.Results[0].Status == "COMPLETED" && listed.Results[0].ApproximateNumberOfMessagesMoved > 0
	})
	eventually(t, "all is well again", func() bool {
		if state() == cloudwatchtypes.StateValueOk {
			return true
		}
		// A tick of the schedule that failed before the cause was mended may have become a dead letter after that task.
		_, _ = queues.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn(dead))}) // one at a time: it may be refused
		return false
	})
	must[*cloudwatch.DeleteAlarmsOutput](t)(alarms.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"dead"}}))
}

func TestWhatOperatorsAskIsAnswered(t *testing.T) {
	o := options(t)
	o.Speed = 120 // queues are measured twice a second
	cloud := start(t, o)
	echoes := listen(cloud)
	outputs := deploy(t, cloud, nil)
	ctx, cfg := t.Context(), cloud.Config()
	send(t, cloud, outputs["QueueUrl"], "hello")
	eventually(t, "the message is echoed", func() bool { return echoes.count("hello") == 1 })

	t.Run("logs", func(t *testing.T) {
		client := cloudwatchlogs.NewFromConfig(cfg)
		group := aws.String("/aws/lambda/echo")
		groups := must[*cloudwatchlogs.DescribeLogGroupsOutput](t)(client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}))
		if len(groups.LogGroups) != 1 || *groups.LogGroups[0].LogGroupName != *group {
			t.Errorf("groups %+v", groups.LogGroups)
		}
		streams := must[*cloudwatchlogs.DescribeLogStreamsOutput](t)(client.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group}))
		if len(streams.LogStreams) == 0 {
			t.Fatal("there are no streams")
		}
		events := must[*cloudwatchlogs.FilterLogEventsOutput](t)(client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: group, FilterPattern: aws.String(`{ $.body = "hello" }`), StartTime: aws.Int64(time.Now().Add(-time.Hour).UnixMilli()),
		}))
		if len(events.Events) != 1 || !strings.Contains(*events.Events[0].Message, "hello") {
			t.Fatalf("events %+v", events.Events)
		}
		read := must[*cloudwatchlogs.GetLogEventsOutput](t)(client.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: events.Events[0].LogStreamName}))
		if len(read.Events) == 0 || *read.NextForwardToken == "" {
			t.Errorf("read %+v", read)
		}
	})
	t.Run("functions", func(t *testing.T) {
		client := lambda.NewFromConfig(cfg)
		functions := must[*lambda.ListFunctionsOutput](t)(client.ListFunctions(ctx, &lambda.ListFunctionsInput{}))
		if len(functions.Functions) != 1 || *functions.Functions[0].FunctionName != "echo" || *functions.Functions[0].Timeout != 5 {
			t.Errorf("functions %+v", functions.Functions)
		}
		configuration := must[*lambda.GetFunctionConfigurationOutput](t)(client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: functions.Functions[0].FunctionArn}))
		if configuration.Environment.Variables["BUS_NAME"] != "echo-bus" || configuration.CodeSize == 0 {
			t.Errorf("configuration %+v", configuration)
		}
		mappings := must[*lambda.ListEventSourceMappingsOutput](t)(client.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("echo")}))
		if len(mappings.EventSourceMappings) != 1 || *mappings.EventSourceMappings[0].BatchSize != 5 {
			t.Errorf("mappings %+v", mappings.EventSourceMappings)
		}
		invoked := must[*lambda.InvokeOutput](t)(client.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String("echo"), Payload: []byte(`{"Records":[{"messageId":"m","body":"by hand"}]}`), LogType: lambdatypes.LogTypeTail,
		}))
		if invoked.StatusCode != 200 || invoked.FunctionError != nil || !strings.Contains(string(invoked.Payload), "batchItemFailures") {
			t.Errorf("invoked %+v: %s", invoked, invoked.Payload)
		}
		if log, err := base64.StdEncoding.DecodeString(aws.ToString(invoked.LogResult)); err != nil || !strings.Contains(string(log), "platform.report") {
			t.Errorf("log %s: %v", log, err)
		}
		eventually(t, "it is echoed", func() bool { return echoes.count("by hand") == 1 })
		bad := must[*lambda.InvokeOutput](t)(client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte(`[]`)}))
		if aws.ToString(bad.FunctionError) != "Unhandled" || !strings.Contains(string(bad.Payload), "errorMessage") {
			t.Errorf("invoked with a list: %+v: %s", bad, bad.Payload)
		}
		_, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("none")})
		if missing := new(lambdatypes.ResourceNotFoundException); !errors.As(err, &missing) {
			t.Errorf("a function that is not there: %v", err)
		}
	})
	t.Run("metrics", func(t *testing.T) {
		client := cloudwatch.NewFromConfig(cfg)
		invocations := &cloudwatchtypes.Metric{
			Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"),
			Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("echo")}},
		}
		eventually(t, "queues have metrics", func() bool {
			listed := must[*cloudwatch.ListMetricsOutput](t)(client.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/SQS")}))
			return len(listed.Metrics) > 0
		})
		began := time.Now()
		data := must[*cloudwatch.GetMetricDataOutput](t)(client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(began.Add(-time.Hour)), EndTime: aws.Time(began.Add(time.Hour)),
			MetricDataQueries: []cloudwatchtypes.MetricDataQuery{{Id: aws.String("n"), MetricStat: &cloudwatchtypes.MetricStat{Metric: invocations, Period: aws.Int32(3600), Stat: aws.String("Sum")}}},
		}))
		total := 0.0
		for _, value := range data.MetricDataResults[0].Values {
			total += value
		}
		if total < 3 { // a message, and two by hand
			t.Errorf("%v invocations: %+v", total, data.MetricDataResults)
		}
		if at := data.MetricDataResults[0].Timestamps[0]; at.After(began) || began.Sub(at) > 2*time.Hour {
			t.Errorf("the data are of %s", at)
		}
		must[*cloudwatch.PutDashboardOutput](t)(client.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: aws.String(`{"widgets":[]}`)}))
		if body := must[*cloudwatch.GetDashboardOutput](t)(client.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")})); *body.DashboardBody != `{"widgets":[]}` {
			t.Errorf("dashboard %s", *body.DashboardBody)
		}
		_, err := client.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("none")})
		if !strings.Contains(fmt.Sprint(err), "ResourceNotFound") {
			t.Errorf("a dashboard that is not there: %v", err)
		}
	})
	t.Run("rules and schedules", func(t *testing.T) {
		client := eventbridge.NewFromConfig(cfg)
		rules := must[*eventbridge.ListRulesOutput](t)(client.ListRules(ctx, &eventbridge.ListRulesInput{}))
		if len(rules.Rules) != 1 || !strings.Contains(aws.ToString(rules.Rules[0].EventPattern), "echo-alarm") {
			t.Fatalf("rules %+v", rules.Rules)
		}
		targets := must[*eventbridge.ListTargetsByRuleOutput](t)(client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: rules.Rules[0].Name}))
		if len(targets.Targets) != 1 || !strings.HasPrefix(aws.ToString(targets.Targets[0].Arn), "arn:aws:sqs:") {
			t.Errorf("targets %+v", targets.Targets)
		}
		buses := must[*eventbridge.ListEventBusesOutput](t)(client.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{}))
		if len(buses.EventBuses) != 2 {
			t.Errorf("buses %+v", buses.EventBuses)
		}
		var schedules struct {
			Schedules []struct{ Name, State string }
		}
		get(t, cloud.Endpoint+"/schedules", "scheduler", &schedules)
		if len(schedules.Schedules) != 1 || schedules.Schedules[0].State != "ENABLED" {
			t.Fatalf("schedules %+v", schedules)
		}
		var schedule struct{ ScheduleExpression string }
		get(t, cloud.Endpoint+"/schedules/"+schedules.Schedules[0].Name, "scheduler", &schedule)
		if schedule.ScheduleExpression != "rate(1 minute)" {
			t.Errorf("schedule %+v", schedule)
		}
	})
	t.Run("stacks and secrets", func(t *testing.T) {
		stacks := must[*cloudformation.ListStacksOutput](t)(cloudformation.NewFromConfig(cfg).ListStacks(ctx, &cloudformation.ListStacksInput{}))
		if len(stacks.StackSummaries) != 1 || stacks.StackSummaries[0].StackStatus != "CREATE_COMPLETE" {
			t.Fatalf("stacks %+v", stacks.StackSummaries)
		}
		resources := must[*cloudformation.ListStackResourcesOutput](t)(cloudformation.NewFromConfig(cfg).ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: stacks.StackSummaries[0].StackName}))
		if len(resources.StackResourceSummaries) < 10 {
			t.Errorf("resources %+v", resources.StackResourceSummaries)
		}
		client := secretsmanager.NewFromConfig(cfg)
		for _, name := range []string{"a/one", "a/two", "b/one"} {
			must[*secretsmanager.CreateSecretOutput](t)(client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x")}))
		}
		eventually(t, "new secrets are listed", func() bool {
			pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(2)})
			n := 0
			for pages.HasMorePages() {
				n += len(must[*secretsmanager.ListSecretsOutput](t)(pages.NextPage(ctx)).SecretList)
			}
			return n == 3
		})
	})
}

// get asks a REST service as the account's owner.
func get(t *testing.T, url, service string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=OWNER/20261126/eu-west-1/"+service+"/aws4_request")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s: %s", url, resp.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}
