package ec2

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// ruleChange is the input of AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress, in both
// of their ways of writing: permissions, or one rule's parts beside the group.
type ruleChange struct {
	GroupID           string           `json:"GroupId"`
	IPPermissions     []permission     `json:"IpPermissions"`
	RuleIDs           weakjson.Texts   `json:"SecurityGroupRuleId"`
	IPProtocol        weakjson.Text    `json:"IpProtocol"`
	FromPort          weakjson.Int     `json:"FromPort"`
	ToPort            weakjson.Int     `json:"ToPort"`
	CidrIP            string           `json:"CidrIp"`
	TagSpecifications []tagsOfResource `json:"TagSpecification"`
}

type tagsOfResource struct {
	ResourceType string         `json:"ResourceType"`
	Tags         []weakjson.Tag `json:"Tag"`
}

// rules are the rules that the change is about.
func (c ruleChange) rules() ([]rule, error) {
	permissions := c.IPPermissions
	if c.CidrIP != "" {
		flat := permission{IPProtocol: c.IPProtocol, FromPort: c.FromPort, ToPort: c.ToPort}
		flat.IPRanges = append(flat.IPRanges, struct {
			CidrIP      string `json:"CidrIp"`
			Description string `json:"Description"`
		}{CidrIP: c.CidrIP})
		permissions = append(permissions, flat)
	}
	var tags []weakjson.Tag
	for _, specification := range c.TagSpecifications {
		tags = append(tags, specification.Tags...)
	}
	var rules []rule
	for _, p := range permissions {
		more, err := p.rules(false)
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			r.tags = weakjson.Tags(nil, tags)
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// change decodes a rule change and finds its group; the caller holds the lock.
func (e *EC2) change(call endpoint.Call) (*group, ruleChange, []rule, error) {
	var input ruleChange
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, input, nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	if input.GroupID == "" {
		return nil, input, nil, &endpoint.Error{Code: "MissingParameter", Message: "The request must contain the parameter groupName or groupId"}
	}
	rules, err := input.rules()
	if err != nil {
		return nil, input, nil, err
	}
	if len(rules)+len(input.RuleIDs) == 0 {
		return nil, input, nil, &endpoint.Error{Code: "MissingParameter", Message: "The request must contain the parameter ipPermissions"}
	}
	g, ok := e.groups[input.GroupID]
	if !ok {
		return nil, input, nil, noGroup(input.GroupID)
	}
	return g, input, rules, nil
}

func noGroup(id string) error {
	return &endpoint.Error{Code: "InvalidGroup.NotFound", Message: fmt.Sprintf("The security group '%s' does not exist", id)}
}

func (e *EC2) authorizeIngress(_ context.Context, call endpoint.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, _, rules, err := e.change(call)
	if err != nil {
		return nil, err
	}
	added, err := g.authorize(rules, e.cfg.Now().Add(e.cfg.Propagation))
	if err != nil {
		return nil, err
	}
	return map[string]any{"return": true, "securityGroupRuleSet": e.ruleSet(g, added)}, nil
}

func (e *EC2) revokeIngress(_ context.Context, call endpoint.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, input, rules, err := e.change(call)
	if err != nil {
		return nil, err
	}
	for _, id := range input.RuleIDs {
		rules = append(rules, rule{id: id})
	}
	if err := g.revoke(rules, e.cfg.Now().Add(e.cfg.Propagation)); err != nil {
		return nil, err
	}
	return map[string]any{"return": true}, nil
}

// filter is one filter of a Describe operation: any of its values must match.
type filter struct {
	Name   string         `json:"Name"`
	Values weakjson.Texts `json:"Value"`
}

// describe is the input of the Describe operations.
type describe struct {
	GroupIDs     weakjson.Texts `json:"GroupId"`
	RuleIDs      weakjson.Texts `json:"SecurityGroupRuleId"`
	InstanceIDs  weakjson.Texts `json:"InstanceId"`
	InterfaceIDs weakjson.Texts `json:"NetworkInterfaceId"`
	VolumeIDs    weakjson.Texts `json:"VolumeId"`
	Filters      []filter       `json:"Filter"`
}

func decodeDescribe(call endpoint.Call) (describe, error) {
	var input describe
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	return input, nil
}

// matches reports whether a thing with these values passes the filters. A filter that the thing has
// no values for is one that this fake does not know, or a tag that the thing does not bear.
func matches(filters []filter, values map[string][]string) (bool, error) {
	for _, f := range filters {
		has, known := values[f.Name]
		if !known && !strings.HasPrefix(f.Name, "tag:") {
			return false, &endpoint.Error{Code: "InvalidParameterValue", Message: fmt.Sprintf("The filter '%s' is invalid", f.Name)}
		}
		if !slices.ContainsFunc(f.Values, func(want string) bool {
			return slices.ContainsFunc(has, func(value string) bool { return constraint.FilterMatches(want, value) })
		}) {
			return false, nil
		}
	}
	return true, nil
}

func (e *EC2) describeGroups(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string(input.GroupIDs)
	for _, id := range ids {
		if e.groups[id] == nil {
			return nil, noGroup(id)
		}
	}
	if len(ids) == 0 {
		ids = slices.Sorted(maps.Keys(e.groups))
	}
	found := []any{}
	for _, id := range ids {
		g := e.groups[id]
		values := map[string][]string{
			"group-id": {g.id}, "group-name": {g.name}, "vpc-id": {g.vpc}, "tag-key": slices.Collect(maps.Keys(g.tags)),
		}
		for key, value := range g.tags {
			values["tag:"+key] = []string{value}
		}
		ok, err := matches(input.Filters, values)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, e.groupSet(g))
		}
	}
	return page(call, "securityGroupInfo", found)
}

func (e *EC2) describeRules(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(e.groups)) {
		g := e.groups[id]
		for _, r := range sorted(g.rules) {
			if len(input.RuleIDs) > 0 && !slices.Contains(input.RuleIDs, r.id) {
				continue
			}
			ok, err := matches(input.Filters, map[string][]string{"group-id": {g.id}, "security-group-rule-id": {r.id}})
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, e.ruleSet(g, []rule{r})...)
			}
		}
	}
	return map[string]any{"securityGroupRuleSet": found}, nil
}

// groupSet is a group as DescribeSecurityGroups answers it.
func (e *EC2) groupSet(g *group) map[string]any {
	inbound, outbound := []any{}, []any{}
	for _, r := range sorted(g.rules) {
		if r.egress {
			outbound = append(outbound, r.permission(e.cfg.Account))
		} else {
			inbound = append(inbound, r.permission(e.cfg.Account))
		}
	}
	return map[string]any{
		"ownerId": e.cfg.Account, "groupId": g.id, "groupName": g.name, "groupDescription": g.description,
		"vpcId": g.vpc, "ipPermissions": inbound, "ipPermissionsEgress": outbound, "tagSet": tagSet(g.tags),
	}
}

// permission is a rule as DescribeSecurityGroups answers it.
func (r rule) permission(account string) map[string]any {
	set := map[string]any{"ipProtocol": r.protocol, "ipRanges": []any{}, "ipv6Ranges": []any{}, "groups": []any{}}
	if r.protocol != "-1" {
		set["fromPort"], set["toPort"] = r.from, r.to
	}
	source := map[string]any{}
	if r.description != "" {
		source["description"] = r.description
	}
	switch {
	case r.peer.group != "":
		source["groupId"], source["userId"] = r.peer.group, account
		set["groups"] = []any{source}
	case r.peer.network.Addr().Is4():
		source["cidrIp"] = r.peer.network.String()
		set["ipRanges"] = []any{source}
	default:
		source["cidrIpv6"] = r.peer.network.String()
		set["ipv6Ranges"] = []any{source}
	}
	return set
}

// ruleSet is rules as DescribeSecurityGroupRules answers them.
func (e *EC2) ruleSet(g *group, rules []rule) []any {
	list := []any{}
	for _, r := range rules {
		item := map[string]any{
			"securityGroupRuleId": r.id, "groupId": g.id, "groupOwnerId": e.cfg.Account, "isEgress": r.egress,
			"ipProtocol": r.protocol, "fromPort": r.from, "toPort": r.to, "tagSet": tagSet(r.tags),
			"securityGroupRuleArn": fmt.Sprintf("arn:aws:ec2:%s:%s:security-group-rule/%s", e.cfg.Region, e.cfg.Account, r.id),
		}
		switch {
		case r.peer.group != "":
			item["referencedGroupInfo"] = map[string]any{"groupId": r.peer.group, "userId": e.cfg.Account}
		case r.peer.network.Addr().Is4():
			item["cidrIpv4"] = r.peer.network.String()
		default:
			item["cidrIpv6"] = r.peer.network.String()
		}
		if r.description != "" {
			item["description"] = r.description
		}
		list = append(list, item)
	}
	return list
}

func tagSet(tags map[string]string) []any {
	set := []any{}
	for _, key := range slices.SortedFunc(maps.Keys(tags), cmp.Compare[string]) {
		set = append(set, map[string]any{"key": key, "value": tags[key]})
	}
	return set
}
