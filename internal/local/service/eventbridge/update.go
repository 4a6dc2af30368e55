package eventbridge

import (
	"context"

	"headroom/internal/local/resource"
)

// Schema says which properties a bus, a rule or a schedule keeps for life.
func (b *Bridge) Schema(resourceType string) resource.Schema {
	s := resource.Schema{Name: "Name", Tagged: resourceType != typeSchedule}
	if resourceType == typeRule {
		s.CreateOnly = []string{"EventBusName"}
	}
	return s
}

// Update changes a bus, a rule or a schedule.
func (b *Bridge) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	if after.Type == typeSchedule {
		if err := resource.Fixed(before, after, "GroupName"); err != nil {
			return resource.Created{}, err
		}
	}
	return b.Create(ctx, after)
}
