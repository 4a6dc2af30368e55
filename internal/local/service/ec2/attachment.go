package ec2

import (
	"context"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

// createAttachment attaches a volume and waits until it is attached.
func (e *EC2) createAttachment(ctx context.Context, r resource.Resource) (resource.Created, error) {
	id := resource.Created{PhysicalID: r.GeneratedName()}
	if _, err := e.attachVolume(ctx, endpoint.Call{Params: r.Properties}); err != nil {
		return id, err
	}
	return id, pause(ctx, 2*e.cfg.Attach)
}
