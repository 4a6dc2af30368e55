package pool_test

import (
	"net/netip"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestAddressesThatNoInstanceCanHaveAreRefused(t *testing.T) {
	prefixes := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	local := pool.Networks{Instances: prefixes("127.0.0.0/8"), Hosts: prefixes("127.10.0.0/16")}
	stage := pool.Networks{
		Instances: prefixes("10.40.0.0/16", "10.40.64.0/18", "192.168.7.8/31", "192.168.9.1/32", "172.16.0.0/30"),
		Hosts:     prefixes("10.40.0.0/20", "10.40.16.0/20"),
	}
	for _, test := range []struct {
		networks        pool.Networks
		address, reason string // "": it is taken
	}{
		{local, "127.0.0.0", "the address of the network 127.0.0.0/8"},
		{local, "127.255.255.255", "the broadcast address of the network 127.0.0.0/8"},
		{local, "127.10.0.1", "127.10.0.0/16, where gateways and databases live"},
		{local, "127.0.0.1", ""},
		{local, "127.20.0.0", ""},
		{local, "127.255.255.254", ""},
		{local, "128.0.0.1", "none of the networks where instances live: 127.0.0.0/8"},
		{stage, "10.40.0.0", "the address of"},
		{stage, "10.40.255.255", "the broadcast address of"},
		{stage, "10.40.64.0", "the address of the network 10.40.64.0/18"},
		{stage, "10.40.127.255", "the broadcast address of the network 10.40.64.0/18"},
		{stage, "10.40.15.255", "10.40.0.0/20, where"},
		{stage, "10.40.16.3", "10.40.16.0/20, where"},
		{stage, "10.40.32.0", ""},
		{stage, "10.40.128.7", ""},
		{stage, "192.168.7.8", ""},
		{stage, "192.168.7.9", ""},
		{stage, "192.168.9.1", ""},
		{stage, "172.16.0.0", "the address of"},
		{stage, "172.16.0.3", "the broadcast address of"},
		{stage, "172.16.0.1", ""},
		{stage, "10.41.0.1", "10.40.0.0/16, 10.40.64.0/18,"},
	} {
		got := test.networks.Refusal(netip.MustParseAddr(test.address))
		if test.reason == "" && got != "" || !strings.Contains(got, test.reason) {
			t.Errorf("%s: %q, want %q", test.address, got, test.reason)
		}
	}
}
