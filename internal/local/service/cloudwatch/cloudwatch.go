// Package cloudwatch is the local CloudWatch: metrics that functions' logs and the local cloud itself
// publish, dashboards, and alarms that watch the metrics with CloudWatch's own arithmetic.
package cloudwatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// Config is what the fake needs. Account and Region are required.
type Config struct {
	Account string
	Region  string

	// Emit sends an event as the service would.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)
	// Notify publishes to a topic, which is an alarm's action; nil: actions do nothing.
	Notify func(ctx context.Context, alarmARN, topicARN, subject, message string) error
	Clock  *clock.Clock     // by which periods pass, and data have their times; nil: the machine's
	Now    func() time.Time // default the clock's
	Log    *slog.Logger     // default slog.Default
}

func (c *Config) complete() {
	if c.Emit == nil {
		c.Emit = func(context.Context, string, string, []string, any) {}
	}
	if c.Notify == nil {
		c.Notify = func(context.Context, string, string, string, string) error { return nil }
	}
	if c.Now == nil {
		c.Now = c.Clock.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Service answers CloudWatch's API. Its signing name is "monitoring".
func (a *Alarms) Service() endpoint.Service {
	return endpoint.Service{Name: "monitoring", Operations: map[string]endpoint.Operation{
		"DescribeAlarms":          a.describe,
		"DescribeAlarmsForMetric": a.describeForMetric,
		"DescribeAlarmHistory":    a.describeHistory,
		"PutMetricAlarm":          a.putMetricAlarm,
		"PutCompositeAlarm":       a.putCompositeAlarm,
		"DeleteAlarms":            a.deleteAlarms,
		"SetAlarmState":           a.setState,
		"EnableAlarmActions":      a.enableActions,
		"DisableAlarmActions":     a.disableActions,
		"ListMetrics":             a.listMetrics,
		"GetMetricData":           a.getMetricData,
		"GetMetricStatistics":     a.getMetricStatistics,
		"PutMetricData":           a.putMetricData,
		"ListDashboards":          a.listDashboards,
		"GetDashboard":            a.getDashboard,
		"PutDashboard":            a.putDashboard,
		"DeleteDashboards":        a.deleteDashboards,
	}}
}

// The resource types that Create and Delete know.
const (
	typeAlarm     = "AWS::CloudWatch::Alarm"
	typeComposite = "AWS::CloudWatch::CompositeAlarm"
	typeDashboard = "AWS::CloudWatch::Dashboard"
)

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{typeAlarm, typeComposite, typeDashboard} }

// Create makes an alarm or a dashboard of a template.
func (a *Alarms) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	switch r.Type {
	case typeDashboard:
		return a.createDashboard(r)
	case typeComposite:
		var p compositeProperties
		if err := weakjson.Decode(r.Properties, &p); err != nil {
			return resource.Created{}, err
		}
		if p.AlarmName == "" {
			p.AlarmName = r.GeneratedName()
		}
		made, err := a.putComposite(ctx, p)
		if err != nil {
			return resource.Created{}, err
		}
		return resource.Created{PhysicalID: made.name, Attributes: map[string]any{"Arn": made.arn}}, nil
	case typeAlarm:
		var p properties
		if err := weakjson.Decode(r.Properties, &p); err != nil {
			return resource.Created{}, err
		}
		if p.AlarmName == "" {
			p.AlarmName = r.GeneratedName()
		}
		made, err := a.putMetric(ctx, p)
		if err != nil {
			return resource.Created{}, err
		}
		return resource.Created{PhysicalID: made.name, Attributes: map[string]any{"Arn": made.arn}}, nil
	}
	return resource.Created{}, fmt.Errorf("the local CloudWatch does not make %s", r.Type)
}

// Delete removes an alarm or a dashboard of a template.
func (a *Alarms) Delete(ctx context.Context, r resource.Resource) error {
	if r.Type == typeDashboard {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.dashboards, r.PhysicalID)
		return nil
	}
	a.remove(ctx, r.PhysicalID)
	return nil
}

// decode reads an operation's input.
func decode(call endpoint.Call, into any) error {
	if err := weakjson.Decode(call.Params, into); err != nil {
		return &endpoint.Error{Code: "ValidationError", Message: err.Error()}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &endpoint.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}
