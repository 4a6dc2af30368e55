package ecs

import (
	"context"
	"fmt"

	"headroom/internal/local/resource"
)

// Schema says that a task definition is never changed, but made anew as the next revision, and that of a cluster
// nothing here depends on more than its name.
func (e *ECS) Schema(resourceType string) resource.Schema {
	if resourceType == typeDefinition {
		return resource.Schema{CreateOnly: []string{
			"ContainerDefinitions", "Cpu", "EphemeralStorage", "ExecutionRoleArn", "Family", "Memory", "NetworkMode",
			"RequiresCompatibilities", "RuntimePlatform", "TaskRoleArn", "Volumes",
		}}
	}
	return resource.Schema{Name: "ClusterName"}
}

// Update leaves everything as it is: what would be changed by it is not kept here, see Schema.
func (e *ECS) Update(_ context.Context, _, after resource.Resource) (resource.Created, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch after.Type {
	case typeCluster:
		return e.createdCluster(after.PhysicalID), nil
	case typeDefinition:
		if d := e.definitions[after.PhysicalID]; d != nil {
			return d.created(), nil
		}
	}
	return resource.Created{}, fmt.Errorf("there is no %s %s", after.Type, after.PhysicalID)
}
