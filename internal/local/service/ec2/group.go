package ec2

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// rulesPerGroup is the default quota of inbound rules in one security group.
const rulesPerGroup = 60

// group is a security group.
type group struct {
	id, name, description, vpc string
	tags                       map[string]string
	rules                      []rule
	revoked                    []rule // still in force until their time has come
}

// rule is one security group rule: one source each, as EC2 keeps them.
type rule struct {
	id          string
	egress      bool
	protocol    string // "tcp", "udp", "icmp" or "-1" for all
	from, to    int
	peer        peer
	description string
	tags        map[string]string
	inForce     time.Time // from when on; for a revoked rule, until when
}

// peer is where a rule lets traffic from or to: a network or another group.
type peer struct {
	network netip.Prefix
	group   string
}

func (p peer) String() string {
	if p.group != "" {
		return p.group
	}
	return p.network.String()
}

// same reports whether two rules let the same traffic through: EC2 keeps no two such rules.
func (r rule) same(other rule) bool {
	return r.egress == other.egress && r.protocol == other.protocol &&
		r.from == other.from && r.to == other.to && r.peer == other.peer
}

// describe words a rule as EC2 does in its errors.
func (r rule) describe() string {
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW",
		r.peer, strings.ToUpper(r.protocol), r.from, r.to)
}

// covers reports whether a rule is about a TCP port.
func (r rule) covers(port int) bool {
	return !r.egress && (r.protocol == "-1" || r.protocol == "tcp" && r.from <= port && port <= r.to)
}

// permission is an IpPermission, as the API and templates write it.
type permission struct {
	IPProtocol weakjson.Text `json:"IpProtocol"`
	FromPort   weakjson.Int  `json:"FromPort"`
	ToPort     weakjson.Int  `json:"ToPort"`
	IPRanges   []struct {
		CidrIP      string `json:"CidrIp"`
		Description string `json:"Description"`
	} `json:"IpRanges"`
	IPv6Ranges []struct {
		CidrIPv6    string `json:"CidrIpv6"`
		Description string `json:"Description"`
	} `json:"Ipv6Ranges"`
	Groups []struct {
		GroupID     string `json:"GroupId"`
		Description string `json:"Description"`
	} `json:"Groups"`
}

// rules breaks a permission into its rules, one a source.
func (p permission) rules(egress bool) ([]rule, error) {
	base := rule{egress: egress, from: int(p.FromPort), to: int(p.ToPort)}
	protocol, err := protocolName(string(p.IPProtocol))
	if err != nil {
		return nil, err
	}
	if base.protocol = protocol; protocol == "-1" {
		base.from, base.to = -1, -1
	}
	var rules []rule
	add := func(to peer, description string) {
		r := base
		r.id, r.peer, r.description = newID("sgr"), to, description
		rules = append(rules, r)
	}
	for _, source := range p.IPRanges {
		network, err := parseNetwork(source.CidrIP)
		if err != nil {
			return nil, err
		}
		add(peer{network: network}, source.Description)
	}
	for _, source := range p.IPv6Ranges {
		network, err := parseNetwork(source.CidrIPv6)
		if err != nil {
			return nil, err
		}
		add(peer{network: network}, source.Description)
	}
	for _, source := range p.Groups {
		add(peer{group: source.GroupID}, source.Description)
	}
	if len(rules) == 0 {
		return nil, &endpoint.Error{Code: "InvalidRequest", Message: "The request received was invalid: a rule needs a source"}
	}
	return rules, nil
}

// protocolName reads a protocol's name or number.
func protocolName(written string) (string, error) {
	switch name := strings.ToLower(written); name {
	case "tcp", "6":
		return "tcp", nil
	case "udp", "17":
		return "udp", nil
	case "icmp", "1":
		return "icmp", nil
	case "-1", "all":
		return "-1", nil
	default:
		if number, err := strconv.Atoi(name); err == nil && number >= 0 && number < 256 {
			return name, nil
		}
		return "", &endpoint.Error{
			Code:    "InvalidParameterValue",
			Message: fmt.Sprintf("Invalid value '%s' for IP protocol. Unknown protocol.", written),
		}
	}
}

// parseNetwork reads a CIDR block; host bits are cleared, as EC2 does.
func parseNetwork(written string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(written)
	if err != nil {
		return netip.Prefix{}, &endpoint.Error{
			Code:    "InvalidParameterValue",
			Message: fmt.Sprintf("CIDR block %s is malformed", written),
		}
	}
	return network.Masked(), nil
}

// authorize adds rules, all or none.
func (g *group) authorize(rules []rule, inForce time.Time) ([]rule, error) {
	kept := slices.Clone(g.rules)
	inbound := 0
	for _, r := range kept {
		if !r.egress {
			inbound++
		}
	}
	for i, r := range rules {
		if refused := constraint.RuleDescription(r.description); refused != nil {
			return nil, endpoint.Refused(refused)
		}
		if slices.ContainsFunc(kept, r.same) {
			return nil, &endpoint.Error{
				Code:    "InvalidPermission.Duplicate",
				Message: fmt.Sprintf("the specified rule %q already exists", r.describe()),
			}
		}
		if !r.egress {
			if inbound++; inbound > rulesPerGroup {
				return nil, &endpoint.Error{
					Code:    "RulesPerSecurityGroupLimitExceeded",
					Message: "The maximum number of rules per security group has been reached.",
				}
			}
		}
		rules[i].inForce = inForce
		kept = append(kept, rules[i])
	}
	g.rules = kept
	return rules, nil
}

// revoke takes rules away, all or none. They stay in force until then.
func (g *group) revoke(rules []rule, until time.Time) error {
	kept := slices.Clone(g.rules)
	var gone []rule
	for _, r := range rules {
		at := slices.IndexFunc(kept, func(other rule) bool { return other.id == r.id || other.same(r) })
		if at < 0 {
			return &endpoint.Error{
				Code:    "InvalidPermission.NotFound",
				Message: "The specified rule does not exist in this security group.",
			}
		}
		if !kept[at].inForce.After(until) {
			taken := kept[at]
			taken.inForce = until
			gone = append(gone, taken)
		}
		kept = slices.Delete(kept, at, at+1)
	}
	g.rules, g.revoked = kept, append(g.revoked, gone...)
	return nil
}

// inForce lists the rules that are enforced at a time, and forgets revoked ones that no longer are.
func (g *group) inForce(now time.Time) []rule {
	g.revoked = slices.DeleteFunc(g.revoked, func(r rule) bool { return !now.Before(r.inForce) })
	rules := slices.Clone(g.revoked)
	for _, r := range g.rules {
		if !now.Before(r.inForce) {
			rules = append(rules, r)
		}
	}
	return rules
}

// sorted returns rules by id: descriptions come in a stable order.
func sorted(rules []rule) []rule {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.id, b.id) })
	return rules
}
