package cloudwatch

import (
	"encoding/json"
	"strings"
	"time"
)

// PutLogged publishes what a line of a function's log says of metrics: those in the embedded metric format,
// and those that Lambda itself makes of an invocation that it reports.
func (m *Metrics) PutLogged(function string, at time.Time, text string) {
	switch {
	case strings.Contains(text, `"_aws"`):
		m.putEmbedded(at, text)
	case strings.Contains(text, `"platform.report"`), strings.Contains(text, `"platform.initReport"`):
		m.putReport(function, at, text)
	}
}

// putEmbedded reads a line in the embedded metric format. A line that is not in it is no metric.
func (m *Metrics) putEmbedded(at time.Time, text string) {
	var line map[string]json.RawMessage
	var directive struct {
		Timestamp         int64 // Unix milliseconds
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	if json.Unmarshal([]byte(text), &line) != nil || json.Unmarshal(line["_aws"], &directive) != nil {
		return
	}
	if directive.Timestamp != 0 {
		at = time.UnixMilli(directive.Timestamp)
	}
	for _, set := range directive.CloudWatchMetrics {
		for _, names := range set.Dimensions {
			dimensions := map[string]string{}
			for _, name := range names {
				var value string
				if json.Unmarshal(line[name], &value) == nil {
					dimensions[name] = value
				}
			}
			if len(dimensions) != len(names) {
				continue // one has no value
			}
			for _, metric := range set.Metrics {
				var data []Datum
				for _, value := range numbers(line[metric.Name]) {
					data = append(data, Datum{At: at, Value: value, Unit: metric.Unit})
				}
				if len(data) > 0 {
					m.Put(Metric{set.Namespace, metric.Name, dimensions}, data...)
				}
			}
		}
	}
}

// numbers reads a number, or a list of them.
func numbers(raw json.RawMessage) []float64 {
	var one float64
	if json.Unmarshal(raw, &one) == nil && string(raw) != "null" {
		return []float64{one}
	}
	var many []float64
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	return nil
}

// putReport reads the line in which Lambda reports an invocation. Throttles are none: an invocation waits
// here where Lambda would refuse it.
func (m *Metrics) putReport(function string, at time.Time, text string) {
	var line struct {
		Type   string
		Record struct {
			Status  string
			Metrics struct{ DurationMs float64 }
		}
	}
	if json.Unmarshal([]byte(text), &line) != nil || line.Type != "platform.report" && line.Type != "platform.initReport" {
		return
	}
	errors := 0.0
	if line.Record.Status != "success" {
		errors = 1
	}
	for name, datum := range map[string]Datum{
		"Invocations": {Value: 1, Unit: "Count"}, "Errors": {Value: errors, Unit: "Count"}, "Throttles": {Unit: "Count"},
		"Duration": {Value: line.Record.Metrics.DurationMs, Unit: "Milliseconds"}, // 0 of a process that never began
	} {
		datum.At = at
		m.Put(Metric{"AWS/Lambda", name, map[string]string{"FunctionName": function}}, datum)
	}
}
