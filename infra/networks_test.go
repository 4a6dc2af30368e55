package main

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// What lives in the stage's own subnets, its reserved addresses included, is no customer's instance.
func TestNoInstanceLivesAmongTheHosts(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		given, _ := a.control.Parameters["HostNetworks"]["Default"].(string)
		networks := pool.Networks{Instances: []netip.Prefix{netip.MustParsePrefix(a.stage.NetworkCIDR)}}
		for cidr := range strings.SplitSeq(given, ",") {
			networks.Hosts = append(networks.Hosts, netip.MustParsePrefix(cidr))
		}
		subnets := a.control.of("AWS::EC2::Subnet")
		if len(subnets) != len(networks.Hosts) {
			t.Errorf("%d subnets, hosts' networks %s", len(subnets), given)
		}
		for _, id := range slices.Sorted(maps.Keys(subnets)) {
			cidr := netip.MustParsePrefix(subnets[id].Properties["CidrBlock"].(string))
			for address, n := cidr.Addr(), 0; n < 5; address, n = address.Next(), n+1 {
				if networks.Refusal(address) == "" {
					t.Errorf("%s of subnet %s is taken for an instance's", address, cidr)
				}
			}
		}
		if referred(a.variablesOf("signup")["HOST_NETWORKS"]) != "HostNetworks" {
			t.Errorf("signup is told %v", a.variablesOf("signup")["HOST_NETWORKS"])
		}
		// There is room left in the network for instances.
		if why := networks.Refusal(netip.MustParsePrefix(a.stage.NetworkCIDR).Addr().Next()); why == "" {
			t.Error("the first subnet is not the hosts'")
		}
	})
}
