package ssm

import (
	"context"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// Schema says which properties a parameter keeps for life.
func (p *Parameters) Schema(string) resource.Schema {
	return resource.Schema{Name: "Name", Tagged: true}
}

// Update gives a parameter its next version, if it is to have another value, type or tier.
func (p *Parameters) Update(_ context.Context, before, after resource.Resource) (resource.Created, error) {
	var is, toBe properties
	if err := weakjson.Decode(before.Properties, &is); err != nil {
		return resource.Created{}, err
	}
	if err := weakjson.Decode(after.Properties, &toBe); err != nil {
		return resource.Created{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if is != toBe {
		if _, err := p.setLocked(toBe.parameter(after.PhysicalID)); err != nil {
			return resource.Created{}, err
		}
	}
	return toBe.created(after.PhysicalID), nil
}
