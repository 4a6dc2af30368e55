package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"headroom/internal/telemetry"
)

// shown is a dashboard's body as CloudWatch reads it, with stand-ins for what is known at the deployment only.
type shown struct {
	PeriodOverride string
	Widgets        []struct {
		Type                string
		X, Y, Width, Height int
		Properties          struct {
			Title, View, Timezone, Markdown string
			Period                          int
			Metrics                         [][]any
			Alarms                          []string
			Annotations                     struct{ Horizontal []horizontal }
		}
	}
}

func dashboardOf(t *testing.T, a assembly) shown {
	t.Helper()
	for _, r := range a.control.of("AWS::CloudWatch::Dashboard") {
		var body shown
		if err := json.Unmarshal([]byte(plain(r.Properties["DashboardBody"])), &body); err != nil {
			t.Fatalf("the body can't be read: %v", err)
		}
		return body
	}
	t.Fatal("there is no dashboard")
	return shown{}
}

// watchedMetric is a metric that a widget or an alarm is on: its namespace, name, and the names of its dimensions, sorted.
func watchedMetric(namespace, name string, dimensions []string) string {
	return namespace + " " + name + " " + strings.Join(slices.Sorted(slices.Values(dimensions)), ",")
}

var searched = regexp.MustCompile(`SEARCH\('\{([^,}]+),([^}]*)\} MetricName="([^"]+)"`)

// metricsShown are the metrics that widgets and alarms are on.
func metricsShown(t *testing.T, a assembly) map[string]bool {
	t.Helper()
	watched := map[string]bool{}
	for _, w := range dashboardOf(t, a).Widgets {
		for _, m := range w.Properties.Metrics {
			options, _ := m[len(m)-1].(map[string]any)
			if expression, _ := options["expression"].(string); expression != "" {
				if found := searched.FindStringSubmatch(expression); found != nil {
					watched[watchedMetric(found[1], found[3], strings.Split(found[2], ","))] = true
				}
				continue
			}
			var names []string
			for i := 2; i < len(m)-1; i += 2 {
				names = append(names, m[i].(string))
			}
			watched[watchedMetric(m[0].(string), m[1].(string), names)] = true
		}
	}
	note := func(of map[string]any) {
		name, _ := of["MetricName"].(string)
		namespace, _ := of["Namespace"].(string)
		list, _ := of["Dimensions"].([]any)
		var names []string
		for _, d := range list {
			names = append(names, at(d, "Name").(string))
		}
		if name != "" {
			watched[watchedMetric(namespace, name, names)] = true
		}
	}
	for _, template := range a.templates() {
		for _, alarm := range template.of("AWS::CloudWatch::Alarm") {
			note(alarm.Properties)
			queries, _ := alarm.Properties["Metrics"].([]any)
			for _, q := range queries {
				metric, _ := at(q, "MetricStat", "Metric").(map[string]any)
				note(metric)
			}
		}
	}
	return watched
}

// What is shown is emitted, by the dimensions by which it is emitted; and what is emitted is shown.
func TestEveryMetricIsShownAndEveryWidgetHasAMetric(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		emitted := map[string]bool{}
		for _, m := range telemetry.Catalogue {
			emitted[watchedMetric(telemetry.Namespace, m.Name, m.Dimensions)] = true
			if m.AlsoOfStage {
				emitted[watchedMetric(telemetry.Namespace, m.Name, []string{telemetry.Stage})] = true
			}
		}
		watched := metricsShown(t, a)
		for metric := range watched {
			if strings.HasPrefix(metric, telemetry.Namespace+" ") && !emitted[metric] {
				t.Errorf("nothing emits %s", metric)
			}
		}
		for _, m := range telemetry.Catalogue {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(watched)), func(w string) bool { return strings.HasPrefix(w, telemetry.Namespace+" "+m.Name+" ") }) {
				t.Errorf("nobody looks at %s", m.Name)
			}
		}
	})
}

// CloudWatch takes 500 metrics a widget and 2,500 a dashboard, expressions of 1,024 characters, 100 alarms a widget
// (CloudWatch User Guide, "CloudWatch service quotas").
func TestTheDashboardIsOneThatCloudWatchTakes(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		body := dashboardOf(t, a)
		if body.PeriodOverride != "inherit" {
			t.Errorf("period override %q", body.PeriodOverride)
		}
		taken := map[[2]int]string{}
		ids, all := map[string]bool{}, 0
		for _, w := range body.Widgets {
			p := w.Properties
			name := p.Title + p.Markdown
			if name == "" || w.Width < 1 || w.X+w.Width > gridWidth || w.Height < 1 {
				t.Errorf("widget %q at %d,%d is %d by %d", name, w.X, w.Y, w.Width, w.Height)
			}
			for x := w.X; x < w.X+w.Width; x++ {
				for y := w.Y; y < w.Y+w.Height; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%q lies on %q", name, other)
					}
					taken[[2]int{x, y}] = name
				}
			}
			clear(ids)
			switch w.Type {
			case "text":
			case "alarm":
				if len(p.Alarms) == 0 || len(p.Alarms) > 100 {
					t.Errorf("%q shows %d alarms", name, len(p.Alarms))
				}
			case "metric":
				if len(p.Metrics) == 0 || len(p.Metrics) > 500 || p.Period == 0 || p.Timezone != utc {
					t.Errorf("%q shows %d metrics of %d s, in time zone %q", name, len(p.Metrics), p.Period, p.Timezone)
				}
				for _, m := range p.Metrics {
					options, _ := m[len(m)-1].(map[string]any)
					id, _ := options["id"].(string)
					if expression, _ := options["expression"].(string); len(expression) > 1024 || id != "" && ids[id] {
						t.Errorf("%q: %v", name, options)
					}
					ids[id] = true
					all++
				}
			default:
				t.Errorf("%q is of type %s", name, w.Type)
			}
		}
		if all > 2500 {
			t.Errorf("%d metrics", all)
		}
	})
}

// A graph shows the value at which an alarm rings that is on what it shows.
func TestGraphsShowWhereAlarmsRing(t *testing.T) {
	want := map[string]string{
		"Processor (%)": "cpu 90 above", "Oldest message (s)": "page-signups-ageing 60 above",
		"Cache that is not uploaded (%)": "dirty 80 above", "Buffer that is free, of standard shares (%)": "ticket-pool-low 25 below",
		"Orders of standard databases": "ticket-orders-fail 3 above",
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		found := map[string]string{}
		for _, w := range dashboardOf(t, a).Widgets {
			for _, h := range w.Properties.Annotations.Horizontal {
				found[w.Properties.Title] = fmt.Sprint(h.Label, " ", h.Value, " ", h.Fill)
			}
		}
		for title, threshold := range want {
			if found[title] != threshold {
				t.Errorf("%q shows %q, want %q", title, found[title], threshold)
			}
		}
	})
}

// What clients read and write is seen of each gateway, and how full the fullest host is of each pool.
func TestHowBusyAndFullHostsAreIsShown(t *testing.T) {
	of := func(metric string) string {
		return watchedMetric("AWS/StorageGateway", metric, []string{"GatewayId", "GatewayName"})
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		shown := metricsShown(t, a)
		for _, metric := range []string{of("ReadBytes"), of("WriteBytes")} {
			if !shown[metric] {
				t.Errorf("nothing shows %s", metric)
			}
		}
		kinds := map[string]bool{}
		for _, w := range dashboardOf(t, a).Widgets {
			for _, m := range w.Properties.Metrics {
				if at := slices.Index(m, any(telemetry.Kind)); at > 0 && m[1] == telemetry.TenantsOnFullest.Name {
					kinds[m[at+1].(string)] = true
				}
			}
		}
		if len(kinds) != 2 {
			t.Errorf("the fullest hosts that are shown are of %v", slices.Sorted(maps.Keys(kinds)))
		}
	})
}
