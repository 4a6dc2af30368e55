package cloudformation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"headroom/internal/local/endpoint"
)

// listPage is how many stacks or resources an answer has.
const listPage = 100

// paged cuts a page out of a list: the token is how many came before.
func paged(call endpoint.Call, key string, list []any) map[string]any {
	token, _ := call.Params["NextToken"].(string)
	from, _ := strconv.Atoi(token) // no token: from the first on
	from = min(max(from, 0), len(list))
	to := min(from+listPage, len(list))
	answer := map[string]any{key: list[from:to]}
	if to < len(list) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer
}

func (e *Engine) apiListStacks(_ context.Context, call endpoint.Call) (any, error) {
	var wanted []string
	filter, _ := call.Params["StackStatusFilter"].([]any)
	for _, status := range filter {
		if text, ok := status.(string); ok {
			wanted = append(wanted, text)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// Deleted stacks are listed too, the newest first.
	stacks := slices.SortedFunc(maps.Values(e.stacks), func(a, b *stack) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.id, b.id))
	})
	list := []any{}
	for _, s := range stacks {
		if len(wanted) > 0 && !slices.Contains(wanted, string(s.status)) {
			continue
		}
		summary := map[string]any{
			"StackId": s.id, "StackName": s.name, "StackStatus": string(s.status), "CreationTime": s.created,
			"DriftInformation": map[string]any{"StackDriftStatus": "NOT_CHECKED"},
		}
		if s.reason != "" {
			summary["StackStatusReason"] = s.reason
		}
		if !s.ended.IsZero() {
			summary["DeletionTime"] = s.ended
		}
		if !s.updated.IsZero() {
			summary["LastUpdatedTime"] = s.updated
		}
		list = append(list, summary)
	}
	return paged(call, "StackSummaries", list), nil
}

func (e *Engine) apiListStackResources(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", name)
	}
	list := []any{}
	for _, id := range s.listed() {
		r := s.records[id]
		summary := map[string]any{
			"LogicalResourceId": id, "PhysicalResourceId": r.resource.PhysicalID, "ResourceType": r.resource.Type,
			"ResourceStatus": string(r.status), "LastUpdatedTimestamp": r.updated,
			"DriftInformation": map[string]any{"StackResourceDriftStatus": "NOT_CHECKED"},
		}
		if r.reason != "" {
			summary["ResourceStatusReason"] = r.reason
		}
		list = append(list, summary)
	}
	return paged(call, "StackResourceSummaries", list), nil
}
