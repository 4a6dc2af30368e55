package taskstest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/local/constraint"
)

// Client is what stands for ECS, with the cluster, the task definition and the container of this package.
type Client interface {
	RunTask(context.Context, *ecs.RunTaskInput, ...func(*ecs.Options)) (*ecs.RunTaskOutput, error)
	StopTask(context.Context, *ecs.StopTaskInput, ...func(*ecs.Options)) (*ecs.StopTaskOutput, error)
	DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
}

// World is an ECS. Its tasks do what HEADROOM_JOB says: "exit=<code>", or "wait", until they are stopped.
type World struct {
	Client        Client
	Subnet, Group string
	NoRoom        func(reasons ...string)
	Kill          func(arn string) bool // as when it has no memory left
	Events        func() [][]byte       // that have come, of all tasks; some may come again
}

// within is how long something takes at most that has to happen.
const within = 20 * time.Second

// input is a RunTask that nothing is wrong with.
func (w World) input(job string) *ecs.RunTaskInput {
	return &ecs.RunTaskInput{
		Cluster: aws.String(Cluster), TaskDefinition: aws.String(Family), LaunchType: types.LaunchTypeFargate, StartedBy: aws.String("acme/k3v9x2m7qa"),
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: []string{w.Subnet}, SecurityGroups: []string{w.Group}, AssignPublicIp: types.AssignPublicIpDisabled,
		}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name: aws.String(Container), Environment: []types.KeyValuePair{{Name: aws.String("HEADROOM_JOB"), Value: &job}},
		}}},
	}
}

func (w World) run(t *testing.T, in *ecs.RunTaskInput) types.Task {
	t.Helper()
	out, err := w.Client.RunTask(t.Context(), in)
	if err != nil || len(out.Tasks) != 1 || len(out.Failures) != 0 {
		t.Fatalf("run: %+v, %v", out, err)
	}
	return out.Tasks[0]
}

// look describes a task; nil when it is missing.
func (w World) look(t *testing.T, arn string) *types.Task {
	t.Helper()
	out, err := w.Client.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String(Cluster), Tasks: []string{arn}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tasks) == 0 {
		if len(out.Failures) != 1 || aws.ToString(out.Failures[0].Reason) != "MISSING" {
			t.Errorf("failures %+v", out.Failures)
		}
		return nil
	}
	return &out.Tasks[0]
}

// become waits until a task has a status.
func (w World) become(t *testing.T, arn, status string) types.Task {
	t.Helper()
	var last *types.Task
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if last = w.look(t, arn); last != nil && aws.ToString(last.LastStatus) == status {
			return *last
		}
	}
	t.Fatalf("task %s never became %s: %+v", arn, status, last)
	return types.Task{}
}

// told waits until the event of a task's end has come, and returns what it was in each of its versions.
func (w World) told(t *testing.T, arn string) []events.TaskStateChange {
	t.Helper()
	byVersion := map[int]events.TaskStateChange{}
	last := 0
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, body := range w.Events() {
			var e events.Envelope[events.TaskStateChange]
			if err := json.Unmarshal(body, &e); err != nil {
				t.Fatalf("event %s: %v", body, err)
			}
			if e.Detail.TaskARN != arn {
				continue
			}
			if e.Source != "aws.ecs" || e.DetailType != events.TypeTaskStateChange || !slices.Equal(e.Resources, []string{arn}) {
				t.Errorf("event %s", body)
			}
			byVersion[e.Detail.Version] = e.Detail
			if e.Detail.LastStatus == events.TaskStopped {
				last = e.Detail.Version
			}
		}
		if last > 0 && len(byVersion) == last { // none is missing
			var all []events.TaskStateChange
			for _, version := range slices.Sorted(maps.Keys(byVersion)) {
				all = append(all, byVersion[version])
			}
			return all
		}
	}
	t.Fatalf("of task %s there came %+v", arn, byVersion)
	return nil
}

func (w World) stop(t *testing.T, arn, reason string) error {
	t.Helper()
	_, err := w.Client.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String(Cluster), Task: &arn, Reason: &reason})
	return err
}

// Suite is what each ECS does.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	t.Run("a task runs, and all is told", func(t *testing.T) {
		w := newWorld(t)
		made := w.run(t, w.input("exit=3"))
		if aws.ToString(made.LastStatus) != provisioning || aws.ToString(made.DesiredStatus) != running {
			t.Errorf("it is %s at once", aws.ToString(made.LastStatus))
		}
		arn := *made.TaskArn
		ended := w.become(t, arn, events.TaskStopped)
		if c := ended.Containers[0]; aws.ToInt32(c.ExitCode) != 3 || aws.ToString(c.Name) != Container ||
			ended.StopCode != types.TaskStopCodeEssentialContainerExited || aws.ToString(ended.StartedBy) != "acme/k3v9x2m7qa" {
			t.Errorf("it ended as %+v", ended)
		}
		var statuses []string
		all := w.told(t, arn)
		for i, e := range all {
			statuses = append(statuses, e.LastStatus)
			if e.Version != i+1 || e.StartedBy != "acme/k3v9x2m7qa" || !strings.HasSuffix(e.ClusterARN, ":cluster/"+Cluster) {
				t.Errorf("event %d is %+v", i+1, e)
			}
		}
		if want := []string{provisioning, pending, running, deprovisioning, events.TaskStopped}; !slices.Equal(statuses, want) {
			t.Errorf("told of %v, want %v", statuses, want)
		}
		if last := all[len(all)-1]; last.StopCode != "EssentialContainerExited" || last.Containers[0].ExitCode == nil || *last.Containers[0].ExitCode != 3 {
			t.Errorf("the last event is %+v", last)
		}
	})
	t.Run("tasks have addresses of their own", func(t *testing.T) {
		w := newWorld(t)
		seen := map[string]bool{}
		for range 2 {
			now := w.become(t, *w.run(t, w.input("wait")).TaskArn, running)
			seen[aws.ToString(now.Containers[0].NetworkInterfaces[0].PrivateIpv4Address)] = true
		}
		if len(seen) != 2 || seen[""] {
			t.Errorf("addresses %v", seen)
		}
	})
	t.Run("a token runs one task", func(t *testing.T) {
		w := newWorld(t)
		in := w.input("exit=0")
		in.ClientToken = aws.String("acme.k3v9x2m7qa-archive-1")
		first := *w.run(t, in).TaskArn
		w.become(t, first, events.TaskStopped)
		again := w.run(t, in)
		if *again.TaskArn != first || aws.ToString(again.LastStatus) != events.TaskStopped {
			t.Errorf("again: %+v, first %s", again, first)
		}
		other := w.input("wait")
		other.ClientToken = in.ClientToken
		_, err := w.Client.RunTask(t.Context(), other)
		if resources := conflicting(err); !slices.Equal(resources, []string{first}) {
			t.Errorf("the token for something else: %v, of %v", err, resources)
		}
		other.ClientToken = aws.String("acme.k3v9x2m7qa-archive-2")
		if second := *w.run(t, other).TaskArn; second == first {
			t.Error("another token, the same task")
		}
	})
	t.Run("a task without a place is a failure of a success", func(t *testing.T) {
		for _, reason := range []string{constraint.NoTaskCapacity, constraint.NoTaskQuota} {
			w := newWorld(t)
			w.NoRoom(reason)
			in := w.input("exit=0")
			in.ClientToken = aws.String("token")
			out, err := w.Client.RunTask(t.Context(), in)
			if err != nil || len(out.Tasks) != 0 || len(out.Failures) != 1 || aws.ToString(out.Failures[0].Reason) != reason {
				t.Fatalf("run: %+v, %v", out, err)
			}
			w.become(t, *w.run(t, in).TaskArn, events.TaskStopped) // the token is good still
		}
	})
	t.Run("a task is stopped", func(t *testing.T) {
		w := newWorld(t)
		arn := *w.run(t, w.input("wait")).TaskArn
		w.become(t, arn, running)
		for _, reason := range []string{"undone", "again"} {
			if err := w.stop(t, arn, reason); err != nil {
				t.Fatal(err)
			}
		}
		ended := w.become(t, arn, events.TaskStopped)
		if ended.StopCode != types.TaskStopCodeUserInitiated || aws.ToString(ended.StoppedReason) != "undone" || ended.Containers[0].ExitCode == nil {
			t.Errorf("it ended as %+v", ended)
		}
		if err := w.stop(t, arn, "late"); err != nil {
			t.Errorf("stop what has ended: %v", err)
		}
		if all := w.told(t, arn); all[len(all)-1].StoppedReason != "undone" || !slices.ContainsFunc(all, func(e events.TaskStateChange) bool { return e.LastStatus == stopping }) {
			t.Errorf("told of %+v", all)
		}
	})
	t.Run("a task dies of its memory", func(t *testing.T) {
		w := newWorld(t)
		arn := *w.run(t, w.input("wait")).TaskArn
		w.become(t, arn, running)
		if !w.Kill(arn) {
			t.Fatal("there is nothing to kill")
		}
		ended := w.become(t, arn, events.TaskStopped)
		if c := ended.Containers[0]; aws.ToInt32(c.ExitCode) != 137 || !strings.HasPrefix(aws.ToString(c.Reason), "OutOfMemoryError") ||
			ended.StopCode != types.TaskStopCodeEssentialContainerExited {
			t.Errorf("it ended as %+v", ended)
		}
		if all := w.told(t, arn); !strings.HasPrefix(all[len(all)-1].Containers[0].Reason, "OutOfMemoryError") {
			t.Errorf("told of %+v", all)
		}
	})
	t.Run("no such task", func(t *testing.T) {
		w := newWorld(t)
		const nobody = arnOf + "task/" + Cluster + "/0123456789abcdef0123456789abcdef"
		if found := w.look(t, nobody); found != nil {
			t.Errorf("found %+v", found)
		}
		if err := w.stop(t, nobody, ""); awsclient.Code(err) != "InvalidParameterException" || !strings.Contains(err.Error(), "The referenced task was not found") {
			t.Errorf("stopped: %v", err)
		}
	})
	t.Run("refusals", func(t *testing.T) { refusals(t, newWorld(t)) })
}
