package secretsmanager

import (
	"context"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// listPage is how many secrets an answer has at most.
const listPage = 100

// list answers ListSecrets. A new secret takes as long to be listed as its value takes to be read.
func (s *Secrets) list(_ context.Context, call endpoint.Call) (any, error) {
	input := struct {
		Filters []struct {
			Key    string         `json:"Key"`
			Values weakjson.Texts `json:"Values"`
		} `json:"Filters"`
		IncludePlannedDeletion weakjson.Bool `json:"IncludePlannedDeletion"`
		MaxResults             weakjson.Int  `json:"MaxResults"`
		NextToken              string        `json:"NextToken"` // the last name of the page before
		SortOrder              string        `json:"SortOrder"`
	}{MaxResults: listPage}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterException", Message: "The request can't be read."}
	}
	if input.MaxResults < 1 || input.MaxResults > listPage {
		return nil, &endpoint.Error{Code: "InvalidParameterException", Message: "MaxResults must be between 1 and 100."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []*secret{}
	for _, x := range s.byName {
		listed := s.cfg.Now().Sub(x.created) >= s.cfg.Lag && (x.deleted.IsZero() || bool(input.IncludePlannedDeletion))
		for _, f := range input.Filters {
			listed = listed && x.matches(f.Key, f.Values)
		}
		if listed {
			found = append(found, x)
		}
	}
	order := 1
	if strings.EqualFold(input.SortOrder, "desc") || input.SortOrder == "" { // the newest first
		order = -1
	}
	slices.SortFunc(found, func(a, b *secret) int {
		if byTime := a.created.Compare(b.created); byTime != 0 {
			return order * byTime
		}
		return strings.Compare(a.name, b.name)
	})
	if input.NextToken != "" {
		at := slices.IndexFunc(found, func(x *secret) bool { return x.name == input.NextToken })
		if at < 0 {
			return nil, &endpoint.Error{Code: "InvalidNextTokenException", Message: "The NextToken value is invalid."}
		}
		found = found[at+1:]
	}
	answer := map[string]any{}
	if len(found) > int(input.MaxResults) {
		found = found[:input.MaxResults]
		answer["NextToken"] = found[len(found)-1].name
	}
	list := []any{}
	for _, x := range found {
		shown := x.described()
		shown["SecretVersionsToStages"] = shown["VersionIdsToStages"]
		delete(shown, "VersionIdsToStages")
		list = append(list, shown)
	}
	answer["SecretList"] = list
	return answer, nil
}

// matches reports whether a filter lets a secret through: a value begins what it looks at, or, after a "!",
// does not.
func (x *secret) matches(key string, values []string) bool {
	var texts []string
	switch key {
	case "name":
		texts = []string{x.name}
	case "description":
		texts = []string{x.description}
	case "tag-key":
		texts = slices.Collect(maps.Keys(x.tags))
	case "tag-value":
		texts = slices.Collect(maps.Values(x.tags))
	case "owning-service":
		texts = []string{x.owner}
	case "all":
		texts = append(slices.Concat(slices.Collect(maps.Keys(x.tags)), slices.Collect(maps.Values(x.tags))), x.name, x.description)
	}
	return slices.ContainsFunc(values, func(value string) bool {
		prefix, not := strings.CutPrefix(value, "!")
		begins := slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, prefix) })
		return begins != not
	})
}
