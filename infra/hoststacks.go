package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// HostStacks is what the control plane needs to create stacks of hosts while it runs.
type HostStacks struct {
	Database, Share HostTemplate
	Role            awsiam.Role // with which CloudFormation makes them
}

// HostTemplate is the template of one kind of host, with the parameters that are the same for all of
// them. The others (HostId, Tier, Slots and the like) come with the order.
type HostTemplate struct {
	Asset      awss3assets.Asset
	Parameters map[string]*string
	Zones      []hostZone // that its hosts are spread over; none: AWS chooses
}

// hostZone is a zone and the hosts' subnet there, as the pool check reads them.
type hostZone struct{ Zone, Subnet *string }

// HostStacksProps is what hosts are made with and where.
type HostStacksProps struct {
	Stage                           Stage
	Keys                            Keys
	Network                         *Network
	InstanceNetworks                *string // comma-separated CIDRs in which customers' instances may live
	ImageOwner                      *string // of gateways' images, as EC2 names it
	DatabaseTemplate, ShareTemplate string  // files
}

// NewHostStacks uploads the templates, and makes the role and the boundary for what they make.
func NewHostStacks(scope constructs.Construct, id string, p HostStacksProps) HostStacks {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	asset := func(id, file string) awss3assets.Asset {
		return awss3assets.NewAsset(scope, jsii.String(id), &awss3assets.AssetProps{Path: jsii.String(file)})
	}
	boundary := newShareRoleBoundary(scope, p)
	subnets := *p.Network.Vpc.IsolatedSubnets()
	subnetIDs := make([]*string, len(subnets))
	zones := make([]hostZone, len(subnets))
	for i, s := range subnets {
		subnetIDs[i] = s.SubnetId()
		zones[i] = hostZone{Zone: s.AvailabilityZone(), Subnet: s.SubnetId()}
	}
	databaseZones := zones
	if p.Stage.Databases.MultiZone {
		databaseZones = nil // RDS chooses two
	}
	common := func(more map[string]*string) map[string]*string {
		more["Stage"] = jsii.String(p.Stage.Name)
		more["VpcId"] = p.Network.Vpc.VpcId()
		more["KeyArn"] = p.Keys.Hosts.KeyArn()
		more["ClientSecurityGroupId"] = p.Network.Functions.SecurityGroupId()
		return more
	}
	return HostStacks{
		Database: HostTemplate{
			Asset: asset("DatabaseTemplate", p.DatabaseTemplate),
			Parameters: common(map[string]*string{
				"SubnetIds":        awscdk.Fn_Join(jsii.String(","), &subnetIDs),
				"InstanceNetworks": p.InstanceNetworks,
				// It dumps databases itself; into shares it is let by its address, task by task.
				"ArchivistSecurityGroupId": p.Network.Archivist.SecurityGroupId(),
			}),
			Zones: databaseZones,
		},
		Share: HostTemplate{
			Asset: asset("ShareTemplate", p.ShareTemplate),
			Parameters: common(map[string]*string{
				"ZoneId":      p.Network.Zone.Ref(),
				"ZoneName":    jsii.String(p.Network.ZoneName),
				"BoundaryArn": boundary.ManagedPolicyArn(),
			}),
			Zones: zones,
		},
		Role: newStackRole(scope, p, boundary),
	}
}

// parametersJSON is the JSON object of a template's fixed parameters.
func (t HostTemplate) parametersJSON(stack awscdk.Stack) *string {
	return stack.ToJsonString(t.Parameters, nil)
}

// zonesJSON is the JSON list of a template's zones.
func (t HostTemplate) zonesJSON(stack awscdk.Stack) *string {
	list := make([]map[string]*string, len(t.Zones)) // not nil: an empty list is "[]"
	for i, z := range t.Zones {
		list[i] = map[string]*string{"zone": z.Zone, "subnet": z.Subnet}
	}
	return stack.ToJsonString(list, nil)
}

// shareRolePath is the path of the roles with which gateways reach buckets, one a share. Whoever
// passes roles to gateways passes only these.
func shareRolePath(stage string) string { return "/headroom/" + stage + "/share/" }

// bucketPattern is how CloudFormation names the buckets of a stage's share hosts: by their stacks.
func bucketPattern(stage string) string {
	return "arn:" + *awscdk.Aws_PARTITION() + ":s3:::headroom-" + stage + "-share-*"
}

// newShareRoleBoundary is the most that a role made by a host's stack can ever do: whoever gets hold
// of the stacks' role can't make itself a mightier one.
func newShareRoleBoundary(scope constructs.Construct, p HostStacksProps) awsiam.ManagedPolicy {
	buckets := bucketPattern(p.Stage.Name)
	boundary := awsiam.NewManagedPolicy(scope, jsii.String("ShareRoleBoundary"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Headroom: the most that roles of shares can do"),
		Statements: statements(append([]Grant{
			{Actions: shareBucketActions, Resources: jsiiStrings(buckets)},
			{Actions: shareObjectActions, Resources: jsiiStrings(buckets + "/*")},
		}, shareKeyGrants(p.Keys.Hosts.KeyArn())...)...),
	})
	suppress(boundary, "AwsSolutions-IAM5",
		"A boundary grants nothing. It names all buckets of this stage's share hosts; each role's own policy names its one bucket.")
	return boundary
}

func jsiiStrings(s ...string) []*string { return *jsii.Strings(s...) }
