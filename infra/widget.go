package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// A dashboard's body, as CloudWatch takes it (API reference, "Dashboard body structure and syntax").
type body struct {
	Start          string       `json:"start"`
	PeriodOverride string       `json:"periodOverride"` // "inherit": widgets have the periods that they say
	Widgets        []bodyWidget `json:"widgets"`
}

type bodyWidget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties any    `json:"properties"`
}

type textProperties struct {
	Markdown string `json:"markdown"`
}

type alarmProperties struct {
	Title  string    `json:"title"`
	Alarms []*string `json:"alarms"` // ARNs, 100 at most
}

type metricProperties struct {
	Title       string       `json:"title"`
	View        string       `json:"view"` // "timeSeries" or "singleValue"
	Region      *string      `json:"region"`
	Timezone    string       `json:"timezone"`
	Period      int          `json:"period"` // seconds
	Stat        string       `json:"stat"`
	Metrics     [][]any      `json:"metrics"`
	YAxis       *yAxis       `json:"yAxis,omitempty"`
	Annotations *annotations `json:"annotations,omitempty"`
}

type yAxis struct {
	Left axis `json:"left"`
}

type axis struct {
	Min       float64 `json:"min"`
	Label     string  `json:"label,omitempty"`
	ShowUnits bool    `json:"showUnits"`
}

type annotations struct {
	Horizontal []horizontal `json:"horizontal"`
}

// horizontal is a line at a value, with the side of it coloured on which an alarm rings.
type horizontal struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	Fill  string  `json:"fill"`
}

const (
	gridWidth   = 24 // columns of a dashboard
	graphHeight = 6
	utc         = "+0000"
)

// line is one line of a graph, or several that a search finds.
type line struct {
	namespace, metric, statistic, label string
	dimensions                          map[string]*string
	expression                          string // in the metric's stead
	id                                  string // by which expressions of the same graph name it; else empty
	hidden                              bool   // only expressions see it
}

// watched is the metric that a line shows, as alarms name it.
func (l line) watched() string { return l.namespace + " " + l.metric }

// array is a line as the body has it.
func (l line) array() []any {
	options := map[string]any{"label": l.label}
	if l.id != "" {
		options["id"] = l.id
	}
	if l.hidden {
		options["visible"] = false
	}
	if l.expression != "" {
		options["expression"] = l.expression
		return []any{options}
	}
	options["stat"] = l.statistic
	array := []any{l.namespace, l.metric}
	for _, name := range slices.Sorted(maps.Keys(l.dimensions)) {
		array = append(array, name, l.dimensions[name])
	}
	return append(array, options)
}

// found searches a metric of hosts, which come and go after the synthesis: a line each, called by the dimension that
// names it. Several words are looked for one after the other in it ("headroom-dev-database").
func found(namespace, metric, statistic string, dimensions []string, words, name string, period int) line {
	schema := namespace
	for _, d := range dimensions {
		schema += "," + d
	}
	return line{
		namespace: namespace, metric: metric, label: "${PROP('Dim." + name + "')}",
		expression: "SEARCH('{" + schema + `} MetricName="` + metric + `" ` + words + `', '` + statistic + "', " + strconv.Itoa(period) + ")",
	}
}

// widget is a widget's properties, and says its kind.
type widget struct {
	kind       string
	properties any
}

func words(markdown string) widget { return widget{"text", textProperties{markdown}} }

func status(title string, arns []*string) widget {
	const most = 100
	return widget{"alarm", alarmProperties{title, arns[:min(most, len(arns))]}}
}

// graph shows lines over time, with the thresholds of the alarms that are on them.
func (d *dashboard) graph(title string, period int, lines ...line) widget {
	p := metricProperties{
		Title: title, View: "timeSeries", Region: awscdk.Aws_REGION(), Timezone: utc, Period: period, Stat: "Average",
		YAxis: &yAxis{Left: axis{}},
	}
	for _, l := range lines {
		p.Metrics = append(p.Metrics, l.array())
		for _, h := range d.thresholds[l.watched()] {
			if p.Annotations == nil {
				p.Annotations = &annotations{}
			}
			if !slices.Contains(p.Annotations.Horizontal, h) {
				p.Annotations.Horizontal = append(p.Annotations.Horizontal, h)
			}
		}
	}
	return widget{"metric", p}
}

// numbers shows what lines are now.
func (d *dashboard) numbers(title string, lines ...line) widget {
	p := metricProperties{Title: title, View: "singleValue", Region: awscdk.Aws_REGION(), Timezone: utc, Period: 60, Stat: "Maximum"}
	for _, l := range lines {
		p.Metrics = append(p.Metrics, l.array())
	}
	return widget{"metric", p}
}

// row puts widgets side by side, the wider ones first where they can't be the same.
func (d *dashboard) row(height int, widgets ...widget) {
	x, left := 0, gridWidth
	for i, w := range widgets {
		width := (left + len(widgets) - i - 1) / (len(widgets) - i)
		d.body.Widgets = append(d.body.Widgets, bodyWidget{w.kind, x, d.y, width, height, w.properties})
		x, left = x+width, left-width
	}
	d.y += height
}

// thresholdOf is the line of an alarm's threshold on a graph.
func thresholdOf(p AlarmProps, name string) horizontal {
	fill := "above"
	if p.Comparison == below || p.Comparison == atMost {
		fill = "below"
	}
	return horizontal{Label: name, Value: p.Threshold, Fill: fill}
}
