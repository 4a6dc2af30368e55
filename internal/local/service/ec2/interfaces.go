package ec2

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// interfaceSet is an interface as DescribeNetworkInterfaces answers it. The caller holds the lock.
func (e *EC2) interfaceSet(n *nic) map[string]any {
	groups := []any{}
	for _, id := range n.groups {
		group := map[string]any{"groupId": id}
		if g := e.groups[id]; g != nil {
			group["groupName"] = g.name
		}
		groups = append(groups, group)
	}
	address := n.address.String()
	set := map[string]any{
		"networkInterfaceId": n.id, "interfaceType": "interface", "description": n.description, "status": n.status(),
		"ownerId": e.cfg.Account, "requesterManaged": false, "sourceDestCheck": true,
		"subnetId": n.subnet, "vpcId": n.vpc, "availabilityZone": n.zone, "privateIpAddress": address,
		"privateIpAddressesSet": []any{map[string]any{"privateIpAddress": address, "primary": true}},
		"groupSet":              groups, "tagSet": tagSet(n.tags),
	}
	if n.instance != "" {
		set["attachment"] = map[string]any{
			"attachmentId": "eni-attach-" + strings.TrimPrefix(n.id, "eni-"), "instanceId": n.instance, "instanceOwnerId": e.cfg.Account,
			"deviceIndex": 0, "networkCardIndex": 0, "status": "attached",
			"attachTime": n.since.UTC().Format(time.RFC3339), "deleteOnTermination": n.born,
		}
	}
	return set
}

func (n *nic) status() string {
	if n.instance != "" {
		return "in-use"
	}
	return "available"
}

// filtered are an interface's values by the filters that are known. What it has none of, such as the machine of one
// that is not attached, no filter finds.
func (n *nic) filtered() map[string][]string {
	values := map[string][]string{
		"network-interface-id": {n.id}, "status": {n.status()}, "description": {n.description},
		"subnet-id": {n.subnet}, "vpc-id": {n.vpc}, "availability-zone": {n.zone}, "group-id": n.groups,
		"private-ip-address": {n.address.String()}, "addresses.private-ip-address": {n.address.String()},
		"attachment.instance-id": {}, "attachment.status": {}, "tag-key": slices.Collect(maps.Keys(n.tags)),
	}
	if n.instance != "" {
		values["attachment.instance-id"], values["attachment.status"] = []string{n.instance}, []string{"attached"}
	}
	for key, value := range n.tags {
		values["tag:"+key] = []string{value}
	}
	return values
}

func (e *EC2) describeInterfaces(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string(input.InterfaceIDs)
	for _, id := range ids {
		if e.nics[id] == nil {
			return nil, noInterface(id)
		}
	}
	if len(ids) == 0 {
		ids = slices.Sorted(maps.Keys(e.nics))
	}
	found := []any{}
	for _, id := range ids {
		ok, err := matches(input.Filters, e.nics[id].filtered())
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, e.interfaceSet(e.nics[id]))
		}
	}
	return page(call, "networkInterfaceSet", found)
}
