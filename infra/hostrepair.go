package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

const (
	hostRepairTimeout = 60 // seconds: a look at a machine, its disks and its gateway takes some
	// changeSets is how the names of the change sets begin by which hosts are updated (internal/handler/hostrepair).
	changeSets = "headroom-r"
)

// newHostRepair makes the function that mends share hosts. It ends no machine, deletes no gateway and no share, and forces
// nothing: what a repair takes away, CloudFormation does by the host's template.
func (c *controlPlane) newHostRepair(a Archivist, p Prober) awslambda.Function {
	grants := c.ledger.Grants([]string{"BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"})
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants,
		sendTo(c.repairSteps.Queue, c.hostEvents.Queue),
		c.publish(),
		c.readPolicy(),
		Grant{Actions: []string{"ssm:GetParameter"}, Resources: []*string{gatewayImageARN()}},
		describeImages(),
		// What a gateway that has failed had not uploaded, nobody else can say any more.
		Grant{Actions: []string{"cloudwatch:GetMetricData"}, Resources: *everything()},
	)
	grants = append(grants, c.powerMachines()...)
	f := c.newFunction("HostRepairs", FunctionProps{
		Name: "hostrepair", Queues: []Queue{c.repairs, c.repairSteps}, Batch: 1, Concurrency: 5,
		MemoryMiB: 256, TimeoutSeconds: hostRepairTimeout, Network: c.network, Grants: grants,
		MoreGrants: slices.Concat(c.moveDisks(), c.updateStacks(), c.renewGateways(), c.lookIntoShares(a, p)),
		Environment: c.probing(a, p, map[string]*string{
			"TABLE_NAME":       c.ledger.Table.TableName(),
			"BUS_NAME":         c.bus.EventBusName(),
			"POLICY_PARAMETER": c.policy.ParameterName(),
			"DATABASE_SLOTS":   jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			// Its own messages, and the pool check's, have a queue that nobody else has access to.
			"REPAIR_STEPS_QUEUE_URL":    c.repairSteps.QueueUrl(),
			"HOST_QUEUE_URL":            c.hostEvents.QueueUrl(),
			"NOTIFY_TOPIC_ARN":          c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":              c.runbooks,
			"STACK_ROLE_ARN":            c.hosts.Role.RoleArn(),
			"DATABASE_TEMPLATE_URL":     c.hosts.Database.Asset.HttpUrl(),
			"SHARE_TEMPLATE_URL":        c.hosts.Share.Asset.HttpUrl(),
			"DATABASE_STACK_PARAMETERS": c.hosts.Database.parametersJSON(c.stack),
			"SHARE_STACK_PARAMETERS":    c.hosts.Share.parametersJSON(c.stack),
			"GATEWAY_IMAGE_PARAMETER":   jsii.String(gatewayImageParameter),
			"GATEWAY_ENDPOINT":          c.network.GatewayEndpoint,
			"SHARE_KEY_ID":              c.keys.Hosts.KeyArn(),
			"ACTIVATION_PORT":           c.activationPort.ValueAsString(),
		}),
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Hosts' stacks, machines, disks, gateways, groups and shares, and tasks, are made while it runs, so their names are not known here: prefixes and tags limit "+
			"what is done to them to this stage's. EC2's Describe calls know no resources.")
	return f
}

// describeImages lets somebody see how old images are: a gateway is moved to no older one.
func describeImages() Grant {
	return Grant{Actions: []string{"ec2:DescribeImages"}, Resources: *everything()}
}

// renewGateways lets a function make a new gateway of the stage over the buckets of another one, with its shares. It may delete
// neither a gateway nor a share.
func (c *controlPlane) renewGateways() []Grant {
	return append(c.makeGateways(), c.passShareRoles())
}

// powerMachines lets a function reboot, stop and start the stage's machines, and have their disks outlive them. EC2 takes a
// grant on the key of the disks of a machine that it starts.
func (c *controlPlane) powerMachines() []Grant {
	return []Grant{
		{
			Actions:   []string{"ec2:ModifyInstanceAttribute", "ec2:RebootInstances", "ec2:StartInstances", "ec2:StopInstances"},
			Resources: []*string{arn("ec2", "instance/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		{Actions: []string{"ec2:DescribeInstanceStatus", "ec2:DescribeInstances"}, Resources: *everything()},
	}
}

// moveDisks lets a function take the stage's disks from one machine of the stage to another, and delete one that bears the
// mark of an old root disk. It may set that mark, and the repair's, and no other tag.
func (c *controlPlane) moveDisks() []Grant {
	volumes := []*string{arn("ec2", "volume/*")}
	tagging, deleting := ofStage(c.Stage, stageOfResource), ofStage(c.Stage, stageOfResource)
	tagging["ForAllValues:StringEquals"] = map[string]any{"aws:TagKeys": jsii.Strings(rootTag, repairTag)}
	deleting["Null"] = map[string]any{"aws:ResourceTag/" + rootTag: jsii.String("false")}
	return append(c.attachCaches(),
		Grant{
			Actions:   []string{"ec2:DetachVolume"},
			Resources: []*string{arn("ec2", "instance/*"), arn("ec2", "volume/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		Grant{Actions: []string{"ec2:CreateTags"}, Resources: volumes, When: tagging},
		Grant{Actions: []string{"ec2:DeleteVolume"}, Resources: volumes, When: deleting},
	)
}

// The tags by which a repair finds an old root disk.
const (
	rootTag   = "headroom:root-of"
	repairTag = "headroom:repair"
)

// updateStacks lets a function update stacks of share hosts, and bring hosts' stacks to our templates by change sets, which
// say beforehand what they would do.
func (c *controlPlane) updateStacks() []Grant {
	propose := c.onHostStacks("cloudformation:CreateChangeSet")
	propose.When = Conditions{"StringEquals": {
		"cloudformation:RoleArn":     c.hosts.Role.RoleArn(),
		"cloudformation:TemplateUrl": []*string{c.hosts.Database.Asset.HttpUrl(), c.hosts.Share.Asset.HttpUrl()},
	}}
	carryOut := c.onHostStacks("cloudformation:DeleteChangeSet", "cloudformation:ExecuteChangeSet")
	carryOut.When = Conditions{"StringLike": {"cloudformation:ChangeSetName": jsii.String(changeSets + "*")}}
	return []Grant{
		c.updateShareStacks(), propose, carryOut,
		c.onHostStacks("cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks"),
		// What a template has for parameters, before there is a stack of it.
		{Actions: []string{"cloudformation:GetTemplateSummary"}, Resources: *everything()},
		c.passStackRole(),
		c.readTemplates(),
	}
}
