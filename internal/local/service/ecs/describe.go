package ecs

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

const (
	// remembered is how long a task is shown that has stopped.
	remembered = time.Hour
	// describeMost is how many tasks one DescribeTasks names.
	describeMost = 100
)

// onTasks is what the operations take that are about tasks.
type onTasks struct {
	Cluster string
	Task    string
	Tasks   []string
	Include []string
	Reason  string
}

// visible finds a task of a cluster, by its ARN or id: one that shows already, and still. The caller holds the lock.
func (e *ECS) visible(cluster, named string) *task {
	t := e.tasks[named[strings.LastIndex(named, "/")+1:]]
	if t == nil || t.cluster != cluster || strings.HasPrefix(named, "arn:") && named != t.arn {
		return nil
	}
	if time.Now().Before(t.shownFrom) || !e.remembers(t) {
		return nil
	}
	return t
}

// remembers reports whether a task is still known. The caller holds the lock.
func (e *ECS) remembers(t *task) bool {
	return t.last != stopped || e.now().Sub(t.stopped) < remembered
}

func (e *ECS) describeTasks(_ context.Context, call endpoint.Call) (any, error) {
	var input onTasks
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "SerializationException", Message: err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	cluster, err := e.cluster(input.Cluster)
	if err != nil {
		return nil, err
	}
	switch n := len(input.Tasks); {
	case n == 0:
		return nil, &endpoint.Error{Code: "InvalidParameterException", Message: "Tasks cannot be empty."}
	case n > describeMost:
		return nil, &endpoint.Error{Code: "InvalidParameterException", Message: "Tasks can have at most 100 items."}
	}
	tasks, failures := []any{}, []any{}
	for _, named := range input.Tasks {
		if t := e.visible(cluster, named); t != nil {
			shown := e.shown(t)
			if !slices.Contains(input.Include, "TAGS") {
				delete(shown, "tags")
			}
			tasks = append(tasks, shown)
			continue
		}
		if !strings.HasPrefix(named, "arn:") {
			named = e.arn("task/" + cluster + "/" + named)
		}
		failures = append(failures, map[string]any{"arn": named, "reason": "MISSING"})
	}
	return map[string]any{"tasks": tasks, "failures": failures}, nil
}

// stopTask asks a task to end; one that does already, or has, is left as it is.
func (e *ECS) stopTask(_ context.Context, call endpoint.Call) (any, error) {
	var input onTasks
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "SerializationException", Message: err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	cluster, err := e.cluster(input.Cluster)
	if err != nil {
		return nil, err
	}
	t := e.visible(cluster, input.Task)
	if t == nil {
		return nil, endpoint.Refused(constraint.NoTask)
	}
	if t.desired != stopped {
		t.desired, t.stopCode, t.stoppedReason, t.stopping = stopped, userInitiated, input.Reason, e.now()
		if t.stoppedReason == "" {
			t.stoppedReason = "Task stopped by user"
		}
		close(t.stop)
	}
	return map[string]any{"task": e.shown(t)}, nil
}

// shown is a task as ECS describes it. The caller holds the lock.
func (e *ECS) shown(t *task) map[string]any {
	p := t.definition.properties
	status := t.last
	if status == provisioning || status == stopping || status == deprovisioning { // of the task alone
		status = map[bool]string{true: pending, false: running}[t.started.IsZero()]
		if t.exit != nil || t.last == deprovisioning {
			status = stopped
		}
	}
	container := map[string]any{
		"containerArn": t.containerARN, "taskArn": t.arn, "name": t.definition.container().Name, "image": t.definition.container().Image,
		"lastStatus": status, "cpu": "0", "networkInterfaces": []any{},
	}
	attachment := map[string]any{"id": t.attachment, "type": "ElasticNetworkInterface", "status": "PRECREATED", "details": []any{}}
	shown := map[string]any{
		"taskArn": t.arn, "clusterArn": e.arn("cluster/" + t.cluster), "taskDefinitionArn": t.definition.arn, "group": t.group,
		"lastStatus": t.last, "desiredStatus": t.desired, "version": t.version, "launchType": "FARGATE", "platformVersion": "1.4.0",
		"cpu": string(p.Cpu), "memory": string(p.Memory), "createdAt": t.created,
		"containers": []any{container}, "attachments": []any{attachment}, "overrides": t.overrides, "tags": tagList(t.tags),
	}
	if t.overrides == nil {
		shown["overrides"] = map[string]any{"containerOverrides": []any{}}
	}
	if size := int(p.EphemeralStorage.SizeInGiB); size != 0 {
		shown["ephemeralStorage"] = map[string]any{"sizeInGiB": size}
	}
	if t.nic.ID != "" {
		attachment["status"] = "ATTACHED"
		if t.last == stopped {
			attachment["status"] = "DELETED"
		}
		attachment["details"] = []any{
			map[string]any{"name": "subnetId", "value": t.nic.Subnet},
			map[string]any{"name": "networkInterfaceId", "value": t.nic.ID},
			map[string]any{"name": "privateIPv4Address", "value": t.nic.Address.String()},
		}
		container["networkInterfaces"] = []any{map[string]any{"attachmentId": t.attachment, "privateIpv4Address": t.nic.Address.String()}}
		shown["availabilityZone"], shown["connectivity"] = t.nic.Zone, "CONNECTED"
	}
	if t.exit != nil {
		container["exitCode"] = *t.exit
	}
	for name, text := range map[string]string{"startedBy": t.startedBy, "stopCode": t.stopCode, "stoppedReason": t.stoppedReason} {
		if text != "" {
			shown[name] = text
		}
	}
	if t.exitReason != "" {
		container["reason"] = t.exitReason
	}
	for name, at := range map[string]time.Time{
		"startedAt": t.started, "stoppingAt": t.stopping, "executionStoppedAt": t.executionStopped, "stoppedAt": t.stopped,
	} {
		if !at.IsZero() {
			shown[name] = at
		}
	}
	return shown
}

func tagList(tags []struct{ Key, Value string }) []any {
	list := []any{}
	for _, tag := range tags {
		list = append(list, map[string]any{"key": tag.Key, "value": tag.Value})
	}
	return list
}
