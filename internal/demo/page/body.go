package page

import (
	"encoding/json"
	"fmt"
	"slices"
)

// body is a dashboard's body (Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax"), as far as it
// is drawn here.
type body struct {
	Widgets []widget `json:"widgets"`
}

// widget is one field of a dashboard's grid, which is 24 columns wide. A row is as high as a column is wide in
// CloudWatch's own console at its usual size.
type widget struct {
	Type       string     `json:"type"` // metric, text, alarm, log, explorer, custom
	X          int        `json:"x"`
	Y          int        `json:"y"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
	Properties properties `json:"properties"`
}

// properties are those of metric, text and alarm widgets together.
type properties struct {
	Title       string              `json:"title"`
	View        string              `json:"view"` // timeSeries, singleValue, gauge, bar, pie, table
	Stacked     bool                `json:"stacked"`
	Sparkline   bool                `json:"sparkline"`
	Stat        string              `json:"stat"`
	Period      int                 `json:"period"` // seconds
	Metrics     [][]json.RawMessage `json:"metrics"`
	YAxis       axes                `json:"yAxis"`
	Annotations annotations         `json:"annotations"`
	Markdown    string              `json:"markdown"`
	Alarms      []string            `json:"alarms"` // ARNs, of an alarm widget
}

type axes struct {
	Left  axis `json:"left"`
	Right axis `json:"right"`
}

// axis is the range and the name of a vertical axis.
type axis struct {
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
	Label string   `json:"label,omitempty"`
}

type annotations struct {
	Horizontal []level  `json:"horizontal"`
	Alarms     []string `json:"alarms"` // ARNs: the graph is of what the alarm watches
}

// level is a horizontal annotation: a line, or a band between two values.
type level struct {
	Value   float64  `json:"value"`
	To      *float64 `json:"to,omitempty"` // the other end of a band
	Label   string   `json:"label,omitempty"`
	Color   string   `json:"color,omitempty"`
	Fill    string   `json:"fill,omitempty"` // above, below, none
	Axis    string   `json:"yAxis,omitempty"`
	Visible *bool    `json:"visible,omitempty"`
}

// UnmarshalJSON reads a line, {"value": …}, and a band, [{"value": …}, {"value": …}].
func (l *level) UnmarshalJSON(data []byte) error {
	type plain level
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*plain)(l))
	}
	var ends []plain
	if err := json.Unmarshal(data, &ends); err != nil {
		return err
	}
	if len(ends) != 2 {
		return fmt.Errorf("a band has two ends, not %d", len(ends))
	}
	*l = level(ends[0])
	l.To = &ends[1].Value
	return nil
}

// line is one entry of a metric widget: a metric's statistic, or an expression.
type line struct {
	ID         string
	Label      string
	Expression string
	Namespace  string
	Name       string
	Dimensions [][2]string
	Stat       string
	Period     int
	Color      string
	Axis       string // left or right
	Visible    bool
}

// lines reads the entries of a metric widget. A "." stands for what the entry before has in this place, and "…",
// written as three dots, for all that it has but the last ones.
func (p properties) lines() ([]line, error) {
	var list []line
	var before []string
	for n, entry := range p.Metrics {
		options := struct {
			ID         string `json:"id"`
			Label      string `json:"label"`
			Expression string `json:"expression"`
			Stat       string `json:"stat"`
			Period     int    `json:"period"`
			Color      string `json:"color"`
			YAxis      string `json:"yAxis"`
			Visible    *bool  `json:"visible"`
		}{Stat: p.Stat, Period: p.Period}
		if last := len(entry) - 1; last >= 0 && entry[last][0] == '{' {
			if err := json.Unmarshal(entry[last], &options); err != nil {
				return nil, fmt.Errorf("read the options of entry %d: %w", n, err)
			}
			entry = entry[:last]
		}
		made := line{
			ID: options.ID, Label: options.Label, Expression: options.Expression, Stat: options.Stat, Period: options.Period,
			Color: options.Color, Axis: options.YAxis, Visible: options.Visible == nil || *options.Visible,
		}
		if made.ID == "" {
			made.ID = fmt.Sprintf("entry_%d", n)
		}
		if made.Stat == "" {
			made.Stat = "Average"
		}
		if made.Period == 0 {
			made.Period = 300
		}
		if made.Axis == "" {
			made.Axis = "left"
		}
		if made.Expression == "" {
			fields, err := written(entry, before)
			if err != nil {
				return nil, fmt.Errorf("read entry %d: %w", n, err)
			}
			before = fields
			made.Namespace, made.Name = fields[0], fields[1]
			for i := 2; i < len(fields); i += 2 {
				made.Dimensions = append(made.Dimensions, [2]string{fields[i], fields[i+1]})
			}
		}
		list = append(list, made)
	}
	return list, nil
}

// written writes the fields of an entry out: namespace, name, and names and values of dimensions.
func written(entry []json.RawMessage, before []string) ([]string, error) {
	fields := make([]string, len(entry))
	for i, raw := range entry {
		if err := json.Unmarshal(raw, &fields[i]); err != nil {
			return nil, err
		}
	}
	if len(fields) > 0 && fields[0] == "..." {
		rest := fields[1:]
		if len(rest) > len(before) {
			return nil, fmt.Errorf("%d fields end one of %d", len(rest), len(before))
		}
		fields = slices.Concat(before[:len(before)-len(rest)], rest)
	}
	for i := range fields {
		if fields[i] == "." {
			if i >= len(before) {
				return nil, fmt.Errorf("field %d repeats what is not there", i)
			}
			fields[i] = before[i]
		}
	}
	if len(fields) < 2 || len(fields)%2 != 0 {
		return nil, fmt.Errorf("it has %d fields", len(fields))
	}
	return fields, nil
}
