package page

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// board is a dashboard with what its widgets show between two times.
type board struct {
	Name   string  `json:"name"`
	Start  int64   `json:"start"` // Unix seconds, as all times of charts
	End    int64   `json:"end"`
	Charts []chart `json:"charts"`
}

// chart is a widget with what it shows.
type chart struct {
	X         int      `json:"x"`
	Y         int      `json:"y"`
	Width     int      `json:"width"`
	Height    int      `json:"height"`
	Type      string   `json:"type"`
	View      string   `json:"view,omitempty"`
	Title     string   `json:"title,omitempty"`
	Text      string   `json:"text,omitempty"` // Markdown
	Stacked   bool     `json:"stacked,omitempty"`
	Sparkline bool     `json:"sparkline,omitempty"`
	Axes      axes     `json:"axes"`
	Levels    []level  `json:"levels,omitempty"`
	Times     []int64  `json:"times"`
	Series    []series `json:"series"`
	Alarms    []alarm  `json:"alarms,omitempty"`
	Error     string   `json:"error,omitempty"` // why it can't be drawn
}

// series is a run of values, one a time of its chart; null where there is none.
type series struct {
	Label  string     `json:"label"`
	Color  string     `json:"color,omitempty"`
	Axis   string     `json:"axis"`
	Values []*float64 `json:"values"`
}

// monitoring is CloudWatch, as far as it is asked.
type monitoring struct {
	client *cloudwatch.Client
	name   string // of the dashboard
}

// board reads the dashboard as it is now, and what it shows. A widget that can't be read says so itself.
func (m monitoring) board(ctx context.Context, from, to time.Time) (board, error) {
	out, err := m.client.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &m.name})
	if err != nil {
		return board{}, fmt.Errorf("read dashboard %s: %w", m.name, err)
	}
	var read body
	if err := json.Unmarshal([]byte(aws.ToString(out.DashboardBody)), &read); err != nil {
		return board{}, fmt.Errorf("read the body of dashboard %s: %w", m.name, err)
	}
	b := board{Name: m.name, Start: from.Unix(), End: to.Unix(), Charts: []chart{}}
	for _, w := range read.Widgets {
		b.Charts = append(b.Charts, m.chart(ctx, w, from, to))
	}
	return b, nil
}

func (m monitoring) chart(ctx context.Context, w widget, from, to time.Time) chart {
	p := w.Properties
	c := chart{
		X: w.X, Y: w.Y, Width: w.Width, Height: w.Height, Type: w.Type, View: cmp.Or(p.View, "timeSeries"), Title: p.Title,
		Text: p.Markdown, Stacked: p.Stacked, Sparkline: p.Sparkline, Axes: p.YAxis, Levels: visible(p.Annotations.Horizontal),
		Times: []int64{}, Series: []series{},
	}
	var err error
	switch w.Type {
	case "text":
	case "alarm":
		c.Alarms, err = m.alarmsOf(ctx, p.Alarms)
	case "metric":
		err = m.plot(ctx, &c, p, from, to)
	default:
		err = fmt.Errorf("widgets of type %s are drawn in CloudWatch only", w.Type)
	}
	if err != nil {
		c.Error = err.Error()
	}
	return c
}

func visible(levels []level) []level {
	return slices.DeleteFunc(levels, func(l level) bool { return l.Visible != nil && !*l.Visible })
}

// plot puts into a chart what its metrics came to.
func (m monitoring) plot(ctx context.Context, c *chart, p properties, from, to time.Time) error {
	lines, err := p.lines()
	if err != nil {
		return err
	}
	if len(p.Annotations.Alarms) > 0 { // the graph of an alarm: what it watches, and its threshold
		if c.Alarms, err = m.alarmsOf(ctx, p.Annotations.Alarms); err != nil {
			return err
		}
		for _, a := range c.Alarms {
			lines = append(lines, a.watched...)
			c.Title = cmp.Or(c.Title, a.Name)
			if a.Threshold != nil {
				c.Levels = append(c.Levels, level{Value: *a.Threshold, Label: a.Rule})
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	longest := 1
	for _, l := range lines {
		longest = max(longest, l.Period)
	}
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(from.Truncate(time.Duration(longest) * time.Second)), EndTime: &to, ScanBy: types.ScanByTimestampAscending,
	}
	byID := map[string]line{}
	for _, l := range lines {
		byID[l.ID] = l
		in.MetricDataQueries = append(in.MetricDataQueries, l.query())
	}
	var results []types.MetricDataResult
	for pages := cloudwatch.NewGetMetricDataPaginator(m.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the metrics of %q: %w", c.Title, err)
		}
		results = append(results, page.MetricDataResults...)
	}
	c.align(results, byID)
	return nil
}

// query asks for a line.
func (l line) query() types.MetricDataQuery {
	q := types.MetricDataQuery{Id: &l.ID, ReturnData: &l.Visible}
	if l.Label != "" {
		q.Label = &l.Label
	}
	if l.Expression != "" {
		q.Expression, q.Period = &l.Expression, aws.Int32(int32(l.Period))
		return q
	}
	metric := &types.Metric{Namespace: &l.Namespace, MetricName: &l.Name}
	for _, d := range l.Dimensions {
		metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: &d[0], Value: &d[1]})
	}
	q.MetricStat = &types.MetricStat{Metric: metric, Period: aws.Int32(int32(l.Period)), Stat: &l.Stat}
	return q
}

// align puts all results over the same times. One query may have several results, as a search has; parts of one
// that came on several pages have one label.
func (c *chart) align(results []types.MetricDataResult, byID map[string]line) {
	at := map[int64]int{}
	for _, r := range results {
		for _, t := range r.Timestamps {
			at[t.Unix()] = 0
		}
	}
	c.Times = slices.AppendSeq(c.Times, maps.Keys(at))
	slices.Sort(c.Times)
	for i, t := range c.Times {
		at[t] = i
	}
	type key struct{ id, label string }
	place := map[key]int{}
	for _, r := range results {
		k := key{aws.ToString(r.Id), aws.ToString(r.Label)}
		i, known := place[k]
		if !known {
			l := byID[k.id]
			i = len(c.Series)
			place[k] = i
			c.Series = append(c.Series, series{Label: k.label, Color: l.Color, Axis: l.Axis, Values: make([]*float64, len(c.Times))})
		}
		for n, t := range r.Timestamps {
			c.Series[i].Values[at[t.Unix()]] = &r.Values[n]
		}
	}
}

// nameOf is the name in an alarm's ARN; a name stays as it is.
func nameOf(arn string) string {
	if _, name, found := strings.Cut(arn, ":alarm:"); found {
		return name
	}
	return arn
}
