// Package firewall lets addresses in to the security group of a gateway, and puts them out.
package firewall

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/awsclient"
)

// nfsPort is all that an NFS 4.1 client needs. Portmapper and mount (111, 20048) are for NFSv3, and
// would take three times the rules: a group has room for 60, and a gateway for ten tenants with
// several addresses each.
const nfsPort = 2049

type client interface {
	AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, opts ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
	RevokeSecurityGroupIngress(ctx context.Context, in *ec2.RevokeSecurityGroupIngressInput, opts ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
}

// Groups is EC2's security groups.
type Groups struct{ Client client }

// Admit lets one IPv4 address in to the NFS port of a group. An address that is in already is no
// error.
func (g *Groups) Admit(ctx context.Context, groupID, address, description string) error {
	rule, err := ruleFor(address, description)
	if err != nil {
		return fmt.Errorf("admit to %s: %w", groupID, err)
	}
	_, err = g.Client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &groupID, IpPermissions: []types.IpPermission{rule},
	})
	if err != nil && awsclient.Code(err) != "InvalidPermission.Duplicate" {
		return fmt.Errorf("admit %s to %s: %w", address, groupID, err)
	}
	return nil
}

// Evict undoes Admit. An address that is not in is no error.
func (g *Groups) Evict(ctx context.Context, groupID, address string) error {
	rule, err := ruleFor(address, "")
	if err != nil {
		return fmt.Errorf("evict from %s: %w", groupID, err)
	}
	_, err = g.Client.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
		GroupId: &groupID, IpPermissions: []types.IpPermission{rule},
	})
	if err != nil && awsclient.Code(err) != "InvalidPermission.NotFound" {
		return fmt.Errorf("evict %s from %s: %w", address, groupID, err)
	}
	return nil
}

// ruleFor is the one rule that lets an address in.
func ruleFor(address, description string) (types.IpPermission, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() {
		return types.IpPermission{}, fmt.Errorf("%q is no IPv4 unicast address", address)
	}
	source := types.IpRange{CidrIp: aws.String(a.String() + "/32")}
	if description != "" {
		source.Description = &description
	}
	return types.IpPermission{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(nfsPort), ToPort: aws.Int32(nfsPort),
		IpRanges: []types.IpRange{source},
	}, nil
}
