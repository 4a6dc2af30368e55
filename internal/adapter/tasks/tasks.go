// Package tasks runs tasks on Fargate, by ECS.
package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/internal/pool"
)

// JobVariable is the variable of its environment in which a task finds its job.
const JobVariable = "HEADROOM_JOB"

// reasonMost is how long a reason for stopping a task may be, in characters.
const reasonMost = 255

// api is what is used of ECS. Deadlines and retries of requests are its own.
type api interface {
	RunTask(ctx context.Context, in *ecs.RunTaskInput, opts ...func(*ecs.Options)) (*ecs.RunTaskOutput, error)
	StopTask(ctx context.Context, in *ecs.StopTaskInput, opts ...func(*ecs.Options)) (*ecs.StopTaskOutput, error)
	DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput, opts ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
}

// Runner runs tasks of one definition.
type Runner struct {
	API        api
	Cluster    string   // name or ARN
	Definition string   // ARN, or family: then its newest revision
	Container  string   // its name in the definition
	Subnets    []string // in each zone one: where one zone has no capacity, another may
	Groups     []string // security groups
}

// Run runs a task and returns its ARN, as soon as ECS has taken the order; the same token again returns the same
// task, also if it has ended since. It does not show yet when Run returns (see Describe). pool.ErrNoCapacity,
// pool.ErrTaskQuota and pool.ErrTaskInvalid say why none was run; after any other error one may have been.
func (r *Runner) Run(ctx context.Context, o pool.TaskOrder) (string, error) {
	out, err := r.API.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: &r.Cluster, TaskDefinition: &r.Definition, LaunchType: types.LaunchTypeFargate, Count: aws.Int32(1),
		ClientToken: aws.String(clientToken(o.Token)), StartedBy: aws.String(pool.TaskStartedBy(o.Owner)), Tags: tags(o.Tags),
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: r.Subnets, SecurityGroups: r.Groups, AssignPublicIp: types.AssignPublicIpDisabled,
		}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name: &r.Container, Environment: []types.KeyValuePair{{Name: aws.String(JobVariable), Value: &o.Job}},
		}}},
	})
	var conflict *types.ConflictException
	if errors.As(err, &conflict) && len(conflict.ResourceIds) == 1 {
		// The token's task was run by an earlier deployment, with another definition or network.
		return conflict.ResourceIds[0], nil
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("run a task for %s: %w", o.Owner, classify(err))
	case len(out.Tasks) > 0:
		return aws.ToString(out.Tasks[0].TaskArn), nil
	case len(out.Failures) > 0:
		return "", fmt.Errorf("run a task for %s: %w", o.Owner, unplaced(out.Failures[0]))
	}
	return "", fmt.Errorf("run a task for %s: ECS ran none, and does not say why", o.Owner)
}

// Stop asks a task to end; it has the stop timeout of its definition for that. One that is ending, or has ended, is no
// error. pool.ErrNotFound when ECS does not know it, because it ended more than an hour ago, or was run just now.
func (r *Runner) Stop(ctx context.Context, arn, reason string) error {
	if long := []rune(reason); len(long) > reasonMost {
		reason = string(long[:reasonMost])
	}
	_, err := r.API.StopTask(ctx, &ecs.StopTaskInput{Cluster: &r.Cluster, Task: &arn, Reason: &reason})
	if isMissing(err) {
		return fmt.Errorf("stop task %s: %w", arn, pool.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("stop task %s: %w", arn, err)
	}
	return nil
}

// Describe looks at a task. pool.ErrNotFound when ECS does not know it, because it ended more than an hour ago, or was
// run just now.
func (r *Runner) Describe(ctx context.Context, arn string) (pool.TaskStatus, error) {
	out, err := r.API.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &r.Cluster, Tasks: []string{arn}})
	switch {
	case err != nil:
		return pool.TaskStatus{}, fmt.Errorf("describe task %s: %w", arn, err)
	case len(out.Tasks) > 0:
		return status(out.Tasks[0]), nil
	case len(out.Failures) > 0 && aws.ToString(out.Failures[0].Reason) != "MISSING":
		return pool.TaskStatus{}, fmt.Errorf("describe task %s: %w", arn, unplaced(out.Failures[0]))
	}
	return pool.TaskStatus{}, fmt.Errorf("describe task %s: %w", arn, pool.ErrNotFound)
}

func status(t types.Task) pool.TaskStatus {
	s := pool.TaskStatus{
		ARN: aws.ToString(t.TaskArn), Owner: pool.TaskOwner(aws.ToString(t.StartedBy)), Status: aws.ToString(t.LastStatus),
		Version: int(t.Version), Code: string(t.StopCode), Reason: aws.ToString(t.StoppedReason),
	}
	if len(t.Containers) == 0 {
		return s
	}
	c := t.Containers[0]
	s.Reason = pool.TaskReason(s.Reason, aws.ToString(c.Reason))
	if c.ExitCode != nil {
		code := int(*c.ExitCode)
		s.Exit = &code
	}
	if len(c.NetworkInterfaces) > 0 && !s.Ended() {
		s.Address = aws.ToString(c.NetworkInterfaces[0].PrivateIpv4Address)
	}
	return s
}

// clientToken makes of an order's token one that ECS takes: it has 64 characters at most.
func clientToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func tags(values map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(values[key])})
	}
	return out
}
