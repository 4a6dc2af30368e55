package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// functionNames are the functions, by the folders of their code.
var functionNames = []string{"signup", "poolcheck", "stackcomplete", "rdsalarm", "gatewayalarm", "instancechange", "decommission", "hostrepair", "restore", "reconcile", "auditcopy", "recovery"}

// programNames are what there is code of: the functions, and the tasks.
var programNames = append(slices.Clone(functionNames), archivistName, proberName)

// reachDatabases are those of them that connect to database hosts.
var reachDatabases = []string{"signup", "stackcomplete", "decommission", "rdsalarm", "restore", "recovery", archivistName}

// reachGateways are those in the network that connect to gateways alone.
var reachGateways = []string{"hostrepair"}

// FunctionProps is what differs between the functions.
type FunctionProps struct {
	Stage   Stage
	Name    string // one of functionNames
	CodeDir string // holds a folder of that name with the function's bootstrap

	Queues      []Queue // the only things that invoke it
	Batch       float64 // messages an invocation, at most
	Concurrency float64 // invocations at once that each queue may cause, 2 or more

	MemoryMiB      float64
	TimeoutSeconds float64

	Environment map[string]*string
	Network     *Network // nil: it runs outside the VPC
	Grants      []Grant
	MoreGrants  []Grant // what has no room in the role itself, which takes 10,240 characters
	Operators   *Operators
}

// NewFunction makes a function with its role, its log group, its alarms, and the mapping from the
// queues that drive it.
func NewFunction(scope constructs.Construct, id string, p FunctionProps) awslambda.Function {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	name := "headroom-" + p.Stage.Name + "-" + p.Name
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + name),
		Retention:     p.Stage.LogRetention,
		RemovalPolicy: p.Stage.LogRemoval,
	})
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("What function " + name + " may do"),
	})
	logs.GrantWrite(role)
	receive := Grant{Actions: []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}}
	for _, queue := range p.Queues {
		receive.Resources = append(receive.Resources, queue.QueueArn())
	}
	permit(role, receive)
	permit(role, p.Grants...)
	if len(p.MoreGrants) > 0 {
		awsiam.NewManagedPolicy(role, jsii.String("More"), &awsiam.ManagedPolicyProps{
			Description: jsii.String("What else function " + name + " may do"),
			Roles:       &[]awsiam.IRole{role},
			Statements:  statements(p.MoreGrants...),
		})
	}

	environment := map[string]*string{"STAGE": jsii.String(p.Stage.Name)}
	for k, v := range p.Environment {
		environment[k] = v
	}
	props := &awslambda.FunctionProps{
		FunctionName:  jsii.String(name),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(p.CodeDir, p.Name)), nil),
		Role:          role,
		MemorySize:    jsii.Number(p.MemoryMiB),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(p.TimeoutSeconds)),
		Environment:   &environment,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
	}
	if p.Network != nil {
		permitNetworkInterfaces(role, name)
		props.Vpc = p.Network.Vpc
		props.VpcSubnets = p.Network.Subnets
		props.SecurityGroups = &[]awsec2.ISecurityGroup{p.Network.Functions}
	}
	if p.Stage.Tracing {
		props.Tracing = awslambda.Tracing_ACTIVE
		suppress(role, "AwsSolutions-IAM5", "X-Ray's actions know no resources.")
	}
	function := awslambda.NewFunction(scope, jsii.String("Function"), props)

	for _, queue := range p.Queues {
		id := "Mapping" + *queue.Node().Scope().Node().Id()
		awslambda.NewCfnEventSourceMapping(scope, jsii.String(id), &awslambda.CfnEventSourceMappingProps{
			FunctionName:          function.FunctionArn(),
			EventSourceArn:        queue.QueueArn(),
			BatchSize:             jsii.Number(p.Batch),
			FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
			// Without this cap a burst would throttle invocations, and throttled messages die.
			ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{
				MaximumConcurrency: jsii.Number(p.Concurrency),
			},
		}).Node().AddDependency(role)
	}

	for _, metric := range []string{"Errors", "Throttles"} {
		what := strings.ToLower(metric)
		p.Operators.call(scope, metric+"Alarm", Ticket, p.Name+"-"+what, "function-"+what, atZero(AlarmProps{
			Description: metric + " of function " + name + ": see log group /aws/lambda/" + name + ".",
			Namespace:   "AWS/Lambda",
			Metric:      metric,
			Statistic:   "Sum",
			Dimensions:  map[string]*string{"FunctionName": function.FunctionName()},
		}))
	}
	return function
}

// permitNetworkInterfaces lets the Lambda service connect a function to the VPC. These calls are the
// service's, made with the function's role: the function's own code is denied them.
func permitNetworkInterfaces(role awsiam.Role, functionName string) {
	manage := []string{
		"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}
	describe := []string{"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
	permit(role,
		Grant{
			Actions: manage,
			Resources: []*string{
				arn("ec2", "network-interface/*"), arn("ec2", "subnet/*"), arn("ec2", "security-group/*"),
			},
		},
		Grant{Actions: describe, Resources: *everything()},
	)
	deny := Grant{
		Actions:   append(manage, describe...),
		Resources: *everything(),
		When:      Conditions{"ArnEquals": {"lambda:SourceFunctionArn": arn("lambda", "function:"+functionName)}},
	}.statement()
	deny.SetEffect(awsiam.Effect_DENY)
	role.AddToPolicy(deny)
}
