package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// DashboardProps says what a dashboard shows.
type DashboardProps struct {
	Stage     Stage
	Functions []namedFunction
	Queues    []namedQueue
}

type namedFunction struct {
	name     string
	function awslambda.Function
}

type namedQueue struct {
	name        string
	queue       awssqs.Queue // nil: only its dead letters are shown
	deadLetters awssqs.Queue
}

// dashboard collects rows of widgets.
type dashboard struct {
	stage string
	rows  []*[]awscloudwatch.IWidget
}

// NewDashboard makes the operators' first look: do tenants wait, is there room, does anything fail.
// It returns the dashboard's name.
func NewDashboard(scope constructs.Construct, id string, p DashboardProps) *string {
	d := &dashboard{stage: p.Stage.Name}
	d.addTenants(p.Stage.Pools.Tiers())
	for _, policy := range p.Stage.Pools {
		d.addPool(policy.Key())
	}
	d.addQueues(p.Queues)
	d.addFunctions(p.Functions)
	return awscloudwatch.NewDashboard(scope, jsii.String(id), &awscloudwatch.DashboardProps{
		DashboardName:   jsii.String("headroom-" + p.Stage.Name),
		DefaultInterval: awscdk.Duration_Hours(jsii.Number(12)),
		Widgets:         &d.rows,
	}).DashboardName()
}

func (d *dashboard) addTenants(tiers []pool.Tier) {
	var waiting []awscloudwatch.IMetric
	for _, tier := range tiers {
		waiting = append(waiting, d.metric(pool.Key{Tier: tier}, series{telemetry.TenantsWaiting, "Maximum", string(tier)}))
	}
	all := pool.Key{}
	d.row(
		d.graph("Signups", all,
			series{telemetry.SignupsReady, "Sum", "ready"},
			series{telemetry.SignupsWaiting, "Sum", "had to wait"},
			series{telemetry.SignupsRejected, "Sum", "rejected"}),
		d.graph("Time from signup to ready (ms)", all,
			series{telemetry.TimeToReady, "p50", "p50"},
			series{telemetry.TimeToReady, "p99", "p99"}),
		graph("Tenants waiting, by tier", waiting...),
	)
	d.row(
		d.graph("Departures, and requests that were refused", all,
			series{telemetry.TenantsReleased, "Sum", "released"},
			series{telemetry.RequestsRejected, "Sum", "refused"}),
		d.graph("Repairs of share hosts", all,
			series{telemetry.HostsRepaired, "Sum", "repaired"},
			series{telemetry.RepairsAsking, "Sum", "asked for a word"}),
		d.graph("Time in which tenants could not write, by repairs (s)", all,
			series{telemetry.UnwritableTime, "Maximum", "longest"}),
	)
}

func (d *dashboard) addPool(key pool.Key) {
	name := string(key.Tier) + " " + string(key.Kind) + "s"
	d.row(
		d.graph("Slots of "+name, key,
			series{telemetry.SlotsFree, "Minimum", "free"},
			series{telemetry.SlotsAssigned, "Maximum", "assigned"},
			series{telemetry.SlotsProvisioning, "Maximum", "provisioning"}),
		d.graph("Hosts of "+name, key,
			series{telemetry.Hosts, "Maximum", "all"},
			series{telemetry.HostsInService, "Maximum", "in service"},
			series{telemetry.HostsProvisioning, "Maximum", "provisioning"},
			series{telemetry.HostsCordoned, "Maximum", "cordoned"},
			series{telemetry.HostsQuarantined, "Maximum", "quarantined"}),
		d.graph("Orders of "+name, key,
			series{telemetry.HostsOrdered, "Sum", "ordered"},
			series{telemetry.HostsFailed, "Sum", "failed"}),
		d.graph("Lead time of "+name+" (s)", key,
			series{telemetry.LeadTime, "p50", "p50"},
			series{telemetry.LeadTime, "Maximum", "longest"}),
	)
}

func (d *dashboard) addQueues(queues []namedQueue) {
	var visible, oldest, dead []awscloudwatch.IMetric
	for _, q := range queues {
		if q.queue != nil {
			visible = append(visible, queueMetric(q.queue, "ApproximateNumberOfMessagesVisible", q.name))
			oldest = append(oldest, queueMetric(q.queue, "ApproximateAgeOfOldestMessage", q.name))
		}
		dead = append(dead, queueMetric(q.deadLetters, "ApproximateNumberOfMessagesVisible", q.name))
	}
	d.row(graph("Messages waiting", visible...), graph("Oldest message (s)", oldest...), graph("Dead letters", dead...))
}

func (d *dashboard) addFunctions(functions []namedFunction) {
	of := func(metric, statistic string) []awscloudwatch.IMetric {
		var metrics []awscloudwatch.IMetric
		for _, f := range functions {
			metrics = append(metrics, newMetric("AWS/Lambda", metric, statistic, f.name,
				map[string]*string{"FunctionName": f.function.FunctionName()}))
		}
		return metrics
	}
	d.row(
		graph("Function errors", of("Errors", "Sum")...),
		graph("Function throttles", of("Throttles", "Sum")...),
		graph("Function duration, p99 (ms)", of("Duration", "p99")...),
	)
}

// series is one line of a graph.
type series struct {
	metric           telemetry.Metric
	statistic, label string
}

// graph shows what the functions measure, of a pool or tier where it is told apart by those.
func (d *dashboard) graph(title string, of pool.Key, lines ...series) widget {
	metrics := make([]awscloudwatch.IMetric, len(lines))
	for i, s := range lines {
		metrics[i] = d.metric(of, s)
	}
	return graph(title, metrics...)
}

func (d *dashboard) metric(of pool.Key, s series) awscloudwatch.IMetric {
	values := map[string]string{
		telemetry.Stage: d.stage, telemetry.Kind: string(of.Kind), telemetry.Tier: string(of.Tier),
	}
	dimensions := map[string]*string{}
	by := s.metric.Dimensions
	if of == (pool.Key{}) && s.metric.AlsoOfStage {
		by = []string{telemetry.Stage}
	}
	for _, name := range by {
		dimensions[name] = jsii.String(values[name])
	}
	return newMetric(telemetry.Namespace, s.metric.Name, s.statistic, s.label, dimensions)
}

func queueMetric(q awssqs.Queue, name, label string) awscloudwatch.IMetric {
	return newMetric("AWS/SQS", name, "Maximum", label, map[string]*string{"QueueName": q.QueueName()})
}

func newMetric(namespace, name, statistic, label string, dimensions map[string]*string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(namespace), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
		Label: jsii.String(label), DimensionsMap: &dimensions, Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

// widget makes a widget of a width, in columns.
type widget func(width float64) awscloudwatch.IWidget

func graph(title string, metrics ...awscloudwatch.IMetric) widget {
	return func(width float64) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
			Title: jsii.String(title), Left: &metrics, Width: jsii.Number(width), Height: jsii.Number(6),
			LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0)},
		})
	}
}

// row puts widgets of the same width side by side.
func (d *dashboard) row(widgets ...widget) {
	const gridWidth = 24
	row := make([]awscloudwatch.IWidget, len(widgets))
	for i, w := range widgets {
		row[i] = w(gridWidth / float64(len(widgets)))
	}
	d.rows = append(d.rows, &row)
}
