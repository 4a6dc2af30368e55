package taskstest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"headroom/events"
	"headroom/internal/local/constraint"
)

// RunTask is ECS's.
func (s *ECS) RunTask(ctx context.Context, in *ecs.RunTaskInput, _ ...func(*ecs.Options)) (*ecs.RunTaskOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r := form(in).Refusal(); r != nil {
		return nil, refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	vpc := in.NetworkConfiguration.AwsvpcConfiguration
	for _, of := range []struct {
		what string
		ids  []string
	}{{"subnet", vpc.Subnets}, {"security group", vpc.SecurityGroups}} {
		if slices.ContainsFunc(of.ids, func(id string) bool { return s.Missing[id] }) {
			message := fmt.Sprintf("Error retrieving %s information for [%s]: does not exist", of.what, strings.Join(of.ids, ", "))
			return nil, &types.InvalidParameterException{Message: &message}
		}
	}
	if err := there(in.Cluster); err != nil {
		return nil, err
	}
	out := &ecs.RunTaskOutput{}
	if before := s.byToken(aws.ToString(in.ClientToken)); before != nil {
		if !before.same(request(in)) {
			r := constraint.TokenConflict()
			return nil, &types.ConflictException{Message: &r.Message, ResourceIds: []string{before.ARN}}
		}
		out.Tasks = []types.Task{s.shown(before)}
		return out, nil
	}
	if named := aws.ToString(in.TaskDefinition); named != Family && named != Family+":1" && named != *definitionARN() {
		return nil, refused(constraint.NoDefinition)
	}
	environment := map[string]string{}
	if in.Overrides != nil {
		for _, o := range in.Overrides.ContainerOverrides {
			if aws.ToString(o.Name) != Container {
				return nil, refused(constraint.NoContainer(aws.ToString(o.Name)))
			}
			for _, v := range o.Environment {
				environment[aws.ToString(v.Name)] = aws.ToString(v.Value)
			}
		}
	}
	for range max(aws.ToInt32(in.Count), 1) {
		if len(s.noRoom) > 0 {
			out.Failures = append(out.Failures, types.Failure{Reason: aws.String(s.noRoom[0])})
			s.noRoom = s.noRoom[1:]
			continue
		}
		out.Tasks = append(out.Tasks, s.shown(s.place(in, environment)))
	}
	return out, nil
}

// place makes a task of a request.
func (s *ECS) place(in *ecs.RunTaskInput, environment map[string]string) *task {
	s.made++
	vpc := in.NetworkConfiguration.AwsvpcConfiguration
	t := &task{
		Task: Task{
			ARN: fmt.Sprintf("%stask/%s/%032x", arnOf, Cluster, s.made), Token: aws.ToString(in.ClientToken), StartedBy: aws.ToString(in.StartedBy),
			Environment: environment, Tags: map[string]string{}, Subnets: vpc.Subnets, Groups: vpc.SecurityGroups,
			Status: provisioning, Desired: running,
		},
		request: request(in), unseen: s.Late, version: 1,
	}
	for _, tag := range in.Tags {
		t.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	s.tasks = append(s.tasks, t)
	s.tell(t)
	return t
}

// StopTask is ECS's. A task that ends, or has ended, is left as it is.
func (s *ECS) StopTask(ctx context.Context, in *ecs.StopTaskInput, _ ...func(*ecs.Options)) (*ecs.StopTaskOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := there(in.Cluster); err != nil {
		return nil, err
	}
	t := s.find(aws.ToString(in.Task))
	if t == nil || t.unseen > 0 {
		return nil, refused(constraint.NoTask)
	}
	if t.Desired != events.TaskStopped {
		t.Desired, t.StopCode, t.Reason = events.TaskStopped, string(types.TaskStopCodeUserInitiated), aws.ToString(in.Reason)
		if t.Reason == "" {
			t.Reason = "Task stopped by user"
		}
	}
	shown := s.shown(t)
	return &ecs.StopTaskOutput{Task: &shown}, nil
}

// DescribeTasks is ECS's. Each look takes a task one step further.
func (s *ECS) DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput, _ ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := there(in.Cluster); err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 {
		return nil, &types.InvalidParameterException{Message: aws.String("Tasks cannot be empty.")}
	}
	out := &ecs.DescribeTasksOutput{}
	for _, named := range in.Tasks {
		t := s.find(named)
		if t == nil || t.unseen > 0 {
			if t != nil {
				t.unseen--
			}
			out.Failures = append(out.Failures, types.Failure{Arn: aws.String(named), Reason: aws.String("MISSING")})
			continue
		}
		s.step(t)
		out.Tasks = append(out.Tasks, s.shown(t))
	}
	return out, nil
}

// there refuses a cluster that there is not.
func there(cluster *string) error {
	if named := aws.ToString(cluster); named != Cluster && named != arnOf+"cluster/"+Cluster {
		return &types.ClusterNotFoundException{Message: aws.String(constraint.NoCluster.Message)}
	}
	return nil
}

// form is the request as its form is checked.
func form(in *ecs.RunTaskInput) constraint.TaskRun {
	f := constraint.TaskRun{TaskDefinition: in.TaskDefinition, ClientToken: in.ClientToken, StartedBy: in.StartedBy}
	if in.LaunchType != "" {
		f.LaunchType = aws.String(string(in.LaunchType))
	}
	if in.Count != nil {
		f.Count = aws.Int(int(*in.Count))
	}
	if in.NetworkConfiguration != nil && in.NetworkConfiguration.AwsvpcConfiguration != nil {
		vpc := in.NetworkConfiguration.AwsvpcConfiguration
		f.Network = &constraint.TaskNetwork{Subnets: vpc.Subnets, Groups: vpc.SecurityGroups}
		if vpc.AssignPublicIp != "" {
			f.Network.PublicIP = aws.String(string(vpc.AssignPublicIp))
		}
	}
	if in.Overrides != nil {
		f.Overrides = overrides(in.Overrides)
	}
	return f
}

// overrides are a request's overrides as they go over the wire.
func overrides(o *types.TaskOverride) any {
	var containers []any
	for _, c := range o.ContainerOverrides {
		var environment []any
		for _, v := range c.Environment {
			environment = append(environment, map[string]any{"name": v.Name, "value": v.Value})
		}
		containers = append(containers, map[string]any{"name": c.Name, "command": c.Command, "environment": environment})
	}
	return map[string]any{"containerOverrides": containers}
}

// request is all of a request that makes it another one.
func request(in *ecs.RunTaskInput) any {
	encoded, err := json.Marshal(in)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return string(encoded)
}

func refused(r *constraint.Refusal) error {
	switch r.Code {
	case "ClientException":
		return &types.ClientException{Message: &r.Message}
	case "InvalidParameterException":
		return &types.InvalidParameterException{Message: &r.Message}
	}
	return &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
}
