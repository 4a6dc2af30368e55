package storagegateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// tagsPerResource is Storage Gateway's quota.
const tagsPerResource = 50

// onTags is the input of the operations about tags.
type onTags struct {
	ResourceARN string         `json:"ResourceARN"`
	Tags        []weakjson.Tag `json:"Tags"`
	TagKeys     []string       `json:"TagKeys"`
}

// tagged decodes an input and finds the tags that it is about; the caller holds the lock.
func (g *Gateway) tagged(call endpoint.Call) (onTags, *map[string]string, error) {
	var input onTags
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, nil, invalid(err.Error())
	}
	if gw, ok := g.gateways[input.ResourceARN]; ok {
		return input, &gw.tags, nil
	}
	if s, ok := g.shares[input.ResourceARN]; ok {
		return input, &s.tags, nil
	}
	if strings.Contains(input.ResourceARN, ":share/") {
		return input, nil, errShareNotFound
	}
	return input, nil, errGatewayNotFound
}

// Tags returns the tags of a gateway or a share, for policies that look at them; nil for any other ARN.
func (g *Gateway) Tags(arn string) map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gw, ok := g.gateways[arn]; ok {
		return maps.Clone(gw.tags)
	}
	if s, ok := g.shares[arn]; ok {
		return maps.Clone(s.tags)
	}
	return nil
}

func (g *Gateway) listTags(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	input, tags, err := g.tagged(call)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ResourceARN": input.ResourceARN, "Tags": tagList(*tags)}, nil
}

func (g *Gateway) addTags(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	input, tags, err := g.tagged(call)
	if err != nil {
		return nil, err
	}
	if r := constraint.Tags(tagForm(call.Params)); r != nil {
		return nil, endpoint.Refused(r)
	}
	more := weakjson.Tags(*tags, input.Tags)
	if len(more) > tagsPerResource {
		return nil, refusal("InvalidParameters", "The resource has more tags than the limit of 50.")
	}
	*tags = more
	return map[string]any{"ResourceARN": input.ResourceARN}, nil
}

func (g *Gateway) removeTags(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	input, tags, err := g.tagged(call)
	if err != nil {
		return nil, err
	}
	fewer := maps.Clone(*tags)
	for _, key := range input.TagKeys {
		delete(fewer, key)
	}
	*tags = fewer
	return map[string]any{"ResourceARN": input.ResourceARN}, nil
}

// tagForm is the tags of a request as their form is checked.
func tagForm(params map[string]any) []constraint.Tag {
	list, _ := params["Tags"].([]any)
	var tags []constraint.Tag
	for _, element := range list {
		tag, _ := element.(map[string]any)
		tags = append(tags, constraint.Tag{Key: constraint.Text(tag, "Key"), Value: constraint.Text(tag, "Value")})
	}
	return tags
}

func tagList(tags map[string]string) []any {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]any{"Key": key, "Value": tags[key]})
	}
	return list
}
