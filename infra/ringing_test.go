package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	localresource "headroom/internal/local/resource"
	"headroom/internal/local/service/cloudwatch"
)

// unknownQuotas are alarms on shares of quotas that only AWS knows: the local CloudWatch has no data of them.
var unknownQuotas = []string{"quota-near-fargate-vcpus"}

// bell is a CloudWatch with the alarms of a template, and whom they have called.
type bell struct {
	alarms *cloudwatch.Alarms
	now    time.Time
	called []string // topic and subject
}

func newBell(t *testing.T, templates ...template) *bell {
	t.Helper()
	b := &bell{now: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)}
	b.alarms = cloudwatch.New(cloudwatch.Config{
		Account: "123456789012", Region: "eu-west-1", Now: func() time.Time { return b.now },
		Notify: func(_ context.Context, _, topic, subject, _ string) error {
			b.called = append(b.called, topic+" "+subject)
			return nil
		},
	})
	for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"} { // which is on the others
		for _, template := range templates {
			for id, r := range template.of(kind) {
				made := localresource.Resource{StackName: "s", LogicalID: id, Type: kind, Properties: resolved(r.Properties).(map[string]any)}
				if _, err := b.alarms.Create(t.Context(), made); err != nil {
					t.Fatalf("%s: %v", id, err)
				}
			}
		}
	}
	return b
}

// resolved puts stand-ins for what is known at the deployment only.
func resolved(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, part := range v {
			out = append(out, resolved(part))
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for name := range v {
				if strings.HasPrefix(name, "Fn::") || name == "Ref" {
					text := plain(v)
					if strings.Contains(text, "Topic") || strings.HasPrefix(text, "<Pages") || strings.HasPrefix(text, "<Notifications") {
						return "arn:aws:sns:eu-west-1:123456789012:" + text
					}
					return text
				}
			}
		}
		out := map[string]any{}
		for name, part := range v {
			out[name] = resolved(part)
		}
		return out
	}
	return v
}

// watchedBy are the metrics of an alarm, each once.
func watchedBy(properties map[string]any) []cloudwatch.Metric {
	of := func(m map[string]any) cloudwatch.Metric {
		metric := cloudwatch.Metric{Namespace: m["Namespace"].(string), Name: m["MetricName"].(string), Dimensions: map[string]string{}}
		list, _ := m["Dimensions"].([]any)
		for _, d := range list {
			metric.Dimensions[at(d, "Name").(string)] = at(d, "Value").(string)
		}
		return metric
	}
	if properties["MetricName"] != nil {
		return []cloudwatch.Metric{of(properties)}
	}
	var metrics []cloudwatch.Metric
	queries, _ := properties["Metrics"].([]any)
	for _, q := range queries {
		if m, ok := at(q, "MetricStat", "Metric").(map[string]any); ok {
			metrics = append(metrics, of(m))
		}
	}
	return metrics
}

// pass lets minutes pass in which metrics have a value; nil: they send nothing.
func (b *bell) pass(minutes int, metrics []cloudwatch.Metric, value *float64) {
	for range minutes {
		if value != nil {
			for _, m := range metrics {
				b.alarms.Metrics.Put(m, cloudwatch.Datum{At: b.now, Value: *value})
			}
		}
		before := b.now
		b.now = b.now.Add(time.Minute)
		b.alarms.Evaluate(context.Background(), before, b.now)
	}
}

// ringing says which alarms ring.
func (b *bell) ringing(t *testing.T) map[string]bool {
	t.Helper()
	ring := map[string]bool{}
	for _, name := range b.alarms.Names("") {
		ring[name] = b.alarms.State(name) == cloudwatch.Alarming
	}
	return ring
}

// Each alarm is made to ring by what it watches, calls whom its name says, and is over when that is.
func TestEveryAlarmRingsAndIsOver(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for kind, templates := range map[string]template{"control": a.control, "database": a.database, "share": a.share} {
			all := templates.of("AWS::CloudWatch::Alarm")
			for _, id := range slices.Sorted(maps.Keys(all)) {
				properties := resolved(all[id].Properties).(map[string]any)
				name, _ := properties["AlarmName"].(string)
				if slices.ContainsFunc(unknownQuotas, func(what string) bool { return strings.HasSuffix(name, what) }) {
					continue
				}
				t.Run(kind+" "+name, func(t *testing.T) { ring(t, a, templates, properties) })
			}
		}
	})
}

func ring(t *testing.T, a assembly, of template, properties map[string]any) {
	name, metrics := properties["AlarmName"].(string), watchedBy(properties)
	bad, good := edge(t, properties)
	b := newBell(t, of)
	b.pass(60, metrics, good)
	if b.ringing(t)[name] {
		t.Fatalf("with %v it rings", *good)
	}
	b.called = nil
	b.pass(60, metrics, bad)
	if !b.ringing(t)[name] {
		t.Fatalf("with %v it does not ring", bad)
	}
	rang := strings.Join(b.called, "\n")
	b.pass(60, metrics, good)
	if b.ringing(t)[name] {
		t.Errorf("with %v it rings on", *good)
	}
	switch severity, _, _ := strings.Cut(strings.TrimPrefix(name, "headroom-"+a.stage.Name+"-"), "-"); {
	case severity == string(Page) && !strings.Contains(rang, "<Pages"), severity == string(Ticket) && !strings.Contains(rang, "<Notifications"):
		t.Errorf("it called %q", rang)
	case strings.HasPrefix(name, "<") && rang != "":
		t.Errorf("a host's alarm called %q itself", rang)
	}
}

// edge is a value at which an alarm rings, and one at which it does not; nil: nothing is sent.
func edge(t *testing.T, properties map[string]any) (bad, good *float64) {
	t.Helper()
	threshold, _ := properties["Threshold"].(float64)
	if strings.Contains(fmt.Sprint(properties["Statistic"]), "SampleCount") || properties["TreatMissingData"] == "breaching" && properties["ComparisonOperator"] == below {
		return nil, new(1.0)
	}
	// Expressions reckon with constants of their own; far enough is beyond them.
	far := 1000 * max(threshold, 1)
	if properties["ComparisonOperator"] == below || properties["ComparisonOperator"] == atMost {
		return new(0.0), &far
	}
	return &far, new(0.0)
}

// Customers are waiting if one of two alarms says so, or are about to if two others do.
func TestThePageThatCustomersWaitRings(t *testing.T) {
	for _, test := range []struct {
		on   []string
		want bool
	}{
		{nil, false},
		{[]string{"page-tenants-waiting"}, true},
		{[]string{"page-signups-ageing"}, true},
		{[]string{"ticket-pool-low"}, false},
		{[]string{"ticket-wait-near"}, false},
		{[]string{"ticket-pool-low", "ticket-wait-near"}, true},
	} {
		forEachStage(t, func(t *testing.T, a assembly) {
			prefix := "headroom-" + a.stage.Name + "-"
			b := newBell(t, a.control)
			for _, what := range test.on {
				if err := b.alarms.SetState(t.Context(), prefix+what, cloudwatch.Alarming, "test"); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.ringing(t)[prefix+"page-customers-waiting"]; got != test.want {
				t.Errorf("with %q it rings: %t", test.on, got)
			}
		})
	}
}
