package ec2

import (
	"fmt"
	"strconv"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Bounds of MaxResults, where a Describe operation has pages.
const (
	pageLeast = 5
	pageMost  = 1000
)

// page is the part of a list that a call asks for, as the member of an answer. Without MaxResults it is all of it.
func page(call endpoint.Call, member string, all []any) (any, error) {
	var input struct {
		MaxResults *weakjson.Int `json:"MaxResults"`
		NextToken  weakjson.Int  `json:"NextToken"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	if input.MaxResults == nil {
		return map[string]any{member: all}, nil
	}
	most := int(*input.MaxResults)
	if most < pageLeast {
		return nil, &endpoint.Error{
			Code: "InvalidParameterValue", Message: fmt.Sprintf("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than %d.", most, pageLeast),
		}
	}
	from := min(max(0, int(input.NextToken)), len(all))
	to := min(from+min(most, pageMost), len(all))
	answer := map[string]any{member: all[from:to]}
	if to < len(all) {
		answer["nextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}
