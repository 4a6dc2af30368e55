package iam_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/endpoint"
)

func TestWhatOperatorsCallsNeed(t *testing.T) {
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource
	}
	dashboard := "arn:aws:cloudwatch::" + account + ":dashboard/d"
	group := arn("logs", "log-group:/aws/lambda/f")
	type params = map[string]any
	for _, tt := range []struct {
		service, operation string
		params             params
		want               []string
	}{
		{"monitoring", "PutMetricAlarm", params{"AlarmName": "a"}, []string{"cloudwatch:PutMetricAlarm " + arn("cloudwatch", "alarm:a")}},
		{"monitoring", "DescribeAlarms", nil, []string{"cloudwatch:DescribeAlarms " + arn("cloudwatch", "alarm:*")}},
		{"monitoring", "DeleteAlarms", params{"AlarmNames": []any{"a", "b"}}, []string{"cloudwatch:DeleteAlarms " + arn("cloudwatch", "alarm:a"), "cloudwatch:DeleteAlarms " + arn("cloudwatch", "alarm:b")}},
		{"monitoring", "GetDashboard", params{"DashboardName": "d"}, []string{"cloudwatch:GetDashboard " + dashboard}},
		{"monitoring", "GetMetricData", nil, []string{"cloudwatch:GetMetricData *"}},
		{"logs", "DescribeLogGroups", nil, []string{"logs:DescribeLogGroups " + arn("logs", "log-group:*")}},
		{"logs", "FilterLogEvents", params{"logGroupName": "/aws/lambda/f"}, []string{"logs:FilterLogEvents " + group + ":log-stream:"}},
		{"logs", "FilterLogEvents", params{"logGroupIdentifier": group}, []string{"logs:FilterLogEvents " + group + ":log-stream:"}},
		{"logs", "GetLogEvents", params{"logGroupName": "/aws/lambda/f", "logStreamName": "s"}, []string{"logs:GetLogEvents " + group + ":log-stream:s"}},
		{"lambda", "ListFunctions", nil, []string{"lambda:ListFunctions *"}},
		{"lambda", "Invoke", params{"FunctionName": "f"}, []string{"lambda:InvokeFunction " + arn("lambda", "function:f")}},
		{"lambda", "GetFunctionConfiguration", params{"FunctionName": arn("lambda", "function:f")}, []string{"lambda:GetFunctionConfiguration " + arn("lambda", "function:f")}},
		{"scheduler", "GetSchedule", params{"Name": "s", "groupName": "g"}, []string{"scheduler:GetSchedule " + arn("scheduler", "schedule/g/s")}},
		{"scheduler", "ListSchedules", nil, []string{"scheduler:ListSchedules *"}},
		{"events", "ListRules", nil, []string{"events:ListRules *"}},
		{"events", "DescribeRule", params{"Name": "r"}, []string{"events:DescribeRule " + arn("events", "rule/r")}},
		{"events", "ListTargetsByRule", params{"Rule": "r", "EventBusName": "b"}, []string{"events:ListTargetsByRule " + arn("events", "rule/b/r")}},
		{"sqs", "StartMessageMoveTask", params{"SourceArn": queue}, []string{"sqs:StartMessageMoveTask " + queue}},
		{"sqs", "CancelMessageMoveTask", params{"TaskHandle": "h"}, []string{"sqs:CancelMessageMoveTask *"}},
		{"secretsmanager", "ListSecrets", nil, []string{"secretsmanager:ListSecrets *"}},
		{"cloudformation", "ListStacks", nil, []string{"cloudformation:ListStacks *"}},
		{"cloudformation", "UpdateStack", params{"StackName": "s", "UsePreviousTemplate": "true"}, []string{"cloudformation:UpdateStack " + arn("cloudformation", "stack/s/*")}},
		{"cloudformation", "GetTemplate", params{"StackName": "s"}, []string{"cloudformation:GetTemplate " + arn("cloudformation", "stack/s/*")}},
		{
			"cloudformation", "GetTemplateSummary",
			params{"TemplateURL": "https://s3.eu-west-1.amazonaws.com/plain/t.json"},
			[]string{"cloudformation:GetTemplateSummary *", "s3:GetObject arn:aws:s3:::plain/t.json"},
		},
		{"ssm", "DescribeParameters", nil, []string{"ssm:DescribeParameters *"}},
		{"ec2", "DescribeNetworkInterfaces", nil, []string{"ec2:DescribeNetworkInterfaces *"}},
		{"cloudformation", "ListStackResources", params{"StackName": "s"}, []string{"cloudformation:ListStackResources " + arn("cloudformation", "stack/s/*")}},
	} {
		got := needed(t, storeWith(t, `{"Effect":"Allow","Action":"none:None","Resource":"*"}`), endpoint.Call{Service: tt.service, Operation: tt.operation, Params: tt.params})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %v:\n%s", tt.operation, tt.params, diff)
		}
	}
}

func TestMetricsMayBeLimitedToANamespace(t *testing.T) {
	s := storeWith(t, `{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"Ours"}}}`)
	for namespace, allowed := range map[string]bool{"Ours": true, "Theirs": false} {
		err := s.Authorize(t.Context(), endpoint.Call{
			Principal: session, Service: "monitoring", Operation: "PutMetricData", Params: map[string]any{"Namespace": namespace},
		})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", namespace, err)
		}
	}
}
