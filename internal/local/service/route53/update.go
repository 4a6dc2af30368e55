package route53

import (
	"context"

	"headroom/internal/local/resource"
)

// Schema says which properties a record keeps for life. Its name is no name that CloudFormation could choose.
func (z *Records) Schema(string) resource.Schema {
	return resource.Schema{CreateOnly: []string{"HostedZoneId", "HostedZoneName", "Name"}}
}

// Update changes a record.
func (z *Records) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	if err := resource.Fixed(before, after, "Type"); err != nil {
		return resource.Created{}, err
	}
	return z.Create(ctx, after)
}
