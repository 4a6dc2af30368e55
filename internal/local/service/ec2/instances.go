package ec2

import (
	"context"
	"maps"
	"slices"

	"headroom/internal/local/endpoint"
)

func (e *EC2) describeInstances(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string(input.InstanceIDs)
	for _, id := range ids {
		if e.known(id) == nil {
			return nil, noInstance(id)
		}
	}
	if len(ids) == 0 {
		ids = slices.Sorted(maps.Keys(e.instances))
	}
	found := []any{}
	for _, id := range ids {
		i := e.known(id)
		if i == nil {
			continue
		}
		told := i.told.of(e.instanceSet(i))
		ok, err := matches(input.Filters, e.filteredInstance(i, told))
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, map[string]any{"ownerId": e.cfg.Account, "instancesSet": []any{told}})
		}
	}
	return page(call, "reservationSet", found)
}

// filteredInstance are an instance's values by the filters that are known, as answers tell of it. The caller holds
// the lock.
func (e *EC2) filteredInstance(i *instance, told map[string]any) map[string][]string {
	is, _ := told["instanceState"].(map[string]any)
	values := map[string][]string{
		"instance-id": {i.id}, "image-id": {i.image}, "instance-type": {i.kind}, "availability-zone": {i.nic.zone},
		"instance-state-name": {is["name"].(string)}, "tag-key": slices.Collect(maps.Keys(i.tags)),
		"private-ip-address": {}, "network-interface.network-interface-id": {}, "block-device-mapping.volume-id": {},
	}
	if _, on := told["networkInterfaceSet"]; on {
		values["private-ip-address"] = []string{i.nic.address.String()}
		values["network-interface.network-interface-id"] = []string{i.nic.id}
	}
	for _, v := range e.on(i.id) {
		values["block-device-mapping.volume-id"] = append(values["block-device-mapping.volume-id"], v.id)
	}
	for key, value := range i.tags {
		values["tag:"+key] = []string{value}
	}
	return values
}
