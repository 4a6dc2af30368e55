package constraint

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const stackTagsMax = 50

var (
	stackName    = regexp.MustCompile(`[a-zA-Z][-a-zA-Z0-9]*`)
	requestToken = regexp.MustCompile(`[a-zA-Z0-9][-a-zA-Z0-9]*`)
)

// Stack is what CloudFormation refuses of a new stack before it looks at its template.
func Stack(name, token *string, tags map[string]string) *Refusal {
	var c Check
	c.Required("StackName", name)
	c.Length("StackName", name, 1, 128)
	c.Match("StackName", name, stackName)
	c.Length("ClientRequestToken", token, 1, 128)
	c.Match("ClientRequestToken", token, requestToken)
	if len(tags) > stackTagsMax {
		c.Count("Tags", len(tags), 0, stackTagsMax)
	}
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		member := "Tags." + strconv.Itoa(i+1) + ".member."
		value := tags[key]
		c.Length(member+"Key", &key, 1, 128)
		c.Length(member+"Value", &value, 1, 256)
	}
	if r := c.Refusal(); r != nil {
		return &Refusal{Code: "ValidationError", Message: r.Message}
	}
	return nil
}

// ChangeSet is what CloudFormation refuses of a new change set by its name.
func ChangeSet(name *string) *Refusal {
	var c Check
	c.Required("ChangeSetName", name)
	c.Length("ChangeSetName", name, 1, 128)
	c.Match("ChangeSetName", name, stackName)
	if r := c.Refusal(); r != nil {
		return &Refusal{Code: "ValidationError", Message: r.Message}
	}
	return nil
}

// ResourceTypes is what CloudFormation refuses of a template with resources of types that there are not.
func ResourceTypes(unknown []string) *Refusal {
	if len(unknown) == 0 {
		return nil
	}
	unknown = slices.Compact(slices.Sorted(slices.Values(unknown)))
	return &Refusal{Code: "ValidationError", Message: "Template format error: Unrecognized resource types: [" + strings.Join(unknown, ", ") + "]"}
}
