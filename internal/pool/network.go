package pool

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrNetworks means that a text is no list of networks.
var ErrNetworks = errors.New("not a list of CIDRs separated by commas")

// ParseNetworks reads a list of CIDRs that are separated by commas.
func ParseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, cidr := range strings.Split(list, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(cidr))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNetworks, err)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// Networks say where customers' instances may live.
type Networks struct {
	Instances []netip.Prefix // where they may
	Hosts     []netip.Prefix // parts of those in which hosts live, and nothing else does
}

// Refusal is why an address can't be an instance's; "" if it can.
func (n Networks) Refusal(address netip.Addr) string {
	known := false
	for _, network := range n.Instances {
		if !network.Contains(address) {
			continue
		}
		known = true
		first, last := ends(network)
		switch {
		case network.Bits() >= address.BitLen()-1: // of one address or two: all of them are hosts'
		case address == first:
			return fmt.Sprintf("is the address of the network %s, not one in it", network)
		case address == last:
			return fmt.Sprintf("is the broadcast address of the network %s", network)
		}
	}
	if !known {
		return "is in none of the networks where instances live: " + list(n.Instances)
	}
	for _, network := range n.Hosts {
		if network.Contains(address) {
			return fmt.Sprintf("is in the network %s, where gateways and databases live", network)
		}
	}
	return ""
}

// ends are the first and the last address of a network.
func ends(network netip.Prefix) (first, last netip.Addr) {
	first = network.Masked().Addr()
	bytes := first.AsSlice()
	for bit := network.Bits(); bit < first.BitLen(); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ = netip.AddrFromSlice(bytes)
	return first, last
}

func list(networks []netip.Prefix) string {
	texts := make([]string, len(networks))
	for i, network := range networks {
		texts[i] = network.String()
	}
	return strings.Join(texts, ", ")
}
