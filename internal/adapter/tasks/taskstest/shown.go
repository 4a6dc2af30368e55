package taskstest

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/events"
)

// shown is a task as ECS describes it, but for its tags, which only who asks for them is shown.
func (s *ECS) shown(t *task) types.Task {
	c := types.Container{Name: aws.String(Container), TaskArn: &t.ARN, LastStatus: aws.String(containerStatus(t))}
	if t.Address != "" {
		c.NetworkInterfaces = []types.NetworkInterface{{PrivateIpv4Address: aws.String(t.Address)}}
	}
	if t.Exit != nil {
		c.ExitCode = aws.Int32(int32(*t.Exit))
	}
	if t.containerBy != "" {
		c.Reason = aws.String(t.containerBy)
	}
	shown := types.Task{
		TaskArn: aws.String(t.ARN), ClusterArn: aws.String(arnOf + "cluster/" + Cluster), TaskDefinitionArn: definitionARN(),
		LastStatus: aws.String(t.Status), DesiredStatus: aws.String(t.Desired), Version: int64(t.version), LaunchType: types.LaunchTypeFargate,
		StopCode: types.TaskStopCode(t.StopCode), Containers: []types.Container{c},
	}
	if t.StartedBy != "" {
		shown.StartedBy = aws.String(t.StartedBy)
	}
	if t.Reason != "" {
		shown.StoppedReason = aws.String(t.Reason)
	}
	return shown
}

// containerStatus is the state of a task's container, which has fewer.
func containerStatus(t *task) string {
	switch t.Status {
	case provisioning, pending:
		return pending
	case running, stopping:
		return running
	}
	return events.TaskStopped
}

// tell puts the event of a task, as it is, on its way.
func (s *ECS) tell(t *task) {
	now := events.At(s.now())
	detail := events.TaskStateChange{
		TaskARN: t.ARN, ClusterARN: arnOf + "cluster/" + Cluster, LastStatus: t.Status, DesiredStatus: t.Desired, StartedBy: t.StartedBy,
		StopCode: t.StopCode, StoppedReason: t.Reason, Version: t.version, UpdatedAt: now,
		Containers: []events.Container{{Name: Container, ExitCode: t.Exit, Reason: t.containerBy}},
	}
	body, _ := json.Marshal(events.Envelope[any]{ // can't fail: it is made of texts
		Version: "0", ID: fmt.Sprintf("event-%d-of-%s", t.version, t.ARN), DetailType: events.TypeTaskStateChange, Source: "aws.ecs",
		Account: "123456789012", Time: now, Region: "eu-west-1", Resources: []string{t.ARN}, Detail: detail,
	})
	s.outbox = append(s.outbox, &told{late: s.Late, body: body})
}
