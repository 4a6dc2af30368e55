package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
)

// ErrClients means that a client list is refused.
var ErrClients = errors.New("client list refused")

// clientsMax is Storage Gateway's limit of a client list.
const clientsMax = 100

// reserved is where no host has an address of its own.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

// checkClients is the one check that every client list passes before it is sent, be the share new or
// not: there is at least one entry, and each is a single IPv4 unicast address, as "a.b.c.d" or
// "a.b.c.d/32". What Storage Gateway makes of an empty list is not documented.
func checkClients(clients []string) error {
	if len(clients) == 0 || len(clients) > clientsMax {
		return fmt.Errorf("%w: %d entries, not 1 to %d", ErrClients, len(clients), clientsMax)
	}
	for _, client := range clients {
		prefix, err := parseClient(client)
		if err != nil {
			return fmt.Errorf("%w: %q is neither an IPv4 address nor a network: %w", ErrClients, client, err)
		}
		if !prefix.Addr().Is4() || prefix.Bits() != 32 {
			return fmt.Errorf("%w: %q is not one IPv4 address", ErrClients, client)
		}
		for _, network := range reserved {
			if network.Contains(prefix.Addr()) {
				return fmt.Errorf("%w: %q is in %s, where no host has an address", ErrClients, client, network)
			}
		}
	}
	return nil
}

// sameClients reports whether two lists hold the same clients, in any order and spelling: what was sent as
// "10.40.1.7/32" may be described as "10.40.1.7".
func sameClients(a, b []string) bool { return maps.Equal(clientSet(a), clientSet(b)) }

// clientSet is a list's set of clients as prefixes; what is none stands for itself.
func clientSet(clients []string) map[string]bool {
	set := map[string]bool{}
	for _, client := range clients {
		if prefix, err := parseClient(client); err == nil {
			client = prefix.Masked().String()
		}
		set[client] = true
	}
	return set
}

func parseClient(client string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(client); err == nil {
		return address.Prefix(address.BitLen())
	}
	return netip.ParsePrefix(client)
}
