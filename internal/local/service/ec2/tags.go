package ec2

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// tagged is the input of CreateTags and DeleteTags.
type tagged struct {
	Resources weakjson.Texts `json:"ResourceId"`
	Tags      []struct {
		Key   string  `json:"Key"`
		Value *string `json:"Value"`
	} `json:"Tag"`
}

// retag gives the things that a call names the tags that change makes of theirs: all of them, or none.
func (e *EC2) retag(call endpoint.Call, change func(input tagged, tags map[string]string) error) (any, error) {
	var input tagged
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	if len(input.Resources) == 0 {
		return nil, &endpoint.Error{Code: "MissingParameter", Message: "The request must contain the parameter resourceIdSet"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	next := map[string]map[string]string{}
	for _, id := range input.Resources {
		bears, err := e.bears(id)
		if err != nil {
			return nil, err
		}
		if next[id] = maps.Clone(*bears); next[id] == nil {
			next[id] = map[string]string{}
		}
		if err := change(input, next[id]); err != nil {
			return nil, err
		}
	}
	for id, tags := range next {
		bears, _ := e.bears(id)
		*bears = tags
	}
	return map[string]any{"return": true}, nil
}

// tagsMost is how many tags a resource has.
const tagsMost = 50

func (e *EC2) createTags(_ context.Context, call endpoint.Call) (any, error) {
	return e.retag(call, func(input tagged, tags map[string]string) error {
		if len(input.Tags) == 0 {
			return &endpoint.Error{Code: "MissingParameter", Message: "The request must contain the parameter tagSet"}
		}
		for _, tag := range input.Tags {
			if strings.HasPrefix(strings.ToLower(tag.Key), "aws:") {
				return &endpoint.Error{Code: "InvalidParameterValue", Message: fmt.Sprintf(
					"Value ( %s ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use", tag.Key,
				)}
			}
			tags[tag.Key] = ""
			if tag.Value != nil {
				tags[tag.Key] = *tag.Value
			}
		}
		if len(tags) > tagsMost {
			return &endpoint.Error{Code: "TagLimitExceeded", Message: "The tag limit of 50 tags has been reached."}
		}
		return nil
	})
}

// deleteTags deletes tags by their keys, and by their values if those are given; without any, all.
func (e *EC2) deleteTags(_ context.Context, call endpoint.Call) (any, error) {
	return e.retag(call, func(input tagged, tags map[string]string) error {
		if len(input.Tags) == 0 {
			clear(tags)
		}
		for _, tag := range input.Tags {
			if tag.Value == nil || tags[tag.Key] == *tag.Value {
				delete(tags, tag.Key)
			}
		}
		return nil
	})
}

// bears finds the tags of a thing by its ID. The caller holds the lock.
func (e *EC2) bears(id string) (*map[string]string, error) {
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "i":
		if i := e.known(id); i != nil {
			return &i.tags, nil
		}
		return nil, noInstance(id)
	case "vol":
		if v := e.volumes[id]; v != nil {
			return &v.tags, nil
		}
		return nil, noVolume(id)
	case "eni":
		if n := e.nics[id]; n != nil {
			return &n.tags, nil
		}
		return nil, noInterface(id)
	case "sg":
		if g := e.groups[id]; g != nil {
			return &g.tags, nil
		}
		return nil, noGroup(id)
	}
	return nil, &endpoint.Error{Code: "InvalidID", Message: fmt.Sprintf("The ID '%s' is not valid", id)}
}

// Tags finds the tags of an instance, a volume, an interface or a group by its ARN; nil if there is none.
func (e *EC2) Tags(arn string) map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	tags, err := e.bears(arn[strings.LastIndex(arn, "/")+1:])
	if err != nil {
		return nil
	}
	return maps.Clone(*tags)
}
