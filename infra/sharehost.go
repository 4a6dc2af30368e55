package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// maxShares is how many shares a gateway of the default size serves.
	maxShares = 10
	// activationPort is where a gateway gives its activation key, over HTTP.
	activationPort = 80
	// nfsPort is where a gateway serves NFS 4.1, by itself.
	nfsPort = 2049
	// mountOptions are what an NFS client mounts a share with, as AWS's user guide has them, with the
	// version pinned: 4.1 needs port 2049 alone, which is the only one that is opened. Gateways serve no
	// locks; for 4.1, Linux takes nolock and drops it.
	mountOptions       = "nfsvers=4.1,nolock,hard"
	mountOptionPattern = "[a-z0-9]+(=[A-Za-z0-9.:]+)?"
	// gatewayImageParameter is where AWS names the newest S3 File Gateway image.
	gatewayImageParameter = "/aws/service/storagegateway/ami/FILE_S3/latest"
)

// gatewayImageARN is the ARN of that parameter, which is no account's.
func gatewayImageARN() *string {
	return jsii.String("arn:" + *awscdk.Aws_PARTITION() + ":ssm:" + *awscdk.Aws_REGION() + "::parameter" + gatewayImageParameter)
}

// NewShareHost makes the template of a share host: a gateway's machine, and for each of its shares a
// bucket and a role. What CloudFormation has no resources for (activation, cache, shares) is done
// when the stack is complete.
func NewShareHost(scope constructs.Construct, id string, stage Stage) awscdk.Stack {
	stack := newHostTemplate(scope, id, "a gateway with its buckets")
	p := hostParameters(stack)
	slots := parameter(stack, "Slots", "Shares of the gateway", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String("10")
		p.AllowedValues = jsii.Strings("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	})
	zone := zoneParameter(stack)
	subnet := parameter(stack, "SubnetId", "Where the gateway lives, in that zone", nil)
	zoneID := parameter(stack, "ZoneId", "Private hosted zone", nil)
	parameter(stack, "ZoneName", "Name of that zone", nil)
	boundary := parameter(stack, "BoundaryArn", "The most that a share's role can do", nil)
	// A plain string: what is looked up in SSM is looked up at every update, and a new image would
	// replace the machine of a gateway in service.
	image := parameter(stack, "ImageId", "The gateway's image", nil)
	size := parameter(stack, "InstanceType", "Type of the gateway's machine, which is moved by a stop and a start", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String(stage.Shares.InstanceType)
		p.AllowedPattern = jsii.String(`[a-z0-9-]{2,20}[.](xlarge|[0-9]{1,2}xlarge|metal)`)
	})
	gateway := parameter(stack, "GatewayId", "The gateway, once there is one: its alarms are made then", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String("")
		p.AllowedPattern = jsii.String("(sgw-[0-9A-F]{8,17})?")
	})
	acknowledge(stack, "W2506", "The pool check has read the image's ID, and checked that it is one.")

	group := newGatewayGroup(stack, p)
	network := awsec2.NewCfnNetworkInterface(stack, jsii.String("Interface"), &awsec2.CfnNetworkInterfaceProps{
		Description: awscdk.Fn_Sub(jsii.String("Headroom: gateway ${HostId}"), nil),
		SubnetId:    subnet,
		GroupSet:    &[]any{group.AttrGroupId()},
	})
	machine, withMachine := newMachine(stack, machineProps{Stage: stage, Host: p, Image: image, Size: size, Interface: network.Ref()})
	sides := newSides(stack)
	newCaches(stack, stage, p, zone, sides)
	addGatewayAlarms(stack, gatewayAlarmsProps{Machine: machine, WithMachine: withMachine, Gateway: gateway})
	address := network.AttrPrimaryPrivateIpAddress()
	name := awscdk.Fn_Sub(jsii.String("${HostId}.${ZoneName}"), nil)
	awsroute53.NewCfnRecordSet(stack, jsii.String("Record"), &awsroute53.CfnRecordSetProps{
		HostedZoneId:    zoneID,
		Name:            name,
		Type:            jsii.String("A"),
		Ttl:             jsii.String("60"),
		ResourceRecords: &[]*string{address},
	})
	output(stack, "ApplianceAddress", address, nil)
	output(stack, "DnsName", name, nil)
	output(stack, "SecurityGroupId", group.AttrGroupId(), nil)
	output(stack, "InterfaceId", network.Ref(), nil)
	output(stack, "MachineId", machine.Ref(), withMachine)

	// There are at least n shares if there are exactly n, or at least n+1.
	var more awscdk.CfnCondition
	conditions := make([]awscdk.CfnCondition, maxShares+1)
	for n := maxShares; n >= 1; n-- {
		exactly := awscdk.Fn_ConditionEquals(slots, jsii.String(fmt.Sprint(n)))
		if more != nil {
			exactly = awscdk.Fn_ConditionOr(exactly, more)
		}
		more = awscdk.NewCfnCondition(stack, jsii.String(fmt.Sprintf("HasShare%02d", n)), &awscdk.CfnConditionProps{Expression: exactly})
		conditions[n] = more
	}
	for n := 1; n <= maxShares; n++ {
		newShareSlot(stack, shareSlotProps{Number: n, Condition: conditions[n], Sides: sides, Host: p, BoundaryArn: boundary, RestoreDays: stage.RestoreDays})
	}
	return stack
}

// newGatewayGroup lets nobody in but the functions, which activate the gateway, and prove that it serves: whom a share
// serves its client list says, and they are on none. Tenants' instances are added when they are assigned a share.
func newGatewayGroup(stack awscdk.Stack, p hostParams) awsec2.CfnSecurityGroup {
	return awsec2.NewCfnSecurityGroup(stack, jsii.String("SecurityGroup"), &awsec2.CfnSecurityGroupProps{
		GroupDescription: jsii.String("Headroom: a gateway"),
		VpcId:            p.Vpc,
		SecurityGroupIngress: []*awsec2.CfnSecurityGroup_IngressProperty{
			fromFunctions(p, activationPort, "Activation"), fromFunctions(p, nfsPort, "Whether it serves"),
		},
	})
}

func fromFunctions(p hostParams, port float64, what string) *awsec2.CfnSecurityGroup_IngressProperty {
	return &awsec2.CfnSecurityGroup_IngressProperty{
		IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(port), ToPort: jsii.Number(port),
		SourceSecurityGroupId: p.ClientGroup, Description: jsii.String(what),
	}
}

type machineProps struct {
	Stage                  Stage
	Host                   hostParams
	Image, Size, Interface *string
}

// newMachine makes the gateway's machine, which can be replaced: nothing but an output and its alarm refer to it,
// and these stand under the same condition. CloudFormation makes a new machine before it ends the old one, which
// has the interface: so a stack is updated to have no machine, and then to have one.
//
// What clients wrote and the gateway has not uploaded yet is on the machine's volumes only, so they
// outlive it and the stack.
func newMachine(stack awscdk.Stack, p machineProps) (machine awsec2.CfnInstance, wanted awscdk.CfnCondition) {
	has := parameter(stack, "HasMachine", "Whether there is a machine: not while it is replaced", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String("true")
		p.AllowedValues = jsii.Strings("true", "false")
	})
	// Not HasMachine too: a template's names are unique among all of them.
	wanted = awscdk.NewCfnCondition(stack, jsii.String("WithMachine"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionEquals(has, jsii.String("true")),
	})
	machine = awsec2.NewCfnInstance(stack, jsii.String("Machine"), &awsec2.CfnInstanceProps{
		ImageId:      p.Image,
		InstanceType: p.Size,
		NetworkInterfaces: []*awsec2.CfnInstance_NetworkInterfaceProperty{{
			DeviceIndex: jsii.String("0"), NetworkInterfaceId: p.Interface,
		}},
		EbsOptimized: jsii.Bool(true),
		MetadataOptions: &awsec2.CfnInstance_MetadataOptionsProperty{
			HttpTokens: jsii.String("required"), HttpPutResponseHopLimit: jsii.Number(1),
		},
		// The root disk is no resource of the stack: it gets these tags, not the stack's, and outlives
		// the stack in any case. By them an operator who cleans up knows whose it was.
		PropagateTagsToVolumeOnCreation: jsii.Bool(true),
		BlockDeviceMappings: []*awsec2.CfnInstance_BlockDeviceMappingProperty{{
			DeviceName: jsii.String("/dev/xvda"),
			Ebs: &awsec2.CfnInstance_EbsProperty{
				VolumeSize: jsii.Number(p.Stage.Shares.RootGiB), VolumeType: jsii.String("gp3"),
				Encrypted: jsii.Bool(true), KmsKeyId: p.Host.KeyArn, DeleteOnTermination: jsii.Bool(false),
			},
		}},
		Tags: &[]*awscdk.CfnTag{
			{Key: jsii.String("Name"), Value: awscdk.Fn_Sub(jsii.String("headroom-${Stage}-${HostId}"), nil)},
			{Key: jsii.String("headroom:stage"), Value: p.Host.Stage},
			{Key: jsii.String("headroom:host"), Value: p.Host.HostID},
			{Key: jsii.String("headroom:order"), Value: p.Host.Mark},
		},
	})
	machine.CfnOptions().SetCondition(wanted)
	suppress(machine, "AwsSolutions-EC28", "The gateway's own metrics (cache, I/O wait, health) say more than the machine's by the minute.")
	suppress(machine, "AwsSolutions-EC29", "Its stack has to be able to delete it; what must not be lost is on volumes that are kept.")
	return machine, wanted
}

// keepOnceCreated keeps resources when their stack is deleted, unless the stack never came to be.
func keepOnceCreated(resources ...awscdk.CfnResource) {
	for _, r := range resources {
		r.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, nil)
	}
}
