package logs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
)

// What an answer holds at most: so many events, and so many bytes.
const (
	eventsMost = 10_000
	bytesMost  = 1 << 20
)

// within reports whether an event lies in the time that was asked about.
func (i listing) within(e event) bool {
	at := e.at.UnixMilli()
	return (i.StartTime == nil || at >= *i.StartTime) && (i.EndTime == nil || at <= *i.EndTime)
}

func (l *Logs) filterEvents(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	matches, err := parsePattern(input.FilterPattern)
	if err != nil {
		return nil, invalid("Invalid filter pattern: " + err.Error())
	}
	from := 0
	if input.NextToken != "" {
		if from, err = strconv.Atoi(input.NextToken); err != nil {
			return nil, invalid("The specified nextToken is invalid.")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g, err := l.find(input.group())
	if err != nil {
		return nil, err
	}
	for _, name := range input.LogStreamNames {
		if g.streams[name] == nil {
			return nil, noStream
		}
	}
	answer := map[string]any{"searchedLogStreams": []any{}}
	events, bytes := []any{}, 0
	for _, e := range g.events {
		if e.number < from || !input.within(e) || !strings.HasPrefix(e.stream, input.LogStreamNamePrefix) ||
			len(input.LogStreamNames) > 0 && !slices.Contains(input.LogStreamNames, e.stream) || !matches(e.message) {
			continue
		}
		if len(events) == input.limit(eventsMost) || bytes+len(e.message) > bytesMost && len(events) > 0 {
			answer["nextToken"] = strconv.Itoa(e.number)
			break
		}
		bytes += len(e.message)
		shown := e.shown()
		shown["logStreamName"], shown["eventId"] = e.stream, fmt.Sprintf("%056d", e.number)
		events = append(events, shown)
	}
	answer["events"] = events
	return answer, nil
}

var noStream = &endpoint.Error{Code: "ResourceNotFoundException", Message: "The specified log stream does not exist."}

func (e event) shown() map[string]any {
	return map[string]any{"timestamp": e.at.UnixMilli(), "message": e.message, "ingestionTime": e.ingested.UnixMilli()}
}

// getEvents pages through a stream both ways: its tokens name the event that the next page forward begins
// with, or the one that the page backward ends before.
func (l *Logs) getEvents(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g, err := l.find(input.group())
	if err != nil {
		return nil, err
	}
	if g.streams[input.LogStreamName] == nil {
		return nil, noStream
	}
	var events []event
	for _, e := range g.events {
		if e.stream == input.LogStreamName && input.within(e) {
			events = append(events, e)
		}
	}
	direction, number, ok := strings.Cut(input.NextToken, "/")
	at, err := strconv.Atoi(number)
	switch {
	case input.NextToken == "":
		direction, at = "b", g.next
		if input.StartFromHead {
			direction, at = "f", 0
		}
	case !ok || err != nil || direction != "f" && direction != "b":
		return nil, invalid("The specified nextToken is invalid.")
	}
	cut, _ := slices.BinarySearchFunc(events, at, func(e event, number int) int { return e.number - number })
	limit := input.limit(eventsMost)
	begin, end := cut, at
	if direction == "f" {
		events = events[cut:min(cut+limit, len(events))]
	} else {
		events = events[max(0, cut-limit):cut]
	}
	begin = at
	if len(events) > 0 {
		begin, end = events[0].number, events[len(events)-1].number+1
	}
	list := []any{}
	for _, e := range events {
		list = append(list, e.shown())
	}
	return map[string]any{
		"events": list, "nextForwardToken": fmt.Sprintf("f/%d", end), "nextBackwardToken": fmt.Sprintf("b/%d", begin),
	}, nil
}
