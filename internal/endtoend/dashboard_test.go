package endtoend

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/events"
	"headroom/internal/pool"
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

// ofLeaving are metrics that are measured only where a tenant leaves, ofRetiring those where hosts go, ofMending those
// where a gateway is mended, and ofMisfortunes those where things don't come about or are not ours, each of which a test of
// that wants. ofTrouble are those that gateways send only in trouble.
var (
	ofLeaving     = []string{"TenantsReleased", "ArchiveAge", "ScrubAge"}
	ofRetiring    = []string{"HostsRetired"}
	ofMending     = []string{"HostsRepaired", "RepairsAsking", "UnwritableTime"}
	ofMisfortunes = []string{"StepsOverdue", "StepsGivenUp", "EventsIgnored"}
	ofTrouble     = []string{"AvailabilityNotifications", "HealthNotifications"}
)

// measuresWhatIsShown wants the functions to have measured each of their metrics on the dashboard and under an alarm, and
// no other; every other one there to be of a resource that there is; and every search to find what hosts measure.
// Nobody leaves, and nothing has to be mended.
func (s *system) measuresWhatIsShown(t *testing.T) {
	for _, quota := range pool.QuotaNames { // by the first pool check after they were read
		s.wasMeasured(t, []string{telemetry.QuotaUsed.Name}, map[string]string{"Stage": stage, "Of": quota})
	}
	s.reconciles(t)
	measured, resources := s.measured(), map[string]bool{}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		resources[r.Type+" "+r.PhysicalID[strings.LastIndex(r.PhysicalID, "/")+1:]] = true // a queue's is its URL
	}
	seldom := slices.Concat(ofLeaving, ofRetiring, ofMending, ofMisfortunes)
	ours, others, looked := 0, 0, map[string]bool{}
	for _, m := range append(s.shown(t), s.watched(t)...) {
		if m.namespace == telemetry.Namespace {
			ours++
			looked[m.name] = true
			if name := series(m.namespace, m.name, m.dimensions); !measured[name] && !slices.Contains(seldom, m.name) {
				t.Errorf("%q shows %s, which nothing measured", m.widget, name)
			}
			continue
		}
		kind := map[string]string{"FunctionName": "AWS::Lambda::Function", "QueueName": "AWS::SQS::Queue"}
		for dimension, value := range m.dimensions {
			if kind[dimension] == "" {
				continue // a host's, or of the account
			}
			others++
			if !resources[kind[dimension]+" "+value] {
				t.Errorf("%q shows %s of %s %s, which is not there", m.widget, m.name, dimension, value)
			}
		}
	}
	for name := range measured {
		if of, ok := strings.CutPrefix(strings.Fields(name)[0], telemetry.Namespace+"/"); ok && !looked[of] {
			t.Errorf("%s is measured, and nobody looks at it", name)
		}
	}
	if ours == 0 || others == 0 {
		t.Errorf("the dashboard shows %d metrics of ours and %d of AWS", ours, others)
	}
	s.findsHosts(t)
}

// wasMeasured wants each of the metrics to be measured with the dimensions, at the latest in a moment: a line of a log
// may come after the event that was waited for.
func (s *system) wasMeasured(t *testing.T, metrics []string, dimensions map[string]string) {
	t.Helper()
	for _, metric := range metrics {
		name := series(telemetry.Namespace, metric, dimensions)
		s.await(t, name+" is measured", func() bool { return s.measured()[name] })
	}
}

// reconciles has AWS held against the ledger now, which knows of hosts by now: the next round of itself is far away.
func (s *system) reconciles(t *testing.T) {
	t.Helper()
	round, err := json.Marshal(events.NewReconcileRound())
	must(t, err)
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if r.Type == "AWS::SQS::Queue" && strings.HasPrefix(r.LogicalID, "ReconcileQueue") {
			s.sendTo(t, r.PhysicalID, string(round))
		}
	}
	for _, kind := range pool.Kinds {
		s.wasMeasured(t, []string{telemetry.TenantsOnFullest.Name}, map[string]string{"Stage": stage, "Kind": string(kind), "Tier": "standard"})
	}
}

// findsHosts wants each search of the dashboard to find series with data, and each other expression to come to some.
func (s *system) findsHosts(t *testing.T) {
	client := cloudwatch.NewFromConfig(s.AWS())
	for _, w := range s.widgets(t) {
		var queries []types.MetricDataQuery
		for i, line := range w.Properties.Metrics {
			if q, ok := queryOf(line, i, w.Properties.Period); ok {
				queries = append(queries, q)
			}
		}
		if !slices.ContainsFunc(queries, func(q types.MetricDataQuery) bool { return q.Expression != nil }) || containsAny(queries, ofTrouble) {
			continue
		}
		s.await(t, fmt.Sprintf("widget %q draws something", w.Properties.Title), func() bool {
			now := s.Clock.Now()
			out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Minute)), MetricDataQueries: queries,
			})
			must(t, err)
			for _, r := range out.MetricDataResults {
				if len(r.Values) > 0 {
					return true
				}
			}
			return false
		})
	}
}

func containsAny(queries []types.MetricDataQuery, names []string) bool {
	return slices.ContainsFunc(queries, func(q types.MetricDataQuery) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(aws.ToString(q.Expression), name) })
	})
}

// queryOf is a widget's line as GetMetricData takes it.
func queryOf(line []any, number, period int) (q types.MetricDataQuery, ok bool) {
	options, ok := line[len(line)-1].(map[string]any)
	if !ok {
		return q, false
	}
	text := func(name string) string { value, _ := options[name].(string); return value }
	q.Id = aws.String(cmp.Or(text("id"), fmt.Sprintf("q%d", number)))
	q.ReturnData = aws.Bool(options["visible"] != false)
	if expression := text("expression"); expression != "" {
		q.Expression = &expression
		return q, true
	}
	metric := &types.Metric{Namespace: aws.String(line[0].(string)), MetricName: aws.String(line[1].(string))}
	for i := 2; i+1 < len(line); i += 2 {
		metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: aws.String(line[i].(string)), Value: aws.String(line[i+1].(string))})
	}
	q.MetricStat = &types.MetricStat{Metric: metric, Period: aws.Int32(int32(period)), Stat: aws.String(text("stat"))}
	return q, true
}

// watched lists what the alarms are on.
func (s *system) watched(t *testing.T) (found []metric) {
	t.Helper()
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(s.AWS()), &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, a := range page.MetricAlarms {
			note := func(namespace, name *string, dimensions []types.Dimension) {
				m := metric{widget: *a.AlarmName, namespace: aws.ToString(namespace), name: aws.ToString(name), dimensions: map[string]string{}}
				for _, d := range dimensions {
					m.dimensions[*d.Name] = *d.Value
				}
				found = append(found, m)
			}
			if a.MetricName != nil {
				note(a.Namespace, a.MetricName, a.Dimensions)
			}
			for _, q := range a.Metrics {
				if q.MetricStat != nil {
					note(q.MetricStat.Metric.Namespace, q.MetricStat.Metric.MetricName, q.MetricStat.Metric.Dimensions)
				}
			}
		}
	}
	return found
}

// metric is one line of a widget.
type metric struct {
	widget, namespace, name string
	dimensions              map[string]string
}

// drawn is a widget of the dashboard.
type drawn struct {
	Properties struct {
		Title   string
		Period  int
		Metrics [][]any
	}
}

func (s *system) widgets(t *testing.T) []drawn {
	t.Helper()
	body, ok := s.Alarms.Dashboard(s.output(t, "DashboardName"))
	if !ok {
		t.Fatal("there is no dashboard")
	}
	var dashboard struct{ Widgets []drawn }
	must(t, json.Unmarshal([]byte(body), &dashboard))
	return dashboard.Widgets
}

// shown lists what the dashboard shows, but for what it searches.
func (s *system) shown(t *testing.T) (found []metric) {
	t.Helper()
	for _, w := range s.widgets(t) {
		for _, line := range w.Properties.Metrics {
			m := metric{widget: w.Properties.Title, dimensions: map[string]string{}}
			var words []string // namespace, name, and dimensions in pairs; options come last
			for _, word := range line {
				if text, ok := word.(string); ok {
					words = append(words, text)
				}
			}
			if len(words) == 0 {
				continue // an expression
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
