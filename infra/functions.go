package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
	"headroom/internal/pool"
)

// Seconds that the functions may take. Short, because a message of a function that died is not seen
// again before six times that; all that takes longer is continued by another message.
const (
	signupTimeout         = 20
	signupBatch           = 10 // messages that an invocation handles at once
	poolCheckTimeout      = 30
	stackCompleteTimeout  = 60
	hostAlarmTimeout      = 20
	instanceChangeTimeout = 30 // shorter than the time after which a change is looked at once more
)

// nobodyAddress is the client list of a share that no tenant has.
const nobodyAddress = pool.Nobody

func (c *controlPlane) newSignup() awslambda.Function {
	tenantSecrets := "headroom/" + c.Stage.Name + "/tenant/"
	// It deletes places on the waiting list, and reads that list; it frees addresses that their tenants do not have. To tell who waits
	// for how long it looks which slots that rest are due.
	grants := c.ledger.Grants([]string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"}, indexDue, indexReserve)
	grants = append(grants,
		sendTo(c.signupSteps.Queue, c.signups.DeadLetters, c.poolChecks.Queue, c.hostEvents.Queue),
		c.publish(),
		c.readPolicy(),
		Grant{
			Actions:   []string{"secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"},
			Resources: []*string{arn("secretsmanager", "secret:"+tenantSecrets+"*")},
		},
		useKey(c.keys.Secrets, "secretsmanager", "kms:Decrypt", "kms:GenerateDataKey"),
		c.readMasterSecrets(),
		useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"),
		Grant{
			Actions: []string{
				"storagegateway:AddTagsToResource", "storagegateway:DescribeNFSFileShares", "storagegateway:UpdateNFSFileShare",
			},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		c.onGatewayGroups("ec2:AuthorizeSecurityGroupIngress"),
	)
	f := c.newFunction("Signups", FunctionProps{
		Name: "signup", Queues: []Queue{c.signups, c.signupSteps}, Batch: signupBatch, Concurrency: float64(c.Stage.SignupConcurrency),
		MemoryMiB: 512, TimeoutSeconds: signupTimeout, Network: c.network, Grants: grants,
		Environment: map[string]*string{
			"TABLE_NAME":       c.ledger.Table.TableName(),
			"BUS_NAME":         c.bus.EventBusName(),
			"POLICY_PARAMETER": c.policy.ParameterName(),
			"DATABASE_SLOTS":   jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			// Its own messages have a queue that customers' side has no access to.
			"SIGNUP_STEPS_QUEUE_URL": c.signupSteps.QueueUrl(),
			"SIGNUP_DLQ_URL":         c.signups.DeadLetters.QueueUrl(),
			"POOLCHECK_QUEUE_URL":    c.poolChecks.QueueUrl(),
			"HOST_QUEUE_URL":         c.hostEvents.QueueUrl(),
			"SECRET_PREFIX":          jsii.String(tenantSecrets),
			"SECRET_KEY_ID":          c.keys.Secrets.KeyArn(),
			"INSTANCE_NETWORKS":      c.instanceNetworks,
			"HOST_NETWORKS":          c.hostNetworks,
			"MOUNT_OPTIONS":          c.mountOptions,
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Tenants' secrets, RDS's secrets, shares and their security groups are made while it runs, so their names are not known here: "+
			"prefixes and tags limit them to this stage's. The Describe calls that connect the function to the VPC know no resources.")
	return f
}

func (c *controlPlane) newPoolCheck() awslambda.Function {
	grants := c.ledger.Grants([]string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem", "Query"}, indexDue, indexReserve)
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants, c.orderStacks()...)
	grants = append(grants,
		c.ledger.onMoney("DeleteItem"),
		sendTo(c.signupSteps.Queue, c.changeSteps.Queue, c.decommissionSteps.Queue, c.repairSteps.Queue, c.restoreSteps.Queue, c.hostEvents.Queue),
		c.publish(),
		c.readPolicy(),
		c.onHostStacks("cloudformation:DescribeStacks"),
		Grant{Actions: []string{"ssm:GetParameter"}, Resources: []*string{gatewayImageARN()}},
		// All instances are listed at once, and those of other stages passed over.
		Grant{Actions: []string{"rds:DescribeDBInstances"}, Resources: []*string{arn("rds", "db:*")}},
		// Composite alarms are described to those only who may describe all ("DescribeAlarms" in CloudWatch's API).
		Grant{Actions: []string{"cloudwatch:DescribeAlarms"}, Resources: *everything()},
	)
	f := c.newFunction("PoolChecks", FunctionProps{
		Name: "poolcheck", Queues: []Queue{c.poolChecks}, Batch: 10, Concurrency: 2,
		MemoryMiB: 256, TimeoutSeconds: poolCheckTimeout, Grants: grants,
		Environment: map[string]*string{
			"TABLE_NAME":                   c.ledger.Table.TableName(),
			"BUS_NAME":                     c.bus.EventBusName(),
			"POLICY_PARAMETER":             c.policy.ParameterName(),
			"DATABASE_SLOTS":               jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			"SIGNUP_STEPS_QUEUE_URL":       c.signupSteps.QueueUrl(),
			"CHANGE_STEPS_QUEUE_URL":       c.changeSteps.QueueUrl(),
			"HOST_QUEUE_URL":               c.hostEvents.QueueUrl(),
			"DECOMMISSION_STEPS_QUEUE_URL": c.decommissionSteps.QueueUrl(),
			"REPAIR_STEPS_QUEUE_URL":       c.repairSteps.QueueUrl(),
			"RESTORE_STEPS_QUEUE_URL":      c.restoreSteps.QueueUrl(),
			"NOTIFY_TOPIC_ARN":             c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":                 c.runbooks,
			"STACK_PREFIX":                 jsii.String(c.stackPrefix()),
			"STACK_ROLE_ARN":               c.hosts.Role.RoleArn(),
			"DATABASE_TEMPLATE_URL":        c.hosts.Database.Asset.HttpUrl(),
			"SHARE_TEMPLATE_URL":           c.hosts.Share.Asset.HttpUrl(),
			"DATABASE_STACK_PARAMETERS":    c.hosts.Database.parametersJSON(c.stack),
			"SHARE_STACK_PARAMETERS":       c.hosts.Share.parametersJSON(c.stack),
			"DATABASE_ZONES":               c.hosts.Database.zonesJSON(c.stack),
			"SHARE_ZONES":                  c.hosts.Share.zonesJSON(c.stack),
			"GATEWAY_IMAGE_PARAMETER":      jsii.String(gatewayImageParameter),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Stacks of hosts are made while it runs: the prefix of their names limits it to this stage's. Composite alarms are described to those "+
			"only who may describe all.")
	return f
}

func (c *controlPlane) newStackComplete() awslambda.Function {
	grants := c.ledger.Grants([]string{"GetItem", "PutItem", "UpdateItem"})
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants,
		sendTo(c.hostEvents.Queue, c.poolChecks.Queue),
		c.publish(),
		c.onHostStacks("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"),
		c.readMasterSecrets(),
		useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"),
	)
	grants = append(grants, c.makeGateways()...)
	grants = append(grants, c.attachCaches()...)
	grants = append(grants, c.updateShareStacks(), c.passStackRole())
	grants = append(grants,
		// To put a tenant out whose share was returned, and in again if it got another one there meanwhile.
		c.onGatewayGroups("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
		c.passShareRoles(),
		// To close a share that was taken from a tenant before it was handed over.
		Grant{
			Actions:   []string{"storagegateway:AddTagsToResource", "storagegateway:UpdateNFSFileShare"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		// Tags of a bucket are written as a whole, so they are read before.
		Grant{
			Actions:   []string{"s3:GetBucketTagging", "s3:PutBucketTagging"},
			Resources: jsiiStrings(bucketPattern(c.Stage.Name)),
		},
	)
	f := c.newFunction("HostSteps", FunctionProps{
		Name: "stackcomplete", Queues: []Queue{c.hostEvents}, Batch: 1, Concurrency: 5,
		MemoryMiB: 512, TimeoutSeconds: stackCompleteTimeout, Network: c.network, Grants: grants, MoreGrants: c.retireHosts(),
		Environment: map[string]*string{
			"TABLE_NAME":          c.ledger.Table.TableName(),
			"BUS_NAME":            c.bus.EventBusName(),
			"HOST_QUEUE_URL":      c.hostEvents.QueueUrl(),
			"POOLCHECK_QUEUE_URL": c.poolChecks.QueueUrl(),
			"NOTIFY_TOPIC_ARN":    c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":        c.runbooks,
			"STACK_PREFIX":        jsii.String(c.stackPrefix()),
			"STACK_ROLE_ARN":      c.hosts.Role.RoleArn(),
			"ACTIVATION_PORT":     c.activationPort.ValueAsString(),
			"GATEWAY_ENDPOINT":    c.network.GatewayEndpoint,
			"NOBODY_ADDRESS":      jsii.String(nobodyAddress),
			"SHARE_KEY_ID":        c.keys.Hosts.KeyArn(),
			"BACKUP_DAYS":         jsii.String(fmt.Sprint(c.Stage.RestoreDays)),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Gateways, shares, their security groups, roles and buckets, disks, stacks, instances, their snapshots and RDS's secrets are made while it runs: paths, prefixes and "+
			"tags limit what is done to them to this stage's. ActivateGateway, ListGateways, DescribeVolumes, and the Describe calls that connect the "+
			"function to the VPC know no resources; gateways and shares that were just made are looked at before their tags may be known.")
	return f
}

func (c *controlPlane) newRDSAlarm() awslambda.Function {
	// It asks a host whose alarm is on what its tenants use.
	f := c.newAlarmFunction("HostAlarms", "rdsalarm", c.alarms, c.network, c.readMasterSecrets(), useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"))
	suppress(f.Role(), "AwsSolutions-IAM5",
		"RDS's secrets are made while it runs, so their names are not known here: a tag limits them to this stage's. The Describe calls that "+
			"connect the function to the VPC know no resources.")
	return f
}

func (c *controlPlane) newGatewayAlarm() awslambda.Function {
	return c.newAlarmFunction("GatewayAlarms", "gatewayalarm", c.gatewayAlarms, nil)
}

// newAlarmFunction makes a function that hears the alarms of hosts of one kind; one that reaches hosts is in a network.
func (c *controlPlane) newAlarmFunction(id, name string, alarms Queue, network *Network, more ...Grant) awslambda.Function {
	grants := c.ledger.Grants([]string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem"})
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants, sendTo(c.poolChecks.Queue), c.publish())
	grants = append(grants, more...)
	return c.newFunction(id, FunctionProps{
		Name: name, Queues: []Queue{alarms}, Batch: 10, Concurrency: 2,
		MemoryMiB: 256, TimeoutSeconds: hostAlarmTimeout, Grants: grants, Network: network,
		Environment: map[string]*string{
			"TABLE_NAME":          c.ledger.Table.TableName(),
			"BUS_NAME":            c.bus.EventBusName(),
			"POOLCHECK_QUEUE_URL": c.poolChecks.QueueUrl(),
			"NOTIFY_TOPIC_ARN":    c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":        c.runbooks,
			"STACK_PREFIX":        jsii.String(c.stackPrefix()),
		},
	})
}

// newInstanceChange needs no network of the stage: all that it reaches are AWS's own interfaces.
func (c *controlPlane) newInstanceChange() awslambda.Function {
	// It frees addresses, on the condition that their tenant is as it was.
	grants := c.ledger.Grants([]string{"ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query"})
	grants = append(grants,
		sendTo(c.changeSteps.Queue, c.changes.DeadLetters),
		c.publish(),
		c.readPolicy(),
		Grant{
			Actions:   []string{"storagegateway:DescribeNFSFileShares", "storagegateway:UpdateNFSFileShare"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		c.onGatewayGroups("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
	)
	f := c.newFunction("InstanceChanges", FunctionProps{
		Name: "instancechange", Queues: []Queue{c.changes, c.changeSteps}, Batch: 10, Concurrency: 2,
		MemoryMiB: 256, TimeoutSeconds: instanceChangeTimeout, Grants: grants,
		Environment: map[string]*string{
			"TABLE_NAME":       c.ledger.Table.TableName(),
			"BUS_NAME":         c.bus.EventBusName(),
			"POLICY_PARAMETER": c.policy.ParameterName(),
			"DATABASE_SLOTS":   jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			// Its own messages have a queue that customers' side has no access to.
			"CHANGE_STEPS_QUEUE_URL": c.changeSteps.QueueUrl(),
			"CHANGE_DLQ_URL":         c.changes.DeadLetters.QueueUrl(),
			"INSTANCE_NETWORKS":      c.instanceNetworks,
			"HOST_NETWORKS":          c.hostNetworks,
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Shares and their security groups are made while it runs, so their names are not known here: tags limit them to this stage's.")
	return f
}

// onGatewayGroups is what may be done to the security groups of the stage's gateways.
func (c *controlPlane) onGatewayGroups(actions ...string) Grant {
	return Grant{
		Actions:   actions,
		Resources: []*string{arn("ec2", "security-group/*")},
		When: Conditions{
			"StringEquals": {stageOfResource: jsii.String(c.Stage.Name)},
			"StringLike":   {"aws:ResourceTag/headroom:host": jsii.String(string(pool.Share) + "-*")},
		},
	}
}

// newFunction adds what is the same for all functions of the control plane.
func (c *controlPlane) newFunction(id string, p FunctionProps) awslambda.Function {
	p.Stage, p.CodeDir, p.Operators = c.Stage, c.CodeDir, c.operators
	return NewFunction(c.stack, id, p)
}

// publish lets a function say what happens, in Headroom's own name.
func (c *controlPlane) publish() Grant {
	return Grant{
		Actions:   []string{"events:PutEvents"},
		Resources: []*string{c.bus.EventBusArn()},
		When:      Conditions{"StringEquals": {"events:source": jsii.String(events.Source)}},
	}
}

// readPolicy lets a function read the pool policies, and those that were in force before.
func (c *controlPlane) readPolicy() Grant {
	return Grant{
		Actions:   []string{"ssm:GetParameter", "ssm:GetParameterHistory"},
		Resources: []*string{c.policy.ParameterArn()},
	}
}

// readMasterSecrets lets a function read the master passwords of this stage's database hosts. RDS
// chooses the secrets' names, but it tags them with their instance.
func (c *controlPlane) readMasterSecrets() Grant {
	return Grant{
		Actions:   []string{"secretsmanager:GetSecretValue"},
		Resources: []*string{arn("secretsmanager", "secret:rds!db-*")},
		When: Conditions{"StringLike": {
			"aws:ResourceTag/aws:rds:primaryDBInstanceArn": arn("rds", "db:"+c.stackPrefix()+string(pool.Database)+"-*"),
		}},
	}
}

// makeGateways lets a function activate gateways and make their shares, with the stage's tag, and give them
// their cache. What the actions can be limited by is in the Service Authorization Reference, "Actions,
// resources, and condition keys for AWS Storage Gateway".
func (c *controlPlane) makeGateways() []Grant {
	gateways, shares := arn("storagegateway", "gateway/*"), arn("storagegateway", "share/*")
	return []Grant{
		{
			// A gateway has no name before it is activated.
			Actions:   []string{"storagegateway:ActivateGateway"},
			Resources: *everything(),
			When:      ofStage(c.Stage, stageOfRequest),
		},
		{
			Actions:   []string{"storagegateway:CreateNFSFileShare"},
			Resources: []*string{gateways},
			When:      ofStage(c.Stage, stageOfResource, stageOfRequest),
		},
		{
			Actions:   []string{"storagegateway:AddCache", "storagegateway:ListLocalDisks"},
			Resources: []*string{gateways},
			When:      ofStage(c.Stage, stageOfResource),
		},
		// These look at what was made a moment ago, of which the tags may not be known yet: it must be
		// said then that it is not there yet, and not that looking at it is forbidden.
		{
			// By its tags a gateway that bears one of our names is told from ours: they are read of any.
			Actions:   []string{"storagegateway:DescribeGatewayInformation", "storagegateway:ListTagsForResource"},
			Resources: []*string{gateways},
		},
		{Actions: []string{"storagegateway:DescribeNFSFileShares"}, Resources: []*string{shares}},
		{Actions: []string{"storagegateway:ListGateways"}, Resources: *everything()},
	}
}

// attachCaches lets a function attach volumes of the stage to machines of the stage. EC2 takes a grant on
// the volume's key in the function's name, and may use that alone (EBS user guide, "Requirements for
// Amazon EBS encryption").
func (c *controlPlane) attachCaches() []Grant {
	return []Grant{
		{
			Actions:   []string{"ec2:AttachVolume"},
			Resources: []*string{arn("ec2", "instance/*"), arn("ec2", "volume/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		{Actions: []string{"ec2:DescribeVolumes"}, Resources: *everything()},
		{
			Actions:   []string{"kms:CreateGrant"},
			Resources: []*string{c.keys.Hosts.KeyArn()},
			When: Conditions{
				"Bool": {"kms:GrantIsForAWSResource": jsii.String("true")},
				"StringEquals": {
					"kms:ViaService": jsii.String("ec2." + *awscdk.Aws_REGION() + "." + *awscdk.Aws_URL_SUFFIX()),
				},
			},
		},
	}
}
