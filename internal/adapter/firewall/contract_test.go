package firewall_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/adapter/firewall/firewalltest"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/resource"
	localec2 "headroom/internal/local/service/ec2"
)

func TestTheFakeKeepsRulesAsEC2Does(t *testing.T) {
	firewalltest.Suite(t, func(*testing.T) firewalltest.World {
		return firewalltest.World{Client: firewalltest.New("sg-1"), Group: "sg-1"}
	})
}

func TestTheLocalCloudKeepsRulesAsEC2Does(t *testing.T) {
	firewalltest.Suite(t, func(t *testing.T) firewalltest.World {
		local := localec2.New(localec2.Config{Account: endpointtest.Account, Region: endpointtest.Region})
		group, err := local.Create(t.Context(), resource.Resource{
			StackID: "stack", StackName: "host", LogicalID: "Group", Type: "AWS::EC2::SecurityGroup",
			Properties: map[string]any{"GroupDescription": "gateway", "VpcId": "vpc-1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return firewalltest.World{Client: ec2.NewFromConfig(endpointtest.Serve(t, local.Service())), Group: group.PhysicalID}
	})
}
