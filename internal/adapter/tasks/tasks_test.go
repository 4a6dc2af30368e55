package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"headroom/events"
	"headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/local/constraint"
	"headroom/internal/pool"
)

func runner(fake *taskstest.ECS) *tasks.Runner {
	return &tasks.Runner{
		API: fake, Cluster: taskstest.Cluster, Definition: taskstest.Family, Container: taskstest.Container,
		Subnets: []string{"subnet-a", "subnet-b"}, Groups: []string{"sg-tasks"},
	}
}

// order is for the longest names that there are.
func order() pool.TaskOrder {
	owner := strings.Repeat("t", 64) + ".k3v9x2m7qa/database"
	return pool.TaskOrder{Token: owner + "-archive-1", Owner: owner, Job: `{"job":"archive"}`, Tags: map[string]string{"headroom:tenant": "acme"}}
}

func TestATaskIsRunWithItsJob(t *testing.T) {
	fake := &taskstest.ECS{}
	arn, err := runner(fake).Run(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	made := fake.Tasks()[0]
	if made.ARN != arn || made.Environment["HEADROOM_JOB"] != order().Job || made.Tags["headroom:tenant"] != "acme" ||
		len(made.Subnets) != 2 || len(made.Groups) != 1 || pool.TaskOwner(made.StartedBy) != order().Owner {
		t.Errorf("run %s as %+v", arn, made)
	}
}

func TestTheSameTokenIsTheSameTask(t *testing.T) {
	fake := &taskstest.ECS{}
	r := runner(fake)
	first, err := r.Run(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	r.Subnets = r.Subnets[:1] // after a deployment
	again, err := r.Run(t.Context(), order())
	if err != nil || again != first || len(fake.Tasks()) != 1 {
		t.Errorf("again: %s, %v; first: %s", again, err, first)
	}
	next := order()
	next.Token += "1"
	if second, err := r.Run(t.Context(), next); err != nil || second == first {
		t.Errorf("another token: %s, %v", second, err)
	}
}

func TestATaskIsFollowedToItsEnd(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fake := &taskstest.ECS{Late: 1, Now: func() time.Time { return now }}
	r := runner(fake)
	arn, err := r.Run(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(t.Context(), arn, ""); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("stopped before it shows: %v", err)
	}
	if _, err := r.Describe(t.Context(), arn); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("described before it shows: %v", err)
	}
	follow := func(status string) pool.TaskStatus {
		t.Helper()
		for range 10 {
			s, err := r.Describe(t.Context(), arn)
			if err != nil || s.ARN != arn || s.Owner != order().Owner {
				t.Fatalf("described: %+v, %v", s, err)
			}
			if s.Status == status {
				return s
			}
		}
		t.Fatalf("it never became %s", status)
		return pool.TaskStatus{}
	}
	if s := follow("RUNNING"); s.Address == "" || s.Ended() || s.Exit != nil || s.Reason != "" {
		t.Errorf("it runs as %+v", s)
	}
	if !fake.Kill(arn) {
		t.Fatal("there is nothing to kill")
	}
	s := follow("STOPPED")
	const reason = "Essential container in task exited: OutOfMemoryError: Container killed due to memory usage"
	if !s.Ended() || s.Exit == nil || *s.Exit != 137 || s.Code != "EssentialContainerExited" || s.Reason != reason || s.Address != "" {
		t.Errorf("it ended as %+v", s)
	}
	if told := lastOf(t, fake); told.Reason != reason || told.Version != s.Version || told.Owner != s.Owner || *told.Exit != *s.Exit || !told.Ended() {
		t.Errorf("told of %+v, saw %+v", told, s)
	}
	if err := r.Stop(t.Context(), arn, "it has ended"); err != nil {
		t.Errorf("stop what has ended: %v", err)
	}
	now = now.Add(time.Hour)
	if _, err := r.Describe(t.Context(), arn); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("described an hour later: %v", err)
	}
	if err := r.Stop(t.Context(), arn, ""); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("stopped an hour later: %v", err)
	}
	if again, err := r.Run(t.Context(), order()); err != nil || again == arn {
		t.Errorf("run an hour later: %s, %v", again, err)
	}
}

// lastOf is the latest that the events of a fake tell of.
func lastOf(t *testing.T, fake *taskstest.ECS) (last pool.TaskStatus) {
	t.Helper()
	for range 10 {
		for _, body := range fake.Take() {
			var e events.Envelope[events.TaskStateChange]
			if err := json.Unmarshal(body, &e); err != nil {
				t.Fatal(err)
			}
			if s := pool.TaskOf(e.Detail); s.Version > last.Version {
				last = s
			}
		}
	}
	return last
}

func TestAStoppedTaskSaysWhy(t *testing.T) {
	fake := &taskstest.ECS{}
	r := runner(fake)
	arn, err := r.Run(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(t.Context(), arn, strings.Repeat("ö", 300)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if s, err := r.Describe(t.Context(), arn); err != nil || s.Ended() {
			if err != nil || s.Code != "UserInitiated" || s.Reason != strings.Repeat("ö", 255) || s.Exit != nil {
				t.Errorf("it ended as %+v, %v", s, err)
			}
			return
		}
	}
	t.Error("it never ended")
}

func TestARefusalIsOfASort(t *testing.T) {
	coded := func(code, message string) error {
		return &smithy.GenericAPIError{Code: code, Message: message}
	}
	sorts := []error{pool.ErrNoCapacity, pool.ErrTaskQuota, pool.ErrTaskInvalid}
	for _, test := range []struct {
		name string
		api  answer
		want error // nil: of none
	}{
		{"no capacity", failed(constraint.NoTaskCapacity), pool.ErrNoCapacity},
		{"no capacity, as an error", answer{err: coded("ServerException", constraint.NoTaskCapacity)}, pool.ErrNoCapacity},
		{"the quota", failed(constraint.NoTaskQuota), pool.ErrTaskQuota},
		{"the quota, as an error", answer{err: coded("ClientException", "You've reached the limit on the number of tasks you can run concurrently")}, pool.ErrTaskQuota},
		{"a limit", answer{err: coded("LimitExceededException", "The limit for the resource was exceeded.")}, pool.ErrTaskQuota},
		{"a wrong parameter", answer{err: coded("InvalidParameterException", "subnets can not be empty.")}, pool.ErrTaskInvalid},
		{"no cluster", answer{err: coded("ClusterNotFoundException", "Cluster not found.")}, pool.ErrTaskInvalid},
		{"EC2 is throttled", answer{err: coded("InvalidParameterException", "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)")}, nil},
		{"ECS is throttled", answer{err: coded("ThrottlingException", "Rate exceeded")}, nil},
		{"a fault of ECS", answer{err: coded("ServerException", "Service Unavailable. Please try again later.")}, nil},
		{"a missing grant", answer{err: coded("AccessDeniedException", "no identity-based policy allows the ecs:RunTask action")}, nil},
		{"another failure", failed("RESOURCE:ENI"), nil},
		{"the caller's time is over", answer{err: context.DeadlineExceeded}, nil},
		{"nothing is said", answer{out: &ecs.RunTaskOutput{}}, nil},
		{"a conflict of several", answer{err: &types.ConflictException{ResourceIds: []string{"a", "b"}}}, pool.ErrTaskInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := runner(nil)
			r.API = test.api
			arn, err := r.Run(t.Context(), order())
			if err == nil || arn != "" || !strings.Contains(err.Error(), order().Owner) {
				t.Fatalf("run: %q, %v", arn, err)
			}
			for _, sort := range sorts {
				if is := errors.Is(err, sort); is != (sort == test.want) {
					t.Errorf("it is %v: %v: %v", sort, is, err)
				}
			}
			if test.api.err != nil && !errors.Is(err, test.api.err) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

// answer is an ECS that has one answer to RunTask.
type answer struct {
	*taskstest.ECS
	out *ecs.RunTaskOutput
	err error
}

func (a answer) RunTask(context.Context, *ecs.RunTaskInput, ...func(*ecs.Options)) (*ecs.RunTaskOutput, error) {
	return a.out, a.err
}

func failed(reason string) answer {
	return answer{out: &ecs.RunTaskOutput{Failures: []types.Failure{{Reason: aws.String(reason)}}}}
}

func TestACallThatIsCutOffIsAnError(t *testing.T) {
	r := runner(&taskstest.ECS{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, run := r.Run(ctx, order())
	_, described := r.Describe(ctx, "arn")
	for what, err := range map[string]error{"run": run, "describe": described, "stop": r.Stop(ctx, "arn", "")} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, pool.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
