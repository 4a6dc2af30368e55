package main

import (
	"maps"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

// The task that looks into a share before a share host serves again: the smallest that Fargate has.
const (
	proberName   = "prober" // the folder of its program and of its Dockerfile, and its container
	proberCPU    = "256"    // units
	proberMemory = "512"    // MiB
	proberStop   = 30       // seconds to report when it is stopped
	proberUser   = "65534:65534"
)

// Prober is what it takes to run tasks that look into shares. They may report what they found, and nothing else: of a share
// they see what its client list lets them.
type Prober struct {
	Task      awsecs.CfnTaskDefinition
	TaskRole  awsiam.Role
	Execution awsiam.Role
}

// newProber makes the definition of the task, which runs in the archivist's cluster.
func (c *controlPlane) newProber() Prober {
	scope := constructs.NewConstruct(c.stack, jsii.String("Prober"))
	name := "headroom-" + c.Stage.Name + "-" + proberName
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/ecs/" + name),
		Retention:     c.Stage.LogRetention,
		RemovalPolicy: c.Stage.LogRemoval,
	})
	image := awsecrassets.NewDockerImageAsset(scope, jsii.String("Image"), &awsecrassets.DockerImageAssetProps{
		Directory: jsii.String(filepath.Join(c.CodeDir, proberName)),
		Platform:  awsecrassets.Platform_LINUX_ARM64(),
	})
	p := Prober{
		TaskRole:  newTaskRole(scope, "TaskRole", "What the tasks of "+name+" may do"),
		Execution: newTaskRole(scope, "ExecutionRole", "Lets ECS start the tasks of "+name),
	}
	permit(p.TaskRole, sendTo(c.repairSteps.Queue))
	image.Repository().GrantPull(p.Execution)
	logs.GrantWrite(p.Execution)
	suppress(p.Execution, "AwsSolutions-IAM5", "A token for a registry is of no resource; it opens those only that the role may pull from.")
	p.Task = awsecs.NewCfnTaskDefinition(scope, jsii.String("Task"), &awsecs.CfnTaskDefinitionProps{
		Family:                  jsii.String(name),
		Cpu:                     jsii.String(proberCPU),
		Memory:                  jsii.String(proberMemory),
		NetworkMode:             jsii.String("awsvpc"),
		RequiresCompatibilities: jsii.Strings("FARGATE"),
		RuntimePlatform: &awsecs.CfnTaskDefinition_RuntimePlatformProperty{
			CpuArchitecture: jsii.String("ARM64"), OperatingSystemFamily: jsii.String("LINUX"),
		},
		TaskRoleArn:      p.TaskRole.RoleArn(),
		ExecutionRoleArn: p.Execution.RoleArn(),
		ContainerDefinitions: []*awsecs.CfnTaskDefinition_ContainerDefinitionProperty{{
			Name:                   jsii.String(proberName),
			Image:                  image.ImageUri(),
			Essential:              jsii.Bool(true),
			Environment:            keyValues(map[string]*string{"REPORT_QUEUE_URL": c.repairSteps.QueueUrl()}),
			StopTimeout:            jsii.Number(proberStop),
			User:                   jsii.String(proberUser),
			ReadonlyRootFilesystem: jsii.Bool(true),
			LinuxParameters: &awsecs.CfnTaskDefinition_LinuxParametersProperty{
				Capabilities: &awsecs.CfnTaskDefinition_KernelCapabilitiesProperty{Drop: jsii.Strings("ALL")},
			},
			LogConfiguration: &awsecs.CfnTaskDefinition_LogConfigurationProperty{
				LogDriver: jsii.String("awslogs"),
				Options: map[string]*string{
					"awslogs-group": logs.LogGroupName(), "awslogs-region": awscdk.Aws_REGION(), "awslogs-stream-prefix": jsii.String("task"),
				},
			},
		}},
	})
	suppress(p.Task, "AwsSolutions-ECS2", "What is in the environment is no secret: the name of a queue.")
	return p
}

// lookIntoShares lets a function run the prober, and open a share and its network to it. That it opens none that is a
// tenant's, it sees to itself: who reaches a share is not a thing that IAM knows.
func (c *controlPlane) lookIntoShares(a Archivist, p Prober) []Grant {
	inCluster := Conditions{"ArnEquals": {"ecs:cluster": a.Cluster.AttrArn()}}
	return []Grant{
		{Actions: []string{"ecs:RunTask"}, Resources: []*string{p.Task.Ref()}, When: inCluster},
		{Actions: []string{"ecs:DescribeTasks", "ecs:StopTask"}, Resources: []*string{a.tasks(c.Stage)}, When: inCluster},
		{
			Actions:   []string{"ecs:TagResource"},
			Resources: []*string{a.tasks(c.Stage)},
			When:      Conditions{"StringEquals": {"ecs:CreateAction": jsii.String("RunTask")}},
		},
		{
			Actions:   []string{"iam:PassRole"},
			Resources: []*string{p.TaskRole.RoleArn(), p.Execution.RoleArn()},
			When:      Conditions{"StringEquals": {"iam:PassedToService": jsii.String("ecs-tasks.amazonaws.com")}},
		},
		{
			Actions:   []string{"storagegateway:UpdateNFSFileShare"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		{
			Actions:   []string{"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"},
			Resources: []*string{arn("ec2", "security-group/*")},
			When: Conditions{
				"StringEquals": {stageOfResource: jsii.String(c.Stage.Name)},
				"StringLike":   {"aws:ResourceTag/headroom:host": jsii.String(string(pool.Share) + "-*")},
			},
		},
	}
}

// probing is what the function reads from its environment of how it looks into shares.
func (c *controlPlane) probing(a Archivist, p Prober, more map[string]*string) map[string]*string {
	maps.Copy(more, map[string]*string{
		"NOBODY_ADDRESS":   jsii.String(nobodyAddress),
		"PROBER_CLUSTER":   a.Cluster.AttrArn(),
		"PROBER_TASK":      p.Task.Ref(),
		"PROBER_CONTAINER": jsii.String(proberName),
		"PROBER_SUBNETS":   awscdk.Fn_Join(jsii.String(","), c.network.subnetIDs()),
		"PROBER_GROUP":     c.network.Prober.SecurityGroupId(),
	})
	return more
}
