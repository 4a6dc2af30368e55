package firewalltest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for EC2, with an empty security group.
type World struct {
	Client interface {
		AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
		RevokeSecurityGroupIngress(context.Context, *ec2.RevokeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
	}
	Group string
}

func nfs(description string, sources ...string) []types.IpPermission {
	p := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2049), ToPort: aws.Int32(2049)}
	for _, source := range sources {
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: aws.String(source), Description: &description})
	}
	return []types.IpPermission{p}
}

func (w World) admit(t *testing.T, group, description string, sources ...string) error {
	t.Helper()
	_, err := w.Client.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: nfs(description, sources...),
	})
	return err
}

func (w World) evict(t *testing.T, group string, sources ...string) error {
	t.Helper()
	_, err := w.Client.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: nfs("", sources...)})
	return err
}

// Suite is what EC2 does about the rules of security groups, and what it refuses.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	const a, b = "10.40.1.7/32", "10.40.1.8/32"
	descriptions := []struct {
		name, text string
		taken      bool
	}{
		{"every character", "aZ09. _-:/()#,@[]+=&;{}!$*", true},
		{"as long as may be", strings.Repeat("d", 255), true},
		{"too long", strings.Repeat("d", 256), false},
		{"an apostrophe", "the tenant's", false},
		{"another alphabet", "Gerät", false},
		{"a newline", "a\nb", false},
	}
	for _, test := range descriptions {
		t.Run("a description with "+test.name, func(t *testing.T) {
			w := newWorld(t)
			err := w.admit(t, w.Group, test.text, a)
			if test.taken {
				if err != nil {
					t.Error(err)
				}
				return
			}
			const says = "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
			if awsclient.Code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), says) {
				t.Errorf("got %v", err)
			}
			if err := w.evict(t, w.Group, a); awsclient.Code(err) != "InvalidPermission.NotFound" {
				t.Errorf("the rule is there: %v", err)
			}
		})
	}
	t.Run("rules come and go whole or not at all", func(t *testing.T) {
		w := newWorld(t)
		steps := []struct {
			name string
			err  error
			want string
		}{
			{"one", w.admit(t, w.Group, "x", a), ""},
			{"again, under another description", w.admit(t, w.Group, "y", a), "InvalidPermission.Duplicate"},
			{"with one that is there", w.admit(t, w.Group, "x", b, a), "InvalidPermission.Duplicate"},
			{"what was refused is not there", w.evict(t, w.Group, b), "InvalidPermission.NotFound"},
			{"out with one that is not there", w.evict(t, w.Group, a, b), "InvalidPermission.NotFound"},
			{"out", w.evict(t, w.Group, a), ""},
			{"out again", w.evict(t, w.Group, a), "InvalidPermission.NotFound"},
			{"no CIDR block", w.admit(t, w.Group, "x", "10.40.1.7"), "InvalidParameterValue"},
			{"into no group", w.admit(t, "sg-00000000000000000", "x", a), "InvalidGroup.NotFound"},
			{"out of no group", w.evict(t, "sg-00000000000000000", a), "InvalidGroup.NotFound"},
		}
		for _, step := range steps {
			if got := awsclient.Code(step.err); got != step.want || (step.err != nil) != (step.want != "") {
				t.Errorf("%s: %v, want %q", step.name, step.err, step.want)
			}
		}
	})
	t.Run("a group takes sixty rules", func(t *testing.T) {
		w := newWorld(t)
		for i := range 60 {
			if err := w.admit(t, w.Group, "x", fmt.Sprintf("10.40.2.%d/32", i)); err != nil {
				t.Fatalf("rule %d: %v", i+1, err)
			}
		}
		if err := w.admit(t, w.Group, "x", a); awsclient.Code(err) != "RulesPerSecurityGroupLimitExceeded" {
			t.Errorf("the 61st: %v", err)
		}
	})
}
