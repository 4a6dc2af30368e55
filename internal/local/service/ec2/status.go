package ec2

import (
	"context"
	"maps"
	"slices"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/weakjson"
)

// describeStatus answers the status checks: of running instances, unless it is asked for all.
func (e *EC2) describeStatus(_ context.Context, call endpoint.Call) (any, error) {
	var all struct {
		Instances weakjson.Bool `json:"IncludeAllInstances"`
	}
	if err := weakjson.Decode(call.Params, &all); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range input.InstanceIDs {
		if e.known(id) == nil {
			return nil, noInstance(id)
		}
	}
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(e.instances)) {
		i := e.known(id)
		if i == nil || len(input.InstanceIDs) > 0 && !slices.Contains(input.InstanceIDs, id) {
			continue
		}
		is, _ := i.told.of(e.instanceSet(i))["instanceState"].(map[string]any)
		if is["name"] != string(running) && !bool(all.Instances) {
			continue
		}
		system, instance := e.checks(i)
		ok, err := matches(input.Filters, map[string][]string{
			"instance-state-name": {is["name"].(string)}, "system-status.status": {system}, "instance-status.status": {instance},
		})
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, map[string]any{
				"instanceId": i.id, "availabilityZone": i.nic.zone, "instanceState": is,
				"systemStatus": statusSet(system), "instanceStatus": statusSet(instance),
			})
		}
	}
	return map[string]any{"instanceStatusSet": found}, nil
}

// checks are the summaries of the two status checks of an instance. The caller holds the lock.
func (e *EC2) checks(i *instance) (system, instance string) {
	if i.state != running && i.state != pending {
		return "not-applicable", "not-applicable"
	}
	if i.state == pending || time.Since(i.up) < e.cfg.Checks {
		return "initializing", "initializing"
	}
	summary := map[bool]string{true: "ok", false: "impaired"}
	health := e.cfg.Machines.Health(i.id)
	return summary[health.System], summary[health.Instance]
}

// statusSet is a check as DescribeInstanceStatus answers it.
func statusSet(summary string) map[string]any {
	set := map[string]any{"status": summary}
	if result, ok := map[string]string{"ok": "passed", "impaired": "failed", "initializing": "initializing"}[summary]; ok {
		set["details"] = []any{map[string]any{"name": "reachability", "status": result}}
	}
	return set
}

// Check reports what the status checks say of each running instance that has been checked, as EC2 sends it to
// CloudWatch once a minute.
func (e *EC2) Check(report func(instanceID string, health machine.Health)) {
	e.mu.Lock()
	seen := map[string]machine.Health{}
	for id, i := range e.instances {
		if system, instance := e.checks(i); system == "ok" || system == "impaired" {
			seen[id] = machine.Health{System: system == "ok", Instance: instance == "ok"}
		}
	}
	e.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		report(id, seen[id])
	}
}
