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

// ports are what an NFS client needs: NFS, portmapper and mount
// (Storage Gateway User Guide, "Port requirements").
var ports = []int32{2049, 111, 20048}

type client interface {
	AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, opts ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
	RevokeSecurityGroupIngress(ctx context.Context, in *ec2.RevokeSecurityGroupIngressInput, opts ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
}

// Groups is EC2's security groups.
type Groups struct{ Client client }

// Admit lets one IPv4 address in to the NFS ports of a group. An address that is in already is no
// error.
func (g *Groups) Admit(ctx context.Context, groupID, address, description string) error {
	rules, err := rulesFor(address, description)
	if err != nil {
		return fmt.Errorf("admit to %s: %w", groupID, err)
	}
	err = g.authorize(ctx, groupID, rules)
	if awsclient.Code(err) != "InvalidPermission.Duplicate" {
		return err
	}
	// One duplicate refuses the whole request, the rules that are missing too: so one by one.
	for _, rule := range rules {
		err := g.authorize(ctx, groupID, []types.IpPermission{rule})
		if err != nil && awsclient.Code(err) != "InvalidPermission.Duplicate" {
			return err
		}
	}
	return nil
}

// Evict undoes Admit. An address that is not in is no error.
func (g *Groups) Evict(ctx context.Context, groupID, address string) error {
	rules, err := rulesFor(address, "")
	if err != nil {
		return fmt.Errorf("evict from %s: %w", groupID, err)
	}
	for _, rule := range rules {
		_, err := g.Client.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
			GroupId: &groupID, IpPermissions: []types.IpPermission{rule},
		})
		if err != nil && awsclient.Code(err) != "InvalidPermission.NotFound" {
			return fmt.Errorf("evict %s from %s: %w", address, groupID, err)
		}
	}
	return nil
}

func (g *Groups) authorize(ctx context.Context, groupID string, rules []types.IpPermission) error {
	_, err := g.Client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &groupID, IpPermissions: rules,
	})
	if err != nil {
		return fmt.Errorf("admit to %s: %w", groupID, err)
	}
	return nil
}

func rulesFor(address, description string) ([]types.IpPermission, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() {
		return nil, fmt.Errorf("%q is no IPv4 unicast address", address)
	}
	source := types.IpRange{CidrIp: aws.String(a.String() + "/32")}
	if description != "" {
		source.Description = &description
	}
	var rules []types.IpPermission
	for _, port := range ports {
		rules = append(rules, types.IpPermission{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(port), ToPort: aws.Int32(port),
			IpRanges: []types.IpRange{source},
		})
	}
	return rules, nil
}
