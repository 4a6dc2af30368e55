package main

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// The task that archives: how large it is, and what of it is fixed.
const (
	archivistName   = "archivist" // the folder of its program and of its Dockerfile, and its container
	archivistCPU    = "2048"      // units: two processors, of which compressing takes one
	archivistMemory = "8192"      // MiB: the parts of an upload, and a PostgreSQL server
	archivistDisk   = 200         // GiB, the most that Fargate has: a dump is restored on it
	// archivistStop is how many seconds a task has to report when it is stopped: the most that Fargate gives.
	archivistStop = 120
	// archivistScratch is the one place that the task can write to. The image has it as a volume of the user that the
	// task runs as: Fargate would give any other to root.
	archivistScratch = "/var/lib/postgresql/data"
	archivistUser    = "postgres"

	// archivesAtOnce is how many tenants' data is copied at once, at first and at most.
	archivesAtOnce, archivesAtOnceMost = 4, 50
)

// Archivist is what it takes to run tasks of one definition.
type Archivist struct {
	Cluster   awsecs.CfnCluster
	Image     awsecrassets.DockerImageAsset
	Task      awsecs.CfnTaskDefinition
	TaskRole  awsiam.Role // of the task itself
	JobRole   awsiam.Role // that it assumes, for what its job needs of what the role may
	Execution awsiam.Role // with which ECS starts it
}

// ArchivistProps says what tasks may do and read.
type ArchivistProps struct {
	Stage       Stage
	CodeDir     string // holds its folder
	Environment map[string]*string
	TaskGrants  []Grant
	JobGrants   []Grant
}

// NewArchivist makes the cluster, which costs nothing, and the definition of the tasks that archive, verify and probe.
// Nothing runs until a tenant leaves. Each task gets its job when it is run.
func NewArchivist(scope constructs.Construct, id string, p ArchivistProps) Archivist {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	logs := newTaskLogs(scope, p.Stage, archivistName)
	cluster := awsecs.NewCfnCluster(scope, jsii.String("Cluster"), &awsecs.CfnClusterProps{
		ClusterName: jsii.String("headroom-" + p.Stage.Name),
	})
	suppress(cluster, "AwsSolutions-ECS4", "A task reports itself how far it is and how it ended; what its container takes is not worth a metric that costs.")
	image := awsecrassets.NewDockerImageAsset(scope, jsii.String("Image"), &awsecrassets.DockerImageAssetProps{
		Directory: jsii.String(filepath.Join(p.CodeDir, archivistName)),
		Platform:  awsecrassets.Platform_LINUX_ARM64(),
	})
	return newTasks(scope, cluster, image, taskProps{
		ArchivistProps: p, Name: archivistName, Logs: logs, Memory: archivistMemory, Disk: archivistDisk,
	})
}

// taskProps is what a definition of tasks is made of.
type taskProps struct {
	ArchivistProps
	Name   string // how its family ends
	Logs   awslogs.LogGroup
	Memory string  // MiB
	Disk   float64 // GiB
}

// taskFamily is the family of a definition of tasks.
func taskFamily(stage Stage, name string) string { return "headroom-" + stage.Name + "-" + name }

func newTaskLogs(scope constructs.Construct, stage Stage, name string) awslogs.LogGroup {
	return awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/ecs/" + taskFamily(stage, name)),
		Retention:     stage.LogRetention,
		RemovalPolicy: stage.LogRemoval,
	})
}

// newTasks makes a definition of tasks with roles of their own.
func newTasks(scope constructs.Construct, cluster awsecs.CfnCluster, image awsecrassets.DockerImageAsset, p taskProps) Archivist {
	name := taskFamily(p.Stage, p.Name)
	a := Archivist{
		Cluster: cluster, Image: image,
		TaskRole:  newTaskRole(scope, "TaskRole", "What the tasks of "+name+" may do"),
		Execution: newTaskRole(scope, "ExecutionRole", "Lets ECS start the tasks of "+name),
	}
	// A role can't tell one run of a task from another: so the task assumes one under a policy of its own job.
	a.JobRole = awsiam.NewRole(scope, jsii.String("JobRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewArnPrincipal(a.TaskRole.RoleArn()),
		Description: jsii.String("The most that a job of " + name + " may do"),
	})
	permit(a.TaskRole, p.TaskGrants...)
	permit(a.TaskRole, Grant{Actions: []string{"sts:AssumeRole"}, Resources: []*string{a.JobRole.RoleArn()}})
	permit(a.JobRole, p.JobGrants...)
	environment := map[string]*string{"JOB_ROLE_ARN": a.JobRole.RoleArn()}
	maps.Copy(environment, p.Environment)
	image.Repository().GrantPull(a.Execution)
	p.Logs.GrantWrite(a.Execution)
	suppress(a.Execution, "AwsSolutions-IAM5", "A token for a registry is of no resource; it opens those only that the role may pull from.")

	a.Task = awsecs.NewCfnTaskDefinition(scope, jsii.String("Task"), &awsecs.CfnTaskDefinitionProps{
		Family:                  jsii.String(name),
		Cpu:                     jsii.String(archivistCPU),
		Memory:                  jsii.String(p.Memory),
		NetworkMode:             jsii.String("awsvpc"),
		RequiresCompatibilities: jsii.Strings("FARGATE"),
		RuntimePlatform: &awsecs.CfnTaskDefinition_RuntimePlatformProperty{
			CpuArchitecture: jsii.String("ARM64"), OperatingSystemFamily: jsii.String("LINUX"),
		},
		EphemeralStorage: &awsecs.CfnTaskDefinition_EphemeralStorageProperty{SizeInGiB: jsii.Number(p.Disk)},
		TaskRoleArn:      a.TaskRole.RoleArn(),
		ExecutionRoleArn: a.Execution.RoleArn(),
		Volumes:          []*awsecs.CfnTaskDefinition_VolumeProperty{{Name: jsii.String("scratch")}},
		ContainerDefinitions: []*awsecs.CfnTaskDefinition_ContainerDefinitionProperty{{
			Name:        jsii.String(archivistName),
			Image:       image.ImageUri(),
			Essential:   jsii.Bool(true),
			Environment: keyValues(environment),
			StopTimeout: jsii.Number(archivistStop),
			User:        jsii.String(archivistUser),
			// What a dump makes of the programs that read it stays in the scratch folder, and ends with the task.
			ReadonlyRootFilesystem: jsii.Bool(true),
			MountPoints: []*awsecs.CfnTaskDefinition_MountPointProperty{{
				SourceVolume: jsii.String("scratch"), ContainerPath: jsii.String(archivistScratch), ReadOnly: jsii.Bool(false),
			}},
			LinuxParameters: &awsecs.CfnTaskDefinition_LinuxParametersProperty{
				InitProcessEnabled: jsii.Bool(true), // PostgreSQL's processes become nobody's children
				Capabilities:       &awsecs.CfnTaskDefinition_KernelCapabilitiesProperty{Drop: jsii.Strings("ALL")},
			},
			LogConfiguration: &awsecs.CfnTaskDefinition_LogConfigurationProperty{
				LogDriver: jsii.String("awslogs"),
				Options: map[string]*string{
					"awslogs-group": p.Logs.LogGroupName(), "awslogs-region": awscdk.Aws_REGION(), "awslogs-stream-prefix": jsii.String("task"),
				},
			},
		}},
	})
	suppress(a.Task, "AwsSolutions-ECS2", "What is in the environment is no secret: names of a queue and of a key.")
	return a
}

// newTaskRole makes a role for tasks of ECS in this account.
func newTaskRole(scope constructs.Construct, id, description string) awsiam.Role {
	return awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]*string{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
		Description: jsii.String(description),
	})
}

func keyValues(values map[string]*string) []*awsecs.CfnTaskDefinition_KeyValuePairProperty {
	var pairs []*awsecs.CfnTaskDefinition_KeyValuePairProperty
	for _, name := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, &awsecs.CfnTaskDefinition_KeyValuePairProperty{Name: jsii.String(name), Value: values[name]})
	}
	return pairs
}

// tasks are the ARNs of the tasks of the cluster.
func (a Archivist) tasks(stage Stage) *string { return arn("ecs", "task/headroom-"+stage.Name+"/*") }
