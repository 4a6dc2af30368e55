package lambda

import (
	"context"

	"headroom/internal/local/resource"
)

// schemas say which properties a resource keeps for life.
var schemas = map[string]resource.Schema{
	typeFunction: {Name: "FunctionName", CreateOnly: []string{"PackageType"}, Tagged: true},
	typeMapping:  {CreateOnly: []string{"EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "SelfManagedEventSource"}, Tagged: true},
	typePermission: {CreateOnly: []string{
		"Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn",
	}},
	typeInvokeConfig: {CreateOnly: []string{"FunctionName", "Qualifier"}},
}

// Schema says which properties a resource keeps for life.
func (h *Host) Schema(resourceType string) resource.Schema { return schemas[resourceType] }

// Update configures a function or a mapping anew: what is under way ends as it began.
func (h *Host) Update(ctx context.Context, _, after resource.Resource) (resource.Created, error) {
	return h.Create(ctx, after)
}
