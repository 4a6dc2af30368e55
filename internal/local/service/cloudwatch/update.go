package cloudwatch

import (
	"context"
	"slices"

	"headroom/internal/local/resource"
)

// Schema says which properties an alarm or a dashboard keeps for life.
func (a *Alarms) Schema(resourceType string) resource.Schema {
	if resourceType == typeDashboard {
		return resource.Schema{Name: "DashboardName", Tagged: true}
	}
	return resource.Schema{Name: "AlarmName", Tagged: true}
}

// Update configures an alarm or a dashboard anew. An alarm keeps its state until it is next evaluated.
// One whose tags change is not configured.
func (a *Alarms) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	a.mu.Lock()
	there := a.byName[after.PhysicalID]
	a.mu.Unlock()
	if changed := resource.Changed(before, after); there != nil && (len(changed) == 0 || slices.Equal(changed, []string{"Tags"})) {
		return resource.Created{PhysicalID: there.name, Attributes: map[string]any{"Arn": there.arn}}, nil
	}
	return a.Create(ctx, after)
}
