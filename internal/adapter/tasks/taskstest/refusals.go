package taskstest

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/internal/adapter/awsclient"
)

// conflicting are the tasks that a conflict names.
func conflicting(err error) []string {
	var conflict *types.ConflictException
	if errors.As(err, &conflict) {
		return conflict.ResourceIds
	}
	return nil
}

// refusals are what ECS takes nothing of.
func refusals(t *testing.T, w World) {
	network := func(in *ecs.RunTaskInput) *types.AwsVpcConfiguration {
		return in.NetworkConfiguration.AwsvpcConfiguration
	}
	const wrong, client = "InvalidParameterException", "ClientException"
	for _, test := range []struct {
		name   string
		change func(*ecs.RunTaskInput)
		code   string
		says   string
	}{
		{"no such cluster", func(in *ecs.RunTaskInput) { in.Cluster = aws.String("other") }, "ClusterNotFoundException", "Cluster not found"},
		{"no cluster named", func(in *ecs.RunTaskInput) { in.Cluster = nil }, "ClusterNotFoundException", "Cluster not found"},
		{"no such definition", func(in *ecs.RunTaskInput) { in.TaskDefinition = aws.String("other") }, client, "TaskDefinition not found"},
		{"an empty definition", func(in *ecs.RunTaskInput) { in.TaskDefinition = aws.String("") }, client, "can not be blank"},
		{"no launch type", func(in *ecs.RunTaskInput) { in.LaunchType = "" }, wrong, "No Container Instances"},
		{"no network", func(in *ecs.RunTaskInput) { in.NetworkConfiguration = nil }, wrong, "Network Configuration must be provided"},
		{"no subnet", func(in *ecs.RunTaskInput) { network(in).Subnets = []string{} }, wrong, "subnets can not be empty"},
		{"no such subnet", func(in *ecs.RunTaskInput) { network(in).Subnets = []string{"subnet-none"} }, wrong, "Error retrieving subnet information"},
		{"no such group", func(in *ecs.RunTaskInput) { network(in).SecurityGroups = []string{"sg-none"} }, wrong, "Error retrieving security group information"},
		{"six groups", func(in *ecs.RunTaskInput) { network(in).SecurityGroups = make([]string, 6) }, wrong, "at most 5"},
		{"another container", func(in *ecs.RunTaskInput) {
			in.Overrides.ContainerOverrides[0].Name = aws.String("other")
		}, wrong, "Override for container named other is not a container in the TaskDefinition"},
		{"a long job", func(in *ecs.RunTaskInput) {
			in.Overrides.ContainerOverrides[0].Environment[0].Value = aws.String(strings.Repeat("x", 8192))
		}, wrong, "at most 8192"},
		{"a long token", func(in *ecs.RunTaskInput) { in.ClientToken = aws.String(strings.Repeat("x", 65)) }, wrong, "clientToken"},
		{"a token with a blank", func(in *ecs.RunTaskInput) { in.ClientToken = aws.String("a b") }, wrong, "clientToken"},
		{"started by an ID with a dot", func(in *ecs.RunTaskInput) { in.StartedBy = aws.String("acme.k3v9x2m7qa") }, wrong, "startedBy"},
		{"eleven", func(in *ecs.RunTaskInput) { in.Count = aws.Int32(11) }, wrong, "count"},
		{"none", func(in *ecs.RunTaskInput) { in.Count = aws.Int32(0) }, wrong, "count"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := w.input("exit=0")
			test.change(in)
			_, err := w.Client.RunTask(t.Context(), in)
			if awsclient.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s: %s", err, test.code, test.says)
			}
		})
	}
}
