package endtoend

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"headroom/internal/telemetry"
)

// series names a metric with its dimensions: "Headroom/SlotsFree Kind=share Stage=dev Tier=standard".
func series(namespace, name string, dimensions map[string]string) string {
	text := namespace + "/" + name
	for _, d := range slices.Sorted(maps.Keys(dimensions)) {
		text += fmt.Sprintf(" %s=%s", d, dimensions[d])
	}
	return text
}

// ofLeaving are metrics that are measured only where a tenant leaves, ofMending those where a host is mended.
var (
	ofLeaving = []string{"TenantsReleased"}
	ofMending = []string{"HostsRepaired", "RepairsAsking", "UnwritableTime"}
)

// measuresWhatIsShown wants the functions to have measured each of their metrics on the dashboard,
// and every other one there to be of a resource that there is.
// Nobody leaves, and nothing has to be mended.
func (s *system) measuresWhatIsShown(t *testing.T) {
	measured, resources := s.measured(), map[string]bool{}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		resources[r.Type+" "+r.PhysicalID[strings.LastIndex(r.PhysicalID, "/")+1:]] = true // a queue's is its URL
	}
	ours, aws := 0, 0
	for _, m := range s.shown(t) {
		if m.namespace == telemetry.Namespace {
			ours++
			if name := series(m.namespace, m.name, m.dimensions); !measured[name] && !slices.Contains(ofLeaving, m.name) && !slices.Contains(ofMending, m.name) {
				t.Errorf("widget %q shows %s, which nothing measured", m.widget, name)
			}
			continue
		}
		aws++
		kind := map[string]string{"FunctionName": "AWS::Lambda::Function", "QueueName": "AWS::SQS::Queue"}
		for dimension, value := range m.dimensions {
			if !resources[kind[dimension]+" "+value] {
				t.Errorf("widget %q shows %s of %s %s, which is not there", m.widget, m.name, dimension, value)
			}
		}
	}
	if ours == 0 || aws == 0 {
		t.Errorf("the dashboard shows %d metrics of ours and %d of AWS", ours, aws)
	}
}

// metric is one line of a widget.
type metric struct {
	widget, namespace, name string
	dimensions              map[string]string
}

// shown lists what the dashboard shows.
func (s *system) shown(t *testing.T) (found []metric) {
	t.Helper()
	body, ok := s.Alarms.Dashboard(s.output(t, "DashboardName"))
	if !ok {
		t.Fatal("there is no dashboard")
	}
	var dashboard struct {
		Widgets []struct {
			Properties struct {
				Title   string
				Metrics [][]any
			}
		}
	}
	must(t, json.Unmarshal([]byte(body), &dashboard))
	for _, w := range dashboard.Widgets {
		for _, line := range w.Properties.Metrics {
			m := metric{widget: w.Properties.Title, dimensions: map[string]string{}}
			var words []string // namespace, name, and dimensions in pairs; options come last
			for _, word := range line {
				if text, ok := word.(string); ok {
					words = append(words, text)
				}
			}
			m.namespace, m.name = words[0], words[1]
			for pair := range slices.Chunk(words[2:], 2) {
				m.dimensions[pair[0]] = pair[1]
			}
			found = append(found, m)
		}
	}
	return found
}

// measured are the metrics in the functions' logs.
func (s *system) measured() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]bool{}
	for _, line := range s.lines {
		var emf struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		var values map[string]any
		if json.Unmarshal([]byte(line.Text), &emf) != nil || json.Unmarshal([]byte(line.Text), &values) != nil {
			continue
		}
		for _, m := range emf.AWS.CloudWatchMetrics {
			for _, names := range m.Dimensions {
				dimensions := map[string]string{}
				for _, name := range names {
					dimensions[name] = fmt.Sprint(values[name])
				}
				for _, metric := range m.Metrics {
					if _, ok := values[metric.Name].(float64); ok {
						found[series(m.Namespace, metric.Name, dimensions)] = true
					}
				}
			}
		}
	}
	return found
}
