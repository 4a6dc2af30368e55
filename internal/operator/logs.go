package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	// LogLinesMost is how many lines are shown at most, the latest.
	LogLinesMost = 1000
	// logPages bounds how much of one function's log is asked for.
	logPages = 20
	// threadsMost bounds how many correlation ids of a tenant or a host are looked for: a filter pattern takes 1,024 characters.
	threadsMost = 8
)

// LogLine is a line of the log of a function, or of a task.
type LogLine struct {
	At            time.Time      `json:"at"`
	Function      string         `json:"function"` // or task
	Level         string         `json:"level,omitempty"`
	Message       string         `json:"message"`
	CorrelationID string         `json:"correlationId,omitempty"`
	Fields        map[string]any `json:"fields,omitempty"`
}

// LogFilter says which lines are meant.
type LogFilter struct {
	Of    string // a tenant, a host, or a correlation id
	Since time.Duration
}

// Lines are the lines of all functions' and tasks' logs about a tenant or a host, or of what came of one message, the earliest first. more says
// that there are earlier ones, which are left out.
func (o *Operator) Lines(ctx context.Context, f LogFilter) (lines []LogLine, more bool, err error) {
	pattern, err := o.logPattern(ctx, f.Of)
	if err != nil {
		return nil, false, err
	}
	groups := map[string]string{}
	for _, function := range o.functions() {
		groups[function] = "/aws/lambda/headroom-" + o.Stage + "-" + function
	}
	for _, task := range tasks {
		groups[task] = "/aws/ecs/headroom-" + o.Stage + "-" + task
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		found, err := o.linesOf(ctx, name, groups[name], pattern, o.Now().Add(-f.Since))
		if err != nil {
			return nil, false, err
		}
		lines = append(lines, found...)
	}
	slices.SortStableFunc(lines, func(a, b LogLine) int { return a.At.Compare(b.At) })
	if over := len(lines) - LogLinesMost; over > 0 {
		return lines[over:], true, nil
	}
	return lines, false, nil
}

// LogPattern is the filter pattern of CloudWatch Logs for what came of the messages with some correlation ids.
func LogPattern(correlations ...string) string {
	var any []string
	for _, id := range correlations {
		any = append(any, fmt.Sprintf("$.correlationId = %q", id))
	}
	return "{ " + strings.Join(any, " || ") + " }"
}

// logPattern finds what is meant: a tenant there is, a host there was, or else a correlation id.
func (o *Operator) logPattern(ctx context.Context, of string) (string, error) {
	if err := Judge("tenant, host or correlation id", of); err != nil {
		return "", err
	}
	t, err := o.Ledger.Tenant(ctx, pool.TenantID(of))
	if err == nil {
		history, err := o.History(ctx, of)
		return logPatternOf("tenant", string(t.ID), history), err
	}
	if !errors.Is(err, pool.ErrNotFound) {
		return "", err
	}
	host, err := o.Ledger.Host(ctx, pool.HostID(of))
	if err == nil {
		history, err := o.hostHistory(ctx, host)
		return logPatternOf("host", string(host.ID), history), err
	}
	if !errors.Is(err, pool.ErrNotFound) {
		return "", err
	}
	return LogPattern(of), nil
}

// hostHistory is what was done to a host and its repairs.
func (o *Operator) hostHistory(ctx context.Context, h pool.Host) ([]Event, error) {
	history := eventsOf("host", h.History)
	r, err := o.Ledger.Repair(ctx, h.ID)
	if errors.Is(err, pool.ErrNotFound) {
		return history, nil
	}
	history = append(history, eventsOf("repair", r.History)...)
	slices.SortStableFunc(history, func(a, b Event) int { return a.At.Compare(b.At) })
	return history, err
}

// logPatternOf is the filter pattern for the lines that name a record, and those of what came of the messages that its
// history names, the latest of them.
func logPatternOf(field, id string, history []Event) string {
	ids := []string{}
	for _, e := range slices.Backward(history) {
		if id := e.CorrelationID; events.ValidCorrelation(id) && !slices.Contains(ids, id) && len(ids) < threadsMost {
			ids = append(ids, id)
		}
	}
	about := fmt.Sprintf("$.%s = %q", field, id)
	if len(ids) == 0 {
		return "{ " + about + " }"
	}
	return strings.TrimSuffix(LogPattern(ids...), " }") + " || " + about + " }"
}

// functions are those that queues drive.
func (o *Operator) functions() []string {
	names := map[string]bool{}
	for key := range o.Outputs {
		prefix, ok := strings.CutSuffix(key, deadLettersOutput)
		if !ok {
			continue
		}
		queue := strings.ToLower(prefix)
		function, named := drives[queue]
		if !named {
			function = queue
		}
		if function != "" {
			names[function] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// tasks are what the functions run: it does the work that takes longer than a function may.
var tasks = []string{"archivist", "prober"}

// linesOf are the lines of one function's, or task's, log. One that never ran has none.
func (o *Operator) linesOf(ctx context.Context, function, group, pattern string, since time.Time) ([]LogLine, error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(o.Logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: &pattern, StartTime: aws.Int64(since.UnixMilli()),
	})
	var lines []LogLine
	for range logPages {
		if !pages.HasMorePages() {
			break
		}
		page, err := pages.NextPage(ctx)
		if awsclient.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the log of %s: %w", function, err)
		}
		for _, e := range page.Events {
			lines = append(lines, lineOf(function, time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), aws.ToString(e.Message)))
		}
	}
	return lines, nil
}

// lineOf reads a line that a function wrote as JSON. It is shown as what may be shown of a message.
func lineOf(function string, at time.Time, text string) LogLine {
	l := LogLine{At: at, Function: function}
	if err := json.Unmarshal([]byte(redacted(text)), &l.Fields); err != nil {
		l.Message = bounded(printable(redacted(text)), bodyShown)
		return l
	}
	take := func(names ...string) string {
		for _, name := range names {
			if value, ok := l.Fields[name].(string); ok {
				delete(l.Fields, name)
				return bounded(printable(value), bodyShown)
			}
		}
		return ""
	}
	l.Level, l.Message, l.CorrelationID = take("level"), take("msg", "message"), take("correlationId")
	for _, name := range []string{"time", "timestamp", "requestId"} {
		delete(l.Fields, name)
	}
	return l
}
