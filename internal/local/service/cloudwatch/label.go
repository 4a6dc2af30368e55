package cloudwatch

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// labels name the time series that a query comes to. One that a search found bears what tells it from the others, after
// the query's own label, or what the label says of it (CloudWatch User Guide, "Using dynamic labels").
func (q query) labels(list []answered) []string {
	labels := make([]string, len(list))
	for i, one := range list {
		switch {
		case one.metric != nil && strings.Contains(q.Label, "${"):
			labels[i] = dynamic(q.Label, one, list)
		case one.metric != nil:
			labels[i] = strings.TrimSpace(q.Label + " " + distinct(*one.metric, list))
		case q.Label != "":
			labels[i] = q.Label
		case q.MetricStat != nil:
			labels[i] = q.MetricStat.Metric.MetricName
		default:
			labels[i] = q.ID
		}
	}
	return labels
}

var property = regexp.MustCompile(`\$\{(?:LABEL|PROP\('([^']*)'\))\}`)

// dynamic puts a metric's properties into a label. What else CloudWatch puts into labels stays as it stands.
func dynamic(label string, of answered, among []answered) string {
	return property.ReplaceAllStringFunc(label, func(found string) string {
		switch name := property.FindStringSubmatch(found)[1]; name {
		case "":
			return distinct(*of.metric, among)
		case "MetricName":
			return of.metric.Name
		case "Namespace":
			return of.metric.Namespace
		case "Stat":
			return of.stat
		default:
			return of.metric.Dimensions[strings.TrimPrefix(name, "Dim.")]
		}
	})
}

// distinct is what tells a metric from others: its name and values of dimensions, as far as they differ.
func distinct(m Metric, among []answered) string {
	differs := func(part func(Metric) string) bool {
		return slices.ContainsFunc(among, func(other answered) bool { return other.metric != nil && part(*other.metric) != part(m) })
	}
	var parts []string
	if differs(func(m Metric) string { return m.Name }) {
		parts = append(parts, m.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		if differs(func(m Metric) string { return m.Dimensions[name] }) {
			parts = append(parts, m.Dimensions[name])
		}
	}
	if len(parts) == 0 {
		return m.Name
	}
	return strings.Join(parts, " ")
}
