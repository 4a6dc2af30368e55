package resources

import (
	"context"
	"fmt"
	"strings"

	"headroom/internal/local/resource"
)

// inert are the types that nothing runs behind here: they get an id and the attributes that
// templates ask for.
var inert = map[string]func(*Resources, resource.Resource) resource.Created{
	"AWS::CDK::Metadata": func(_ *Resources, r resource.Resource) resource.Created {
		return resource.Created{PhysicalID: r.GeneratedName()}
	},
	"AWS::EC2::FlowLog": func(_ *Resources, r resource.Resource) resource.Created {
		return withID(r, "fl-", "Id")
	},
	"AWS::EC2::RouteTable": func(_ *Resources, r resource.Resource) resource.Created {
		return withID(r, "rtb-", "RouteTableId")
	},
	"AWS::EC2::SubnetRouteTableAssociation": func(_ *Resources, r resource.Resource) resource.Created {
		return withID(r, "rtbassoc-", "Id")
	},
	"AWS::EC2::VPC": func(_ *Resources, r resource.Resource) resource.Created {
		c := withID(r, "vpc-", "VpcId")
		c.Attributes["CidrBlock"] = r.Properties["CidrBlock"]
		c.Attributes["DefaultSecurityGroup"] = idOf(r, "sg-")
		return c
	},
	"AWS::EC2::VPCEndpoint": func(o *Resources, r resource.Resource) resource.Created {
		c := withID(r, "vpce-", "Id")
		service := text(r.Properties, "ServiceName")
		service = service[strings.LastIndex(service, ".")+1:]
		dns := fmt.Sprintf("%s.%s.%s.vpce.amazonaws.com", c.PhysicalID, service, o.Region)
		c.Attributes["DnsEntries"] = []any{idOf(r, "Z") + ":" + dns}
		return c
	},
	"AWS::KMS::Alias": func(_ *Resources, r resource.Resource) resource.Created {
		return resource.Created{PhysicalID: text(r.Properties, "AliasName")}
	},
	"AWS::Route53::HostedZone": func(_ *Resources, r resource.Resource) resource.Created {
		return withID(r, "Z", "Id")
	},
}

func withID(r resource.Resource, prefix, attribute string) resource.Created {
	id := idOf(r, prefix)
	return resource.Created{PhysicalID: id, Attributes: map[string]any{attribute: id}}
}

type inertProvider struct {
	resources *Resources
	make      func(*Resources, resource.Resource) resource.Created
}

// inertSchemas say which properties the inert types keep for life.
var inertSchemas = map[string]resource.Schema{
	"AWS::EC2::FlowLog": {Tagged: true, CreateOnly: []string{
		"DeliverCrossAccountRole", "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination", "LogDestinationType", "LogFormat",
		"LogGroupName", "MaxAggregationInterval", "ResourceId", "ResourceType", "TrafficType",
	}},
	"AWS::EC2::RouteTable":                  {Tagged: true, CreateOnly: []string{"VpcId"}},
	"AWS::EC2::SubnetRouteTableAssociation": {CreateOnly: []string{"RouteTableId", "SubnetId"}},
	"AWS::EC2::VPC":                         {Tagged: true, CreateOnly: []string{"CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"}},
	"AWS::EC2::VPCEndpoint":                 {Tagged: true, CreateOnly: []string{"ServiceName", "VpcEndpointType", "VpcId"}},
	"AWS::KMS::Alias":                       {Name: "AliasName"},
	"AWS::Route53::HostedZone":              {Tagged: true, CreateOnly: []string{"DelegationSetId", "Name"}},
}

// Schema says which properties a resource keeps for life.
func (inertProvider) Schema(resourceType string) resource.Schema { return inertSchemas[resourceType] }

// Update has nothing to do: the id stays.
func (p inertProvider) Update(_ context.Context, _, after resource.Resource) (resource.Created, error) {
	return p.make(p.resources, after), nil
}

// Create gives the resource its id.
func (p inertProvider) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	return p.make(p.resources, r), nil
}

// Delete has nothing to do.
func (inertProvider) Delete(context.Context, resource.Resource) error { return nil }
