package logs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// page is how many groups or streams an answer has unless the caller asks for fewer.
const page = 50

// listing is what the operations take that list something.
type listing struct {
	LogGroupName        string       `json:"logGroupName"`
	LogGroupIdentifier  string       `json:"logGroupIdentifier"`
	LogGroupNamePrefix  string       `json:"logGroupNamePrefix"`
	LogGroupNamePattern string       `json:"logGroupNamePattern"`
	LogStreamNamePrefix string       `json:"logStreamNamePrefix"`
	OrderBy             string       `json:"orderBy"`
	Descending          bool         `json:"descending"`
	Limit               weakjson.Int `json:"limit"`
	NextToken           string       `json:"nextToken"` // the last name of the page before
	LogStreamNames      []string     `json:"logStreamNames"`
	LogStreamName       string       `json:"logStreamName"`
	FilterPattern       string       `json:"filterPattern"`
	StartTime           *int64       `json:"startTime"` // Unix milliseconds
	EndTime             *int64       `json:"endTime"`
	StartFromHead       bool         `json:"startFromHead"`
	LogGroupIdentifiers []string     `json:"logGroupIdentifiers"`
}

func decode(call endpoint.Call) (listing, error) {
	var input listing
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, invalid(err.Error())
	}
	return input, nil
}

func invalid(message string) error {
	return &endpoint.Error{Code: "InvalidParameterException", Message: message}
}

func (i listing) group() string {
	if i.LogGroupIdentifier != "" {
		return i.LogGroupIdentifier
	}
	return i.LogGroupName
}

func (i listing) limit(most int) int {
	if i.Limit < 1 || int(i.Limit) > most {
		return most
	}
	return int(i.Limit)
}

func (l *Logs) describeGroups(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if input.LogGroupNamePrefix != "" && input.LogGroupNamePattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(l.groups)) {
		if name <= input.NextToken || !strings.HasPrefix(name, input.LogGroupNamePrefix) ||
			!strings.Contains(strings.ToLower(name), strings.ToLower(input.LogGroupNamePattern)) ||
			len(input.LogGroupIdentifiers) > 0 && !slices.Contains(input.LogGroupIdentifiers, name) && !slices.Contains(input.LogGroupIdentifiers, l.arn(name)) {
			continue
		}
		if len(list) == input.limit(page) {
			return map[string]any{"logGroups": list, "nextToken": list[len(list)-1].(map[string]any)["logGroupName"]}, nil
		}
		g := l.groups[name]
		shown := map[string]any{
			"logGroupName": name, "creationTime": g.created.UnixMilli(), "metricFilterCount": 0, "arn": l.arn(name) + ":*",
			"storedBytes": g.bytes, "logGroupClass": g.class, "logGroupArn": l.arn(name),
		}
		if g.retention > 0 {
			shown["retentionInDays"] = g.retention
		}
		if g.key != "" {
			shown["kmsKeyId"] = g.key
		}
		list = append(list, shown)
	}
	return map[string]any{"logGroups": list}, nil
}

func (l *Logs) describeStreams(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if input.OrderBy == "LastEventTime" && input.LogStreamNamePrefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g, err := l.find(input.group())
	if err != nil {
		return nil, err
	}
	streams := slices.DeleteFunc(slices.Collect(maps.Values(g.streams)), func(s *stream) bool {
		return !strings.HasPrefix(s.name, input.LogStreamNamePrefix)
	})
	slices.SortFunc(streams, func(a, b *stream) int {
		order := strings.Compare(a.name, b.name)
		if input.OrderBy == "LastEventTime" {
			if byTime := a.last.Compare(b.last); byTime != 0 {
				order = byTime
			}
		}
		if input.Descending {
			return -order
		}
		return order
	})
	if input.NextToken != "" {
		at := slices.IndexFunc(streams, func(s *stream) bool { return s.name == input.NextToken })
		if at < 0 {
			return nil, invalid("The specified nextToken is invalid.")
		}
		streams = streams[at+1:]
	}
	answer := map[string]any{}
	if limit := input.limit(page); len(streams) > limit {
		streams = streams[:limit]
		answer["nextToken"] = streams[limit-1].name
	}
	list := []any{}
	for _, s := range streams {
		list = append(list, map[string]any{
			"logStreamName": s.name, "creationTime": s.created.UnixMilli(), "firstEventTimestamp": s.first.UnixMilli(),
			"lastEventTimestamp": s.last.UnixMilli(), "lastIngestionTime": s.ingested.UnixMilli(), "storedBytes": 0, // so since 2019
			"arn": l.arn(g.name) + ":log-stream:" + s.name, "uploadSequenceToken": "1",
		})
	}
	answer["logStreams"] = list
	return answer, nil
}
