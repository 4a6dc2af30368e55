package logs

import (
	"context"

	"headroom/internal/local/resource"
)

// Schema says which properties a group keeps for life.
func (l *Logs) Schema(string) resource.Schema {
	return resource.Schema{Name: "LogGroupName", Tagged: true}
}

// Update changes what a group keeps for how long.
func (l *Logs) Update(ctx context.Context, _, after resource.Resource) (resource.Created, error) {
	return l.Create(ctx, after)
}
