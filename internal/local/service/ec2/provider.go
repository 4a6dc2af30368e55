package ec2

import (
	"context"
	"fmt"
	"net/netip"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// Types lists the resource types that Create and Delete know.
func Types() []string {
	return []string{
		"AWS::EC2::Instance",
		"AWS::EC2::LaunchTemplate",
		"AWS::EC2::NetworkInterface",
		"AWS::EC2::SecurityGroup",
		"AWS::EC2::SecurityGroupEgress",
		"AWS::EC2::SecurityGroupIngress",
		"AWS::EC2::Subnet",
		"AWS::EC2::Volume",
	}
}

// Create makes a resource of one of Types.
func (e *EC2) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	switch r.Type {
	case "AWS::EC2::Instance":
		return e.createInstance(ctx, r)
	case "AWS::EC2::LaunchTemplate":
		return launchTemplate(e.idOf(r, "lt"), 1), nil
	case "AWS::EC2::NetworkInterface":
		return e.createInterface(r)
	case "AWS::EC2::SecurityGroup":
		return e.createGroup(r)
	case "AWS::EC2::SecurityGroupIngress":
		return e.createRule(r, false)
	case "AWS::EC2::SecurityGroupEgress":
		return e.createRule(r, true)
	case "AWS::EC2::Subnet":
		return e.createSubnet(r)
	case "AWS::EC2::Volume":
		return e.createVolume(r)
	}
	return resource.Created{}, fmt.Errorf("ec2 has no resource type %s", r.Type)
}

// Delete unmakes a resource of one of Types.
func (e *EC2) Delete(ctx context.Context, r resource.Resource) error {
	switch r.Type {
	case "AWS::EC2::Instance":
		return e.deleteInstance(ctx, r)
	case "AWS::EC2::SecurityGroup":
		return e.deleteGroup(r)
	case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
		return e.deleteRule(r)
	case "AWS::EC2::NetworkInterface":
		return e.deleteFreed(ctx, r.PhysicalID)
	case "AWS::EC2::Volume":
		return e.deleteVolume(r.PhysicalID)
	}
	return nil
}

// idOf is the physical id of a resource: a new one the first time, the same one ever after.
func (e *EC2) idOf(r resource.Resource, prefix string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.idLocked(r, prefix)
}

func (e *EC2) idLocked(r resource.Resource, prefix string) string {
	key := r.Key()
	if e.made[key] == "" {
		e.made[key] = newID(prefix)
	}
	return e.made[key]
}

// templateRule is a rule as templates write it, inline or as its own resource.
type templateRule struct {
	GroupID                    string        `json:"GroupId"`
	IPProtocol                 weakjson.Text `json:"IpProtocol"`
	FromPort                   weakjson.Int  `json:"FromPort"`
	ToPort                     weakjson.Int  `json:"ToPort"`
	CidrIP                     string        `json:"CidrIp"`
	CidrIPv6                   string        `json:"CidrIpv6"`
	SourceSecurityGroupID      string        `json:"SourceSecurityGroupId"`
	DestinationSecurityGroupID string        `json:"DestinationSecurityGroupId"`
	Description                string        `json:"Description"`
}

func (t templateRule) rule(egress bool) (rule, error) {
	protocol, err := protocolName(string(t.IPProtocol))
	if err != nil {
		return rule{}, err
	}
	r := rule{
		id: newID("sgr"), egress: egress, protocol: protocol,
		from: int(t.FromPort), to: int(t.ToPort), description: t.Description,
	}
	if protocol == "-1" {
		r.from, r.to = -1, -1
	}
	switch {
	case t.SourceSecurityGroupID != "":
		r.peer.group = t.SourceSecurityGroupID
	case t.DestinationSecurityGroupID != "":
		r.peer.group = t.DestinationSecurityGroupID
	case t.CidrIPv6 != "":
		r.peer.network, err = parseNetwork(t.CidrIPv6)
	default:
		r.peer.network, err = parseNetwork(t.CidrIP)
	}
	return r, err
}

// groupProperties is the part of AWS::EC2::SecurityGroup that makes a difference here.
type groupProperties struct {
	GroupDescription string         `json:"GroupDescription"`
	GroupName        string         `json:"GroupName"`
	VpcID            string         `json:"VpcId"`
	Ingress          []templateRule `json:"SecurityGroupIngress"`
	Egress           []templateRule `json:"SecurityGroupEgress"`
	Tags             []weakjson.Tag `json:"Tags"`
}

// rules are those that stand in a group's properties.
func (p groupProperties) rules() ([]rule, error) {
	if p.Egress == nil {
		p.Egress = []templateRule{{IPProtocol: "-1", CidrIP: "0.0.0.0/0"}}
	}
	var rules []rule
	for _, list := range []struct {
		written []templateRule
		egress  bool
	}{{p.Ingress, false}, {p.Egress, true}} {
		for _, written := range list.written {
			one, err := written.rule(list.egress)
			if err != nil {
				return nil, err
			}
			rules = append(rules, one)
		}
	}
	return rules, nil
}

func (e *EC2) createGroup(r resource.Resource) (resource.Created, error) {
	var properties groupProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if refused := constraint.GroupDescription(properties.GroupDescription); refused != nil {
		return resource.Created{}, endpoint.Refused(refused)
	}
	rules, err := properties.rules()
	if err != nil {
		return resource.Created{}, err
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.idLocked(r, "sg")
	if e.groups[id] == nil {
		if err := e.mayGroup(); err != nil {
			return resource.Created{}, err
		}
		name := properties.GroupName
		if name == "" {
			name = r.StackName + "-" + r.LogicalID
		}
		g := &group{
			id: id, name: name, description: properties.GroupDescription, vpc: properties.VpcID,
			tags: weakjson.Tags(r.Tags, properties.Tags),
		}
		if _, err := g.authorize(rules, e.cfg.Now().Add(e.cfg.Propagation)); err != nil {
			return resource.Created{}, err
		}
		e.groups[id] = g
	}
	return e.groups[id].created(), nil
}

func (g *group) created() resource.Created {
	return resource.Created{PhysicalID: g.id, Attributes: map[string]any{"GroupId": g.id, "Id": g.id, "VpcId": g.vpc}}
}

func (e *EC2) deleteGroup(r resource.Resource) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.nics {
		for _, id := range n.groups {
			if id == r.PhysicalID {
				return fmt.Errorf("DependencyViolation: resource %s has a dependent object", r.PhysicalID)
			}
		}
	}
	delete(e.groups, r.PhysicalID)
	return nil
}

// createRule makes a rule that is a resource of its own. A rule that is there already is an error
// in a template, as in CloudFormation, unless this resource made it.
func (e *EC2) createRule(r resource.Resource, egress bool) (resource.Created, error) {
	var written templateRule
	if err := weakjson.Decode(r.Properties, &written); err != nil {
		return resource.Created{}, err
	}
	one, err := written.rule(egress)
	if err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.groups[written.GroupID]
	if g == nil {
		return resource.Created{}, noGroup(written.GroupID)
	}
	one.id = e.idLocked(r, "sgr")
	created := resource.Created{PhysicalID: one.id, Attributes: map[string]any{"Id": one.id}}
	for _, there := range g.rules {
		if there.id == one.id {
			return created, nil
		}
	}
	_, err = g.authorize([]rule{one}, e.cfg.Now().Add(e.cfg.Propagation))
	return created, err
}

func (e *EC2) deleteRule(r resource.Resource) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.groups {
		for _, there := range g.rules {
			if there.id == r.PhysicalID {
				return g.revoke([]rule{there}, e.cfg.Now().Add(e.cfg.Propagation))
			}
		}
	}
	return nil
}

// Permits reports whether groups let an address reach a TCP port now.
func (e *EC2) Permits(groups []string, port int, from netip.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	from = from.Unmap()
	for _, id := range groups {
		g := e.groups[id]
		if g == nil {
			continue
		}
		for _, r := range g.inForce(e.cfg.Now()) {
			if !r.covers(port) {
				continue
			}
			if r.peer.network.Contains(from) || r.peer.group != "" && e.memberLocked(r.peer.group, from) {
				return true
			}
		}
	}
	return false
}

// memberLocked reports whether an address belongs to a group. Functions have no interface here: the
// address that they call from counts as a member of each group without any but guests'.
func (e *EC2) memberLocked(group string, address netip.Addr) bool {
	peopled := false
	for _, n := range e.nics {
		for _, id := range n.groups {
			if id == group {
				peopled = peopled || !n.guest
				if n.address == address {
					return true
				}
			}
		}
	}
	return !peopled && address == e.cfg.FunctionAddress
}
