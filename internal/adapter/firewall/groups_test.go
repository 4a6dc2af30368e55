package firewall_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/firewall/firewalltest"
)

// admitted is all that an address costs of a group's 60 rules.
var admitted = []string{"tcp 2049-2049 10.0.0.7/32"}

func TestAnAddressIsAdmittedAndEvicted(t *testing.T) {
	tests := []struct {
		name   string
		before []int32 // ports that the address may reach already
	}{
		{"a new address", nil},
		{"an address that is in already", []int32{2049}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := firewalltest.New("sg-1")
			for _, port := range test.before {
				_, err := fake.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
					GroupId: aws.String("sg-1"),
					IpPermissions: []types.IpPermission{{
						IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
						IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.7/32")}},
					}},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			g := &firewall.Groups{Client: fake}
			if err := g.Admit(t.Context(), "sg-1", "10.0.0.7", "tenant a"); err != nil {
				t.Fatal(err)
			}
			if got := fake.Rules("sg-1"); !slices.Equal(got, admitted) {
				t.Errorf("rules %v", got)
			}
			for range 2 {
				if err := g.Evict(t.Context(), "sg-1", "10.0.0.7"); err != nil {
					t.Fatal(err)
				}
			}
			if got := fake.Rules("sg-1"); len(got) != 0 {
				t.Errorf("rules %v", got)
			}
		})
	}
}

func TestOnlyOneUnicastAddressIsAdmitted(t *testing.T) {
	for _, address := range []string{"", "0.0.0.0", "10.0.0.0/8", "224.0.0.1", "::1", "host"} {
		fake := firewalltest.New("sg-1")
		if err := (&firewall.Groups{Client: fake}).Admit(t.Context(), "sg-1", address, "x"); err == nil || len(fake.Rules("sg-1")) != 0 {
			t.Errorf("%q was admitted", address)
		}
	}
}

func TestAMissingGroupIsAnError(t *testing.T) {
	if err := (&firewall.Groups{Client: firewalltest.New()}).Admit(t.Context(), "sg-1", "10.0.0.7", "x"); err == nil {
		t.Error("no error")
	}
}
