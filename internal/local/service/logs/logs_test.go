package logs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func newLogs(keep int) *Logs {
	return New(Config{Account: "123456789012", Region: "eu-west-1", Keep: keep, Now: func() time.Time { return noon }})
}

func call(t *testing.T, l *Logs, operation string, params map[string]any) map[string]any {
	t.Helper()
	answer, err := l.Service().Operations[operation](t.Context(), endpoint.Call{Params: params})
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return answer.(map[string]any)
}

// texts lists one member of the elements of a list, the next token after a bar.
func texts(answer map[string]any, list, member string) string {
	var found []string
	for _, element := range answer[list].([]any) {
		found = append(found, fmt.Sprint(element.(map[string]any)[member]))
	}
	if answer["nextToken"] != nil {
		found = append(found, "…")
	}
	return strings.Join(found, " ")
}

func TestGroupsOfTemplatesAndOfFunctionsAreListed(t *testing.T) {
	l := newLogs(0)
	created, err := l.Create(t.Context(), resource.Resource{Properties: map[string]any{"LogGroupName": "/aws/lambda/b", "RetentionInDays": "30"}})
	if err != nil || created.PhysicalID != "/aws/lambda/b" || created.Attributes["Arn"] != "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/b:*" {
		t.Fatalf("created %v: %v", created, err)
	}
	l.Put("/aws/lambda/a", "s", noon, "hello")
	groups := call(t, l, "DescribeLogGroups", map[string]any{"limit": 1})
	if got := texts(groups, "logGroups", "logGroupName"); got != "/aws/lambda/a …" {
		t.Errorf("first page %s", got)
	}
	groups = call(t, l, "DescribeLogGroups", map[string]any{"limit": 1, "nextToken": groups["nextToken"]})
	if got := texts(groups, "logGroups", "logGroupName"); got != "/aws/lambda/b" {
		t.Errorf("second page %s", got)
	}
	if got := texts(groups, "logGroups", "retentionInDays"); got != "30" {
		t.Errorf("retention %s", got)
	}
	if got := texts(call(t, l, "DescribeLogGroups", map[string]any{"logGroupNamePattern": "LAMBDA/A"}), "logGroups", "logGroupName"); got != "/aws/lambda/a" {
		t.Errorf("by pattern %s", got)
	}
}

func TestStreamsAreListedByNameOrByTheirLastEvent(t *testing.T) {
	l := newLogs(0)
	l.Put("g", "late", noon.Add(time.Second), "1")
	l.Put("g", "x", noon, "2")
	l.Put("g", "a", noon.Add(time.Minute), "3")
	for order, want := range map[string]string{"LogStreamName": "x late a", "LastEventTime": "a late x"} {
		var got []string
		params := map[string]any{"logGroupName": "g", "orderBy": order, "descending": true, "limit": 2}
		for {
			answer := call(t, l, "DescribeLogStreams", params)
			got = append(got, strings.Fields(texts(answer, "logStreams", "logStreamName"))...)
			if answer["nextToken"] == nil {
				break
			}
			params["nextToken"] = answer["nextToken"]
		}
		if got := strings.ReplaceAll(strings.Join(got, " "), " …", ""); got != want {
			t.Errorf("by %s: %s, want %s", order, got, want)
		}
	}
}

func TestEventsAreFiltered(t *testing.T) {
	l := newLogs(0)
	for i, message := range []string{`{"level":"INFO","n":1}`, `{"level":"ERROR","n":2,"why":{"code":"a.b"}}`, "plain ERROR", `{"level":"WARN","n":3}`} {
		l.Put("g", fmt.Sprintf("s%d", i%2), noon.Add(time.Duration(i)*time.Second), message)
	}
	for name, test := range map[string]struct {
		params map[string]any
		want   []int // by their number
	}{
		"all":            {nil, []int{0, 1, 2, 3}},
		"a term":         {map[string]any{"filterPattern": "ERROR"}, []int{1, 2}},
		"a stream":       {map[string]any{"logStreamNames": []any{"s1"}}, []int{1, 3}},
		"since":          {map[string]any{"startTime": noon.Add(2 * time.Second).UnixMilli()}, []int{2, 3}},
		"until":          {map[string]any{"endTime": noon.Add(time.Second).UnixMilli()}, []int{0, 1}},
		"by JSON":        {map[string]any{"filterPattern": `{ $.level = "ERROR" || $.n >= 3 }`}, []int{1, 3}},
		"inside":         {map[string]any{"filterPattern": `{ ($.why.code = a.*) && $.level != INFO }`}, []int{1}},
		"without":        {map[string]any{"filterPattern": `{ $.why NOT EXISTS }`}, []int{0, 3}},
		"some":           {map[string]any{"filterPattern": `?plain ?WARN`}, []int{2, 3}},
		"but not":        {map[string]any{"filterPattern": `ERROR -plain`}, []int{1}},
		"quoted":         {map[string]any{"filterPattern": `"plain ERROR"`}, []int{2}},
		"nothing at all": {map[string]any{"filterPattern": `{ $.n < 0 }`}, nil},
	} {
		params := map[string]any{"logGroupIdentifier": "arn:aws:logs:eu-west-1:123456789012:log-group:g", "limit": 1}
		for name, value := range test.params {
			params[name] = value
		}
		var got []int
		for { // one event a page
			answer := call(t, l, "FilterLogEvents", params)
			for _, e := range answer["events"].([]any) {
				got = append(got, int(e.(map[string]any)["timestamp"].(int64)-noon.UnixMilli())/1000)
			}
			if answer["nextToken"] == nil {
				break
			}
			params["nextToken"] = answer["nextToken"]
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: events %v, want %v", name, got, test.want)
		}
	}
}

func TestPatternsThatCannotBeReadAreRefused(t *testing.T) {
	for _, pattern := range []string{`{ $.a = }`, `{ $.a`, `{ a = 1 }`, `{ $.a = 1 && }`, `{ $.a ~ 1 }`, `[a, b]`, `%x%`, `{ $.a > "b" }`, `{ $.a IS HERE }`} {
		if _, err := parsePattern(pattern); err == nil {
			t.Errorf("%s is taken", pattern)
		}
	}
}

func TestAStreamIsReadFromItsEndOrItsHead(t *testing.T) {
	l := newLogs(0)
	for i := range 5 {
		l.Put("g", "s", noon, fmt.Sprint(i))
		l.Put("g", "other", noon, "x")
	}
	params := map[string]any{"logGroupName": "g", "logStreamName": "s", "limit": 2}
	tail := call(t, l, "GetLogEvents", params)
	if got := texts(tail, "events", "message"); got != "3 4" {
		t.Errorf("the end: %s", got)
	}
	params["nextToken"] = tail["nextBackwardToken"]
	if got := texts(call(t, l, "GetLogEvents", params), "events", "message"); got != "1 2" {
		t.Errorf("before it: %s", got)
	}
	params["nextToken"] = tail["nextForwardToken"]
	after := call(t, l, "GetLogEvents", params)
	if got := texts(after, "events", "message"); got != "" || after["nextForwardToken"] != tail["nextForwardToken"] {
		t.Errorf("after it: %s, token %v after %v", got, after["nextForwardToken"], tail["nextForwardToken"])
	}
	l.Put("g", "s", noon, "5")
	if got := texts(call(t, l, "GetLogEvents", params), "events", "message"); got != "5" {
		t.Errorf("what came since: %s", got)
	}
	delete(params, "nextToken")
	params["startFromHead"] = true
	if got := texts(call(t, l, "GetLogEvents", params), "events", "message"); got != "0 1" {
		t.Errorf("the head: %s", got)
	}
}

func TestOnlyTheNewestEventsAreKept(t *testing.T) {
	l := newLogs(10)
	for i := range 100 {
		l.Put("g", "s", noon, fmt.Sprint(i))
	}
	got := texts(call(t, l, "FilterLogEvents", map[string]any{"logGroupName": "g"}), "events", "message")
	if !strings.HasSuffix(got, "97 98 99") || len(strings.Fields(got)) > 11 {
		t.Errorf("kept %s", got)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	l := newLogs(0)
	l.Put("g", "s", noon, "x")
	for operation, params := range map[string]map[string]any{
		"DescribeLogStreams": {"logGroupName": "none"}, "FilterLogEvents": {"logGroupName": "none"},
		"GetLogEvents": {"logGroupName": "g", "logStreamName": "none"},
	} {
		_, err := l.Service().Operations[operation](t.Context(), endpoint.Call{Params: params})
		var api *endpoint.Error
		if !errors.As(err, &api) || api.Code != "ResourceNotFoundException" {
			t.Errorf("%s: %v", operation, err)
		}
	}
}
