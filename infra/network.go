package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// gatewayPorts are what a gateway's machine needs to reach at Storage Gateway's interface endpoint.
var gatewayPorts = []float64{443, 1026, 1027, 1028, 1031, 2222}

// Network is where hosts live, and the functions that must reach them.
type Network struct {
	Vpc       awsec2.Vpc
	Subnets   *awsec2.SubnetSelection // without any route out of AWS
	Functions awsec2.SecurityGroup    // of the functions in the VPC
	Archivist awsec2.SecurityGroup    // of the tasks that archive, or restore
	Prober    awsec2.SecurityGroup    // of the tasks that look into shares of hosts in repair
	Restored  awsec2.SecurityGroup    // of temporary instances of the past
	Zone      awsroute53.CfnHostedZone
	ZoneName  string // private, one name a share host

	// GatewayEndpoint is the DNS name by which gateways reach Storage Gateway from inside the VPC:
	// they have no other way to it, so they are activated with it.
	GatewayEndpoint *string
}

func (n *Network) vpcARN() *string { return arn("ec2", "vpc/"+*n.Vpc.VpcId()) }

// subnetARNs are the subnets in which hosts live.
func (n *Network) subnetARNs() []*string {
	var arns []*string
	for _, s := range *n.Vpc.IsolatedSubnets() {
		arns = append(arns, arn("ec2", "subnet/"+*s.SubnetId()))
	}
	return arns
}

// subnetIDs are the subnets in which hosts live, and tasks.
func (n *Network) subnetIDs() *[]*string {
	var ids []*string
	for _, s := range *n.Vpc.IsolatedSubnets() {
		ids = append(ids, s.SubnetId())
	}
	return &ids
}

// subnetNetworks are the CIDRs of the subnets in which hosts live.
func (n *Network) subnetNetworks() []string {
	var cidrs []string
	for _, s := range *n.Vpc.IsolatedSubnets() {
		cidrs = append(cidrs, *s.Ipv4CidrBlock())
	}
	return cidrs
}

// NetworkProps says how large the network is.
type NetworkProps struct {
	Stage          Stage
	ActivationPort *float64 // on which gateways give their activation key
}

// NewNetwork makes a VPC without internet, and the endpoints that its functions and gateways need.
func NewNetwork(scope constructs.Construct, id string, p NetworkProps) *Network {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	isolated := &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	vpc := awsec2.NewVpc(scope, jsii.String("Vpc"), &awsec2.VpcProps{
		IpAddresses: awsec2.IpAddresses_Cidr(jsii.String(p.Stage.NetworkCIDR)),
		MaxAzs:      jsii.Number(p.Stage.Zones),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{
			Name: jsii.String("Hosts"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED, CidrMask: jsii.Number(20),
		}},
		GatewayEndpoints: &map[string]*awsec2.GatewayVpcEndpointOptions{
			"S3":       {Service: awsec2.GatewayVpcEndpointAwsService_S3()},
			"DynamoDb": {Service: awsec2.GatewayVpcEndpointAwsService_DYNAMODB()},
		},
		// Emptying the default group would take a custom resource; nothing is ever put into it.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	})
	n := &Network{
		Vpc:       vpc,
		Subnets:   isolated,
		Functions: newFunctionGroup(scope, vpc, p),
		Archivist: newArchivistGroup(scope, vpc, p),
		Prober:    newProberGroup(scope, vpc, p),
		ZoneName:  "headroom-" + p.Stage.Name + ".internal",
	}
	n.Restored = newRestoredGroup(scope, n)
	n.Zone = awsroute53.NewCfnHostedZone(scope, jsii.String("Zone"), &awsroute53.CfnHostedZoneProps{
		Name: jsii.String(n.ZoneName),
		Vpcs: []*awsroute53.CfnHostedZone_VPCProperty{{VpcId: vpc.VpcId(), VpcRegion: awscdk.Aws_REGION()}},
	})
	n.addEndpoints(scope, p.Stage)
	logRefusals(scope, vpc, p.Stage)
	return n
}

// newFunctionGroup lets the functions reach AWS, databases, and gateways: their activation pages, and whether they serve.
func newFunctionGroup(scope constructs.Construct, vpc awsec2.Vpc, p NetworkProps) awsec2.SecurityGroup {
	group := newGroup(scope, "Functions", vpc, "Headroom: functions in the VPC")
	inside := awsec2.Peer_Ipv4(jsii.String(p.Stage.NetworkCIDR))
	allow := func(to awsec2.IPeer, port *float64, what string) {
		group.AddEgressRule(to, awsec2.Port_Tcp(port), jsii.String(what), nil)
	}
	// The subnets have no route but to endpoints, so "anywhere" is AWS, in the same region.
	allow(awsec2.Peer_AnyIpv4(), jsii.Number(443), "AWS, by endpoints")
	allow(inside, jsii.Number(postgresPort), "Databases")
	allow(inside, p.ActivationPort, "Activation of gateways")
	allow(inside, jsii.Number(nfsPort), "Whether gateways serve")
	return group
}

// newArchivistGroup lets the tasks that archive reach AWS, databases, and shares that they are let into.
func newArchivistGroup(scope constructs.Construct, vpc awsec2.Vpc, p NetworkProps) awsec2.SecurityGroup {
	group := newGroup(scope, "Archivist", vpc, "Headroom: tasks that archive")
	inside := awsec2.Peer_Ipv4(jsii.String(p.Stage.NetworkCIDR))
	group.AddEgressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(443)), jsii.String("AWS, by endpoints"), nil)
	group.AddEgressRule(inside, awsec2.Port_Tcp(jsii.Number(postgresPort)), jsii.String("Databases"), nil)
	group.AddEgressRule(inside, awsec2.Port_Tcp(jsii.Number(nfsPort)), jsii.String("Shares"), nil)
	return group
}

// newProberGroup lets the tasks that look into shares reach AWS, and shares that they are let into.
func newProberGroup(scope constructs.Construct, vpc awsec2.Vpc, p NetworkProps) awsec2.SecurityGroup {
	group := newGroup(scope, "Prober", vpc, "Headroom: tasks that look into shares")
	inside := awsec2.Peer_Ipv4(jsii.String(p.Stage.NetworkCIDR))
	group.AddEgressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(443)), jsii.String("AWS, by endpoints"), nil)
	group.AddEgressRule(inside, awsec2.Port_Tcp(jsii.Number(nfsPort)), jsii.String("Shares"), nil)
	return group
}

// newRestoredGroup lets temporary instances, which hold what all tenants of a host had, be reached by the functions and by
// the tasks that copy from them, and by nobody's instances; they reach nobody.
func newRestoredGroup(scope constructs.Construct, n *Network) awsec2.SecurityGroup {
	group := newGroup(scope, "Restored", n.Vpc, "Headroom: temporary instances of the past")
	group.AddIngressRule(n.Functions, awsec2.Port_Tcp(jsii.Number(postgresPort)), jsii.String("Who lets tasks in"), nil)
	group.AddIngressRule(n.Archivist, awsec2.Port_Tcp(jsii.Number(postgresPort)), jsii.String("Tasks that copy"), nil)
	return group
}

func newGroup(scope constructs.Construct, id string, vpc awsec2.Vpc, description string) awsec2.SecurityGroup {
	return awsec2.NewSecurityGroup(scope, jsii.String(id), &awsec2.SecurityGroupProps{
		Vpc: vpc, Description: jsii.String(description), AllowAllOutbound: jsii.Bool(false),
	})
}

// addEndpoints makes the interface endpoints of the services that the functions in the VPC call, and that tasks
// need: their images, their logs, and the role of their jobs. What S3, DynamoDB and KMS are to them comes by gateway endpoints, or by
// the services that they call.
func (n *Network) addEndpoints(scope constructs.Construct, stage Stage) {
	fromFunctions := newGroup(scope, "Endpoints", n.Vpc, "Headroom: endpoints for functions")
	fromFunctions.AddIngressRule(n.Functions, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("Functions"), nil)
	fromFunctions.AddIngressRule(n.Archivist, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("Tasks"), nil)
	fromFunctions.AddIngressRule(n.Prober, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("Tasks that look into shares"), nil)
	fromGateways := newGroup(scope, "GatewayEndpoint", n.Vpc, "Headroom: endpoint of Storage Gateway for functions and gateways")
	for _, port := range gatewayPorts {
		fromGateways.AddIngressRule(awsec2.Peer_Ipv4(jsii.String(stage.NetworkCIDR)), awsec2.Port_Tcp(jsii.Number(port)),
			jsii.String("Functions and gateways"), nil)
	}

	subnets := (*n.Vpc.IsolatedSubnets())[:stage.EndpointZones]
	endpoint := func(id string, service awsec2.IInterfaceVpcEndpointService, group awsec2.SecurityGroup) awsec2.InterfaceVpcEndpoint {
		return awsec2.NewInterfaceVpcEndpoint(scope, jsii.String(id), &awsec2.InterfaceVpcEndpointProps{
			Vpc: n.Vpc, Service: service, Open: jsii.Bool(false),
			SecurityGroups: &[]awsec2.ISecurityGroup{group},
			Subnets:        &awsec2.SubnetSelection{Subnets: &subnets},
		})
	}
	endpoint("SecretsManager", awsec2.InterfaceVpcEndpointAwsService_SECRETS_MANAGER(), fromFunctions)
	endpoint("Sqs", awsec2.InterfaceVpcEndpointAwsService_SQS(), fromFunctions)
	endpoint("Sns", awsec2.InterfaceVpcEndpointAwsService_SNS(), fromFunctions)
	endpoint("Events", awsec2.InterfaceVpcEndpointAwsService_EVENTBRIDGE(), fromFunctions)
	endpoint("Ec2", awsec2.InterfaceVpcEndpointAwsService_EC2(), fromFunctions)
	endpoint("Ssm", awsec2.InterfaceVpcEndpointAwsService_SSM(), fromFunctions)
	endpoint("CloudFormation", awsec2.InterfaceVpcEndpointAwsService_CLOUDFORMATION(), fromFunctions)
	endpoint("Ecs", awsec2.InterfaceVpcEndpointAwsService_ECS(), fromFunctions)
	endpoint("EcrApi", awsec2.InterfaceVpcEndpointAwsService_ECR(), fromFunctions)
	endpoint("EcrDocker", awsec2.InterfaceVpcEndpointAwsService_ECR_DOCKER(), fromFunctions)
	endpoint("Sts", awsec2.InterfaceVpcEndpointAwsService_STS(), fromFunctions)
	endpoint("Rds", awsec2.InterfaceVpcEndpointAwsService_RDS(), fromFunctions)
	endpoint("Monitoring", awsec2.InterfaceVpcEndpointAwsService_CLOUDWATCH_MONITORING(), fromFunctions)
	endpoint("Logs", awsec2.InterfaceVpcEndpointAwsService_CLOUDWATCH_LOGS(), fromFunctions)
	gateway := endpoint("StorageGateway", awsec2.InterfaceVpcEndpointAwsService_STORAGE_GATEWAY(), fromGateways)

	// An entry reads "<hosted zone id>:<name>", the regional name first.
	first := awscdk.Fn_Select(jsii.Number(0), gateway.VpcEndpointDnsEntries())
	n.GatewayEndpoint = awscdk.Fn_Select(jsii.Number(1), awscdk.Fn_Split(jsii.String(":"), first, nil))
}

// logRefusals keeps a record of what the network refused: who tried to reach whose host.
func logRefusals(scope constructs.Construct, vpc awsec2.Vpc, stage Stage) {
	logs := awslogs.NewLogGroup(scope, jsii.String("RefusedLogs"), &awslogs.LogGroupProps{
		Retention: stage.LogRetention, RemovalPolicy: stage.LogRemoval,
	})
	role := awsiam.NewRole(scope, jsii.String("RefusedLogsRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("vpc-flow-logs.amazonaws.com"), nil),
	})
	awsec2.NewFlowLog(scope, jsii.String("Refused"), &awsec2.FlowLogProps{
		ResourceType: awsec2.FlowLogResourceType_FromVpc(vpc),
		TrafficType:  awsec2.FlowLogTrafficType_REJECT,
		Destination:  awsec2.FlowLogDestination_ToCloudWatchLogs(logs, role),
	})
}
