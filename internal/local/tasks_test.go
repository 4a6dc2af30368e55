package local_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local"
	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
)

// tasked is a cloud with a definition of a task, and what its stack says.
func tasked(t *testing.T, change ...func(*local.Options)) (*local.Cloud, map[string]string) {
	t.Helper()
	o := options(t)
	o.Binary = func(family string) (string, error) { return filepath.Join(code, family), nil }
	for _, c := range change {
		c(&o)
	}
	cloud := start(t, o)
	outputs, err := cloud.Deploy(t.Context(), "testdata/tasks", nil)
	if err != nil {
		t.Fatal(err)
	}
	return cloud, outputs
}

func runTask(t *testing.T, cloud *local.Cloud, outputs map[string]string, job string, more ...types.KeyValuePair) (arn string) {
	t.Helper()
	out, err := ecs.NewFromConfig(cloud.Config()).RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String(outputs["Cluster"]), TaskDefinition: aws.String(outputs["Task"]), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: []string{outputs["Subnet"]}, SecurityGroups: []string{outputs["Group"]},
		}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name: aws.String("teller"), Environment: append(more, types.KeyValuePair{Name: aws.String("HEADROOM_JOB"), Value: &job}),
		}}},
	})
	if err != nil || len(out.Tasks) != 1 {
		t.Fatalf("run: %+v, %v", out, err)
	}
	return *out.Tasks[0].TaskArn
}

// take receives what a queue holds, until so many messages have come.
func take(t *testing.T, cloud *local.Cloud, url string, want int) []string {
	t.Helper()
	var bodies []string
	eventually(t, "the messages come", func() bool {
		got, err := sqs.NewFromConfig(cloud.Config()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			bodies = append(bodies, *m.Body)
		}
		return len(bodies) >= want
	})
	return bodies
}

// stoppedEvent is what a rule sends of a task that has ended.
type stoppedEvent struct {
	Source     string
	DetailType string `json:"detail-type"`
	Resources  []string
	Detail     struct {
		TaskArn, LastStatus, StopCode string
		Containers                    []struct{ ExitCode int }
	}
}

func TestATaskOfATemplateRunsAsItsRoleAndIsToldOf(t *testing.T) {
	cloud, outputs := tasked(t)
	arn := runTask(t, cloud, outputs, `{"job":"archive"}`)
	if got := take(t, cloud, outputs["ToldUrl"], 2); !slices.Equal(slices.Sorted(slices.Values(got)), []string{`{"job":"archive"}`, `{"job":"archive"} as a reader`}) {
		t.Errorf("it told %q", got)
	}
	var stopped stoppedEvent
	if err := json.Unmarshal([]byte(take(t, cloud, outputs["HappenedUrl"], 1)[0]), &stopped); err != nil {
		t.Fatal(err)
	}
	if stopped.Source != "aws.ecs" || stopped.DetailType != "ECS Task State Change" || !slices.Equal(stopped.Resources, []string{arn}) ||
		stopped.Detail.TaskArn != arn || stopped.Detail.LastStatus != "STOPPED" || stopped.Detail.StopCode != "EssentialContainerExited" ||
		len(stopped.Detail.Containers) != 1 || stopped.Detail.Containers[0].ExitCode != 0 {
		t.Errorf("the event is %+v", stopped)
	}
	stream := "task/teller/" + arn[strings.LastIndex(arn, "/")+1:]
	if lines := cloud.Logs.Lines("/tasks/teller", stream); !slices.Equal(lines, []string{"told"}) {
		t.Errorf("it logged %q", lines)
	}
	if unused := cloud.Policies.Unused(); len(unused) > 0 {
		t.Errorf("unused grants: %v", unused)
	}
}

func TestWithoutAGrantATaskFails(t *testing.T) {
	for _, test := range []struct{ role, action, says string }{
		{"TaskRole", "sqs:SendMessage", ""},
		{"TaskRole", "sts:AssumeRole", ""},
		{"Reader", "sqs:SendMessage", ""},
		{"ExecutionRole", "ecr:BatchGetImage", "unable to pull"},
		{"ExecutionRole", "logs:CreateLogStream", "failed to create CloudWatch log stream"},
	} {
		t.Run(test.role+" "+test.action, func(t *testing.T) {
			cloud, outputs := tasked(t)
			if n := cloud.Policies.Revoke(outputs[test.role], test.action); n != 1 {
				t.Fatalf("%d grants revoked, want 1", n)
			}
			arn := runTask(t, cloud, outputs, "in vain")
			ended, lines := end(t, cloud, outputs, arn)
			if test.says == "" {
				who := "assumed-role/" + outputs[test.role] + "/"
				if aws.ToInt32(ended.Containers[0].ExitCode) != 1 || !strings.Contains(lines, "AccessDenied") || !strings.Contains(lines, who) {
					t.Errorf("it ended as %+v, and said %s", ended, lines)
				}
			} else if ended.Containers[0].ExitCode != nil || !strings.Contains(aws.ToString(ended.StoppedReason), test.says) || lines != "" {
				t.Errorf("it ended as %s, and said %q", aws.ToString(ended.StoppedReason), lines)
			}
		})
	}
}

// end waits until a task has ended, and returns what it logged.
func end(t *testing.T, cloud *local.Cloud, outputs map[string]string, arn string) (ended types.Task, lines string) {
	t.Helper()
	client := ecs.NewFromConfig(cloud.Config())
	eventually(t, "the task ends", func() bool {
		out, err := client.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String(outputs["Cluster"]), Tasks: []string{arn}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Tasks) == 1 {
			ended = out.Tasks[0]
		}
		return aws.ToString(ended.LastStatus) == "STOPPED"
	})
	return ended, strings.Join(cloud.Logs.Lines("/tasks/teller", "task/teller/"+arn[strings.LastIndex(arn, "/")+1:]), "\n")
}

func TestASessionPolicyBoundsATask(t *testing.T) {
	cloud, outputs := tasked(t)
	elsewhere := types.KeyValuePair{Name: aws.String("BOUND"), Value: aws.String("arn:aws:sqs:eu-west-1:123456789012:elsewhere")}
	ended, lines := end(t, cloud, outputs, runTask(t, cloud, outputs, "archive", elsewhere))
	if aws.ToInt32(ended.Containers[0].ExitCode) != 1 || !strings.Contains(lines, "assumed-role/"+outputs["Reader"]+"/teller is not authorized") ||
		!strings.Contains(lines, "no session policy allows the sqs:SendMessage action") {
		t.Errorf("it ended as %+v, and said %s", ended, lines)
	}
}

func TestEventsOfTasksAndUploadsAreDisordered(t *testing.T) {
	cloud, outputs := tasked(t, func(o *local.Options) {
		o.Deliveries = disorder.Options{Double: 1, Delay: 50 * time.Millisecond, Shuffle: true}
	})
	cloud.Events.Emit(t.Context(), "aws.storagegateway", "Storage Gateway File Upload Event", []string{"share"}, map[string]any{"event-type": "upload-complete"})
	runTask(t, cloud, outputs, "archive")
	count := map[string]int{}
	for _, body := range take(t, cloud, outputs["HappenedUrl"], 4) {
		var event stoppedEvent
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatal(err)
		}
		count[event.Source]++
	}
	if count["aws.ecs"] != 2 || count["aws.storagegateway"] != 2 {
		t.Errorf("events %v, want each twice", count)
	}
}

func TestWhoRunsATaskNeedsItsDefinitionsRoles(t *testing.T) {
	cloud, outputs := tasked(t)
	role := outputs["TaskRole"]
	run := func() string {
		err := cloud.Policies.Authorize(t.Context(), endpoint.Call{
			Service: "ecs", Operation: "RunTask", Principal: "arn:aws:iam::123456789012:role/" + role,
			Params: map[string]any{"cluster": outputs["Cluster"], "taskDefinition": "teller"},
		})
		return fmt.Sprint(err)
	}
	if got := run(); !strings.Contains(got, "ecs:RunTask on resource: "+outputs["Task"]) {
		t.Errorf("without a grant: %s", got)
	}
	grant(t, cloud, role, "ecs:RunTask", outputs["Task"])
	if got := run(); !strings.Contains(got, "iam:PassRole on resource: arn:aws:iam::123456789012:role/"+role) {
		t.Errorf("without its roles: %s", got)
	}
}

// grant adds a policy to a role.
func grant(t *testing.T, cloud *local.Cloud, role, action, resource string) {
	t.Helper()
	policy, err := iam.ParseDocument(map[string]any{"Statement": []any{map[string]any{"Effect": "Allow", "Action": action, "Resource": resource}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Policies.Attach(role, "more", policy); err != nil {
		t.Fatal(err)
	}
}
