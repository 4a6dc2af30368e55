// Package firewalltest is an in-memory EC2 that keeps the ingress rules of security groups.
package firewalltest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// rulesMax is how many rules a group takes unless its quota is raised.
const rulesMax = 60

// Groups holds security groups.
type Groups struct {
	mu     sync.Mutex
	groups map[string]map[string]bool
}

// New holds empty groups with these IDs.
func New(ids ...string) *Groups {
	g := &Groups{groups: map[string]map[string]bool{}}
	for _, id := range ids {
		g.groups[id] = map[string]bool{}
	}
	return g
}

// Rules lists a group's rules, such as "tcp 2049-2049 10.0.0.1/32", sorted.
func (g *Groups) Rules(id string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.groups[id]))
}

func (g *Groups) keys(id *string, permissions []types.IpPermission) (map[string]bool, []string, error) {
	rules, ok := g.groups[aws.ToString(id)]
	if !ok {
		return nil, nil, &smithy.GenericAPIError{Code: "InvalidGroup.NotFound", Message: "The security group does not exist"}
	}
	var keys []string
	for _, p := range permissions {
		for _, r := range p.IpRanges {
			network, err := netip.ParsePrefix(aws.ToString(r.CidrIp))
			if err != nil {
				return nil, nil, &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: fmt.Sprintf("CIDR block %s is malformed", aws.ToString(r.CidrIp))}
			}
			if r := constraint.RuleDescription(aws.ToString(r.Description)); r != nil {
				return nil, nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
			}
			keys = append(keys, fmt.Sprintf("%s %d-%d %s", aws.ToString(p.IpProtocol), aws.ToInt32(p.FromPort), aws.ToInt32(p.ToPort), network.Masked()))
		}
	}
	return rules, keys, nil
}

// AuthorizeSecurityGroupIngress is EC2's: one rule that is there already refuses all of them.
func (g *Groups) AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rules, keys, err := g.keys(in.GroupId, in.IpPermissions)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if rules[key] {
			return nil, &smithy.GenericAPIError{Code: "InvalidPermission.Duplicate", Message: "the specified rule already exists"}
		}
	}
	if len(rules)+len(keys) > rulesMax {
		return nil, &smithy.GenericAPIError{Code: "RulesPerSecurityGroupLimitExceeded", Message: "The maximum number of rules per security group has been reached."}
	}
	for _, key := range keys {
		rules[key] = true
	}
	return &ec2.AuthorizeSecurityGroupIngressOutput{Return: aws.Bool(true)}, nil
}

// RevokeSecurityGroupIngress is EC2's: one rule that is not there refuses all of them.
func (g *Groups) RevokeSecurityGroupIngress(ctx context.Context, in *ec2.RevokeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rules, keys, err := g.keys(in.GroupId, in.IpPermissions)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !rules[key] {
			return nil, &smithy.GenericAPIError{Code: "InvalidPermission.NotFound", Message: "The specified rule does not exist"}
		}
	}
	for _, key := range keys {
		delete(rules, key)
	}
	return &ec2.RevokeSecurityGroupIngressOutput{Return: aws.Bool(true)}, nil
}

// Add makes an empty group.
func (g *Groups) Add(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.groups[id] = map[string]bool{}
}
