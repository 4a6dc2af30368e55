package iam_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
)

// needed finds out what a call needs by granting what it is refused for, until it is allowed.
func needed(t *testing.T, s *iam.Store, call endpoint.Call) []string {
	t.Helper()
	var needs, statements []string
	call.Principal = session
	for range 20 {
		s.PutRole(iam.Role{Name: "worker", ARN: "arn:aws:iam::" + account + ":role/worker", Policies: map[string]iam.Document{
			"policy": document(t, strings.Join(append(statements, `{"Effect":"Allow","Action":"none:None","Resource":"*"}`), ",")),
		}})
		err := s.Authorize(t.Context(), call)
		if err == nil {
			return needs
		}
		_, rest, _ := strings.Cut(err.Error(), "to perform: ")
		action, rest, _ := strings.Cut(rest, " on resource: ")
		resource, _, _ := strings.Cut(rest, " because")
		needs = append(needs, action+" "+resource)
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource))
	}
	t.Fatal("the call is never allowed")
	return nil
}

func TestWhatCallsNeed(t *testing.T) {
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource
	}
	table, stack := arn("dynamodb", "table/t"), arn("cloudformation", "stack/headroom-dev-x/*")
	gateway, role := arn("storagegateway", "gateway/sgw-1"), "arn:aws:iam::123456789012:role/r"
	volume := arn("ec2", "volume/vol-1")
	put := func(name string) map[string]any { return map[string]any{name: map[string]any{"TableName": "t"}} }
	tests := []struct {
		name, service, operation string
		params                   map[string]any
		want                     []string
	}{
		{"put item", "dynamodb", "PutItem", map[string]any{"TableName": "t"}, []string{"dynamodb:PutItem " + table, "kms:Decrypt " + key}},
		{"query an index", "dynamodb", "Query", map[string]any{"TableName": "plain", "IndexName": "due"}, []string{"dynamodb:Query " + arn("dynamodb", "table/plain/index/due")}},
		{
			"a transaction needs what its items need", "dynamodb", "TransactWriteItems",
			map[string]any{"TransactItems": []any{put("Put"), put("Put"), put("ConditionCheck")}},
			[]string{"dynamodb:PutItem " + table, "kms:Decrypt " + key, "dynamodb:ConditionCheckItem " + table},
		},
		{"send a batch", "sqs", "SendMessageBatch", map[string]any{"QueueUrl": "http://localhost:1/123456789012/q"}, []string{"sqs:SendMessage " + queue, "kms:GenerateDataKey " + key, "kms:Decrypt " + key}},
		{"receive", "sqs", "ReceiveMessage", map[string]any{"QueueUrl": "http://localhost:1/123456789012/q"}, []string{"sqs:ReceiveMessage " + queue, "kms:Decrypt " + key}},
		{"publish", "sns", "Publish", map[string]any{"TopicArn": arn("sns", "t")}, []string{"sns:Publish " + arn("sns", "t"), "kms:GenerateDataKey " + key, "kms:Decrypt " + key}},
		{"put an object", "s3", "PutObject", map[string]any{"Bucket": "b", "Key": "k"}, []string{"s3:PutObject arn:aws:s3:::b/k", "kms:GenerateDataKey " + key}},
		{"tags of a bucket", "s3", "PutBucketTagging", map[string]any{"Bucket": "b"}, []string{"s3:PutBucketTagging arn:aws:s3:::b"}},
		{"head an object", "s3", "HeadObject", map[string]any{"Bucket": "plain", "Key": "k"}, []string{"s3:GetObject arn:aws:s3:::plain/k"}},
		{"put events", "events", "PutEvents", map[string]any{"Entries": []any{map[string]any{"EventBusName": "b", "Source": "headroom"}}}, []string{"events:PutEvents " + arn("events", "event-bus/b")}},
		{
			"create a secret with a key and tags", "secretsmanager", "CreateSecret",
			map[string]any{"Name": "headroom/dev/tenant/a", "KmsKeyId": key, "Tags": []any{map[string]any{"Key": "k", "Value": "v"}}},
			[]string{
				"secretsmanager:CreateSecret " + arn("secretsmanager", "secret:headroom/dev/tenant/a-AbCdEf"),
				"secretsmanager:TagResource " + arn("secretsmanager", "secret:headroom/dev/tenant/a-AbCdEf"),
				"kms:GenerateDataKey " + key, "kms:Decrypt " + key,
			},
		},
		{"read a parameter", "ssm", "GetParameter", map[string]any{"Name": "/headroom/dev/policy"}, []string{"ssm:GetParameter " + arn("ssm", "parameter/headroom/dev/policy")}},
		{
			"create a stack", "cloudformation", "CreateStack",
			map[string]any{"StackName": "headroom-dev-x", "TemplateURL": "https://s3.eu-west-1.amazonaws.com/plain/t.json", "RoleARN": role},
			[]string{"cloudformation:CreateStack " + stack, "s3:GetObject arn:aws:s3:::plain/t.json", "iam:PassRole " + role},
		},
		{"propose a change of a stack", "cloudformation", "CreateChangeSet", map[string]any{"StackName": "headroom-dev-x", "ChangeSetName": "c"}, []string{"cloudformation:CreateChangeSet " + stack}},
		{"carry a change out", "cloudformation", "ExecuteChangeSet", map[string]any{"StackName": "headroom-dev-x", "ChangeSetName": "c"}, []string{"cloudformation:ExecuteChangeSet " + stack}},
		{"describe a stack by name", "cloudformation", "DescribeStacks", map[string]any{"StackName": "headroom-dev-x"}, []string{"cloudformation:DescribeStacks " + stack}},
		{"create a share", "storagegateway", "CreateNFSFileShare", map[string]any{"GatewayARN": gateway, "Role": role}, []string{"storagegateway:CreateNFSFileShare " + gateway, "iam:PassRole " + role}},
		{"open a group", "ec2", "AuthorizeSecurityGroupIngress", map[string]any{"GroupId": "sg-1"}, []string{"ec2:AuthorizeSecurityGroupIngress " + arn("ec2", "security-group/sg-1")}},
		{
			"attach an encrypted volume", "ec2", "AttachVolume",
			map[string]any{"VolumeId": "vol-1", "InstanceId": "i-1", "Device": "/dev/sdf"},
			[]string{"ec2:AttachVolume " + volume, "kms:CreateGrant " + key, "ec2:AttachVolume " + arn("ec2", "instance/i-1")},
		},
		{
			"take a volume from its machine", "ec2", "DetachVolume",
			map[string]any{"VolumeId": "vol-1", "InstanceId": "i-1"},
			[]string{"ec2:DetachVolume " + volume, "ec2:DetachVolume " + arn("ec2", "instance/i-1")},
		},
		{"take a volume from wherever it is", "ec2", "DetachVolume", map[string]any{"VolumeId": "vol-1"}, []string{"ec2:DetachVolume " + volume}},
		{"delete a volume", "ec2", "DeleteVolume", map[string]any{"VolumeId": "vol-1"}, []string{"ec2:DeleteVolume " + volume}},
		{
			"stop machines", "ec2", "StopInstances",
			map[string]any{"InstanceId": []any{"i-1", "i-2"}},
			[]string{"ec2:StopInstances " + arn("ec2", "instance/i-1"), "ec2:StopInstances " + arn("ec2", "instance/i-2")},
		},
		{
			"start a machine whose disk is encrypted", "ec2", "StartInstances",
			map[string]any{"InstanceId": []any{"i-encrypted"}},
			[]string{"ec2:StartInstances " + arn("ec2", "instance/i-encrypted"), "kms:CreateGrant " + key},
		},
		{"keep a machine's disk", "ec2", "ModifyInstanceAttribute", map[string]any{"InstanceId": "i-1"}, []string{"ec2:ModifyInstanceAttribute " + arn("ec2", "instance/i-1")}},
		{
			"tag a volume and a machine", "ec2", "CreateTags",
			map[string]any{"ResourceId": []any{"vol-1", "i-1"}, "Tag": []any{map[string]any{"Key": "k", "Value": "v"}}},
			[]string{"ec2:CreateTags " + volume, "ec2:CreateTags " + arn("ec2", "instance/i-1")},
		},
		{"look at machines' checks", "ec2", "DescribeInstanceStatus", map[string]any{"InstanceId": []any{"i-1"}}, []string{"ec2:DescribeInstanceStatus *"}},
		{"look at a volume", "ec2", "DescribeVolumes", map[string]any{"VolumeId": []any{"vol-1"}}, []string{"ec2:DescribeVolumes *"}},
		{"tell when a share is uploaded", "storagegateway", "NotifyWhenUploaded", map[string]any{"FileShareARN": arn("storagegateway", "share/share-1")}, []string{"storagegateway:NotifyWhenUploaded " + arn("storagegateway", "share/share-1")}},
		{"have a gateway report what fails", "storagegateway", "StartCacheReport", map[string]any{"FileShareARN": arn("storagegateway", "share/share-1"), "Role": role}, []string{"storagegateway:StartCacheReport " + arn("storagegateway", "share/share-1"), "iam:PassRole " + role}},
		{"look at a report", "storagegateway", "DescribeCacheReport", map[string]any{"CacheReportARN": arn("storagegateway", "share/share-1/cache-report/report-1")}, []string{"storagegateway:DescribeCacheReport " + arn("storagegateway", "share/share-1/cache-report/report-1")}},
		{"delete a report", "storagegateway", "DeleteCacheReport", map[string]any{"CacheReportARN": arn("storagegateway", "share/share-1/cache-report/report-1")}, []string{"storagegateway:DeleteCacheReport " + arn("storagegateway", "share/share-1/cache-report/report-1")}},
		{"list reports", "storagegateway", "ListCacheReports", map[string]any{}, []string{"storagegateway:ListCacheReports *"}},
		{"delete a share", "storagegateway", "DeleteFileShare", map[string]any{"FileShareARN": arn("storagegateway", "share/share-1")}, []string{"storagegateway:DeleteFileShare " + arn("storagegateway", "share/share-1")}},
		{
			"run a task, by its family", "ecs", "RunTask",
			map[string]any{"cluster": "c", "taskDefinition": "f"},
			[]string{"ecs:RunTask " + arn("ecs", "task-definition/f:3"), "iam:PassRole " + role, "iam:PassRole " + role + "-execution"},
		},
		{
			"run a task as another role", "ecs", "RunTask",
			map[string]any{"cluster": "c", "taskDefinition": "f", "overrides": map[string]any{"taskRoleArn": role + "-other"}},
			[]string{"ecs:RunTask " + arn("ecs", "task-definition/f:3"), "iam:PassRole " + role + "-other", "iam:PassRole " + role + "-execution"},
		},
		{"stop a task", "ecs", "StopTask", map[string]any{"cluster": "c", "task": "t"}, []string{"ecs:StopTask " + arn("ecs", "task/c/t")}},
		{"look at tasks", "ecs", "DescribeTasks", map[string]any{"cluster": arn("ecs", "cluster/c"), "tasks": []any{"t", arn("ecs", "task/c/u")}}, []string{"ecs:DescribeTasks " + arn("ecs", "task/c/t"), "ecs:DescribeTasks " + arn("ecs", "task/c/u")}},
		{"who am I", "sts", "GetCallerIdentity", nil, nil},
		{"what nobody thought of", "glue", "StartJobRun", nil, []string{"glue:StartJobRun *"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := iam.New(account, region)
			for _, encrypted := range []string{table, queue, arn("sns", "t"), "arn:aws:s3:::b", volume, arn("ec2", "instance/i-encrypted")} {
				s.PutKeyOf(encrypted, key)
			}
			s.TasksFrom(func(definition string) (string, []string) {
				return arn("ecs", "task-definition/"+definition+":3"), []string{role, role + "-execution"}
			})
			got := needed(t, s, endpoint.Call{Service: tt.service, Operation: tt.operation, Params: tt.params})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("needs:\n%s", diff)
			}
		})
	}
}

func TestTasksAreTaggedByWhoRunsThemInTheirClusterOnly(t *testing.T) {
	arn := func(resource string) string { return "arn:aws:ecs:" + region + ":" + account + ":" + resource }
	s := storeWith(t, `
		{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*","Condition":{"ArnEquals":{"ecs:cluster":"`+arn("cluster/ours")+`"}}},
		{"Effect":"Allow","Action":"ecs:TagResource","Resource":"`+arn("task/ours/*")+`","Condition":{"StringEquals":{"ecs:CreateAction":"RunTask"}}}`)
	tags := []any{map[string]any{"key": "headroom:stage", "value": "dev"}}
	for _, tt := range []struct {
		operation string
		params    map[string]any
		allowed   bool
	}{
		{"RunTask", map[string]any{"cluster": "ours", "taskDefinition": "f", "tags": tags}, true},
		{"RunTask", map[string]any{"cluster": "theirs", "taskDefinition": "f"}, false},
		{"TagResource", map[string]any{"resourceArn": arn("task/ours/t"), "tags": tags}, false},
	} {
		err := s.Authorize(t.Context(), endpoint.Call{Principal: session, Service: "ecs", Operation: tt.operation, Params: tt.params})
		if (err == nil) != tt.allowed {
			t.Errorf("%s %v: %v", tt.operation, tt.params, err)
		}
	}
}

func TestOnlyOurVolumesAreAttachedToOurMachines(t *testing.T) {
	arn := func(resource string) string { return "arn:aws:ec2:" + region + ":" + account + ":" + resource }
	tags := map[string]map[string]string{
		arn("volume/ours"): {"headroom:stage": "dev"}, arn("instance/ours"): {"headroom:stage": "dev"},
		arn("volume/theirs"): {"headroom:stage": "prod"}, arn("instance/theirs"): {},
	}
	s := storeWith(t, `
		{"Effect":"Allow","Action":"ec2:AttachVolume","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/headroom:stage":"dev"}}},
		{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}`)
	s.TagsFrom(func(arn string) map[string]string { return tags[arn] })
	s.KeysFrom(func(arn string) string { return map[bool]string{true: key}[strings.Contains(arn, ":volume/")] })
	for _, tt := range []struct {
		volume, instance string
		allowed          bool
	}{{"ours", "ours", true}, {"theirs", "ours", false}, {"ours", "theirs", false}, {"none", "ours", false}} {
		err := s.Authorize(t.Context(), endpoint.Call{
			Principal: session, Service: "ec2", Operation: "AttachVolume",
			Params: map[string]any{"VolumeId": tt.volume, "InstanceId": tt.instance},
		})
		if (err == nil) != tt.allowed {
			t.Errorf("volume %s, machine %s: %v", tt.volume, tt.instance, err)
		}
	}
}

func TestStorageGatewayIsLimitedByTags(t *testing.T) {
	arn := func(resource string) string {
		return "arn:aws:storagegateway:" + region + ":" + account + ":" + resource
	}
	tags := map[string]map[string]string{
		arn("gateway/ours"): {"headroom:stage": "dev"}, arn("share/ours"): {"headroom:stage": "dev"},
		arn("gateway/theirs"): {"headroom:stage": "prod"}, arn("share/theirs"): {},
	}
	s := storeWith(t, `
		{"Effect":"Allow","Action":["storagegateway:UpdateNFSFileShare","storagegateway:DescribeNFSFileShares","storagegateway:AddCache"],
			"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/headroom:stage":"dev"}}},
		{"Effect":"Allow","Action":"storagegateway:CreateNFSFileShare",
			"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/headroom:stage":"dev","aws:RequestTag/headroom:stage":"dev"}}},
		{"Effect":"Allow","Action":"storagegateway:ActivateGateway",
			"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/headroom:stage":"dev"}}},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`)
	s.TagsFrom(func(arn string) map[string]string { return tags[arn] })
	tagged := func(stage string) []any {
		return []any{map[string]any{"Key": "headroom:stage", "Value": stage}}
	}
	tests := []struct {
		name, operation string
		params          map[string]any
		allowed         bool
	}{
		{"a share of ours", "UpdateNFSFileShare", map[string]any{"FileShareARN": arn("share/ours")}, true},
		{"a share without tags", "UpdateNFSFileShare", map[string]any{"FileShareARN": arn("share/theirs")}, false},
		{"a share that is not there", "UpdateNFSFileShare", map[string]any{"FileShareARN": arn("share/none")}, false},
		{"a list of ours", "DescribeNFSFileShares", map[string]any{"FileShareARNList": []any{arn("share/ours")}}, true},
		{"a list with one that is not ours", "DescribeNFSFileShares", map[string]any{"FileShareARNList": []any{arn("share/ours"), arn("share/theirs")}}, false},
		{"a gateway of ours", "AddCache", map[string]any{"GatewayARN": arn("gateway/ours")}, true},
		{"a gateway of another stage", "AddCache", map[string]any{"GatewayARN": arn("gateway/theirs")}, false},
		{"a new share of ours", "CreateNFSFileShare", map[string]any{"GatewayARN": arn("gateway/ours"), "Tags": tagged("dev")}, true},
		{"a new share for another stage", "CreateNFSFileShare", map[string]any{"GatewayARN": arn("gateway/ours"), "Tags": tagged("prod")}, false},
		{"a new share without tags", "CreateNFSFileShare", map[string]any{"GatewayARN": arn("gateway/ours")}, false},
		{"a new share on another stage's gateway", "CreateNFSFileShare", map[string]any{"GatewayARN": arn("gateway/theirs"), "Tags": tagged("dev")}, false},
		{"a new gateway of ours", "ActivateGateway", map[string]any{"Tags": tagged("dev")}, true},
		{"a new gateway without tags", "ActivateGateway", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Authorize(t.Context(), endpoint.Call{Service: "storagegateway", Operation: tt.operation, Principal: session, Params: tt.params})
			if (err == nil) != tt.allowed {
				t.Errorf("allowed %v, want %v: %v", err == nil, tt.allowed, err)
			}
		})
	}
}

func TestRefusalsAreWordedAsAWSDoes(t *testing.T) {
	s := storeWith(t, `{"Effect":"Allow","Action":"none:None","Resource":"*"}`)
	tests := []struct{ service, operation, code string }{
		{"dynamodb", "PutItem", "AccessDeniedException"},
		{"cloudformation", "DescribeStacks", "AccessDenied"},
		{"s3", "ListBuckets", "AccessDenied"},
		{"ec2", "DescribeSecurityGroups", "UnauthorizedOperation"},
		{"sns", "ListTopics", "AuthorizationError"},
	}
	for _, tt := range tests {
		err := s.Authorize(t.Context(), endpoint.Call{Service: tt.service, Operation: tt.operation, Principal: session, Params: map[string]any{}})
		var e *endpoint.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: error %v, want code %s", tt.service, err, tt.code)
		}
	}
	err := s.Authorize(t.Context(), endpoint.Call{Service: "dynamodb", Operation: "GetItem", Principal: session, Params: map[string]any{"TableName": "t"}})
	want := "AccessDeniedException: User: " + session + " is not authorized to perform: dynamodb:GetItem on resource: " +
		"arn:aws:dynamodb:eu-west-1:123456789012:table/t because no identity-based policy allows the dynamodb:GetItem action"
	if err == nil || err.Error() != want {
		t.Errorf("refusal:\n%v, want:\n%s", err, want)
	}
}
