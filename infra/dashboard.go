package main

import (
	"fmt"
	"strings"

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
	Operators *Operators
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
	stage      Stage
	thresholds map[string][]horizontal // of alarms, by the metrics that they watch
	body       body
	y          int // where the next row begins
}

// NewDashboard makes the operators' first look: does anything ring, do tenants wait, is there room, does anything fail. It
// comes after all alarms, of which it shows the thresholds. It returns the dashboard's name.
func NewDashboard(scope constructs.Construct, id string, p DashboardProps) *string {
	stage := p.Operators.Stage
	d := &dashboard{stage: stage, thresholds: map[string][]horizontal{}, body: body{Start: "-PT12H", PeriodOverride: "inherit"}}
	d.noteThresholds(p.Operators)
	d.addHead(p.Operators)
	d.addTenants(stage.Pools.Tiers())
	for _, policy := range stage.Pools {
		d.addPool(policy.Key())
	}
	for _, policy := range stage.Pools {
		d.addHosts(policy.Key())
	}
	d.addRepairs()
	d.addQueues(p.Queues)
	d.addFunctions(p.Functions)
	d.addDatabaseHosts()
	d.addGateways()
	d.addLeaving()
	d.addMoney()
	return awscloudwatch.NewCfnDashboard(scope, jsii.String(id), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String("headroom-" + stage.Name), DashboardBody: jsonOf(d.body),
	}).Ref()
}

// noteThresholds takes those of all alarms: of the control plane, and of hosts, which each have them.
func (d *dashboard) noteThresholds(o *Operators) {
	note := func(namespace string, name string, p AlarmProps) {
		if p.Expression == "" || strings.HasPrefix(p.Expression, "MAX(") { // else it is compared with something else
			key := line{namespace: namespace, metric: p.Metric}.watched()
			d.thresholds[key] = append(d.thresholds[key], thresholdOf(p, name))
		}
	}
	for _, a := range o.alarms {
		if a.props.Metric != "" && a.props.Namespace != "AWS/Lambda" && a.props.Threshold > 0 { // a line at zero says nothing
			note(a.props.Namespace, strings.TrimPrefix(*a.props.Name, "headroom-"+o.Stage.Name+"-"), a.props)
		}
	}
	for _, a := range busyAlarms(o.Stage.Databases) {
		note("AWS/RDS", a.what, AlarmProps{Metric: a.metric, Comparison: a.comparison, Threshold: a.threshold})
	}
	for _, a := range gatewayAlarms {
		note("AWS/StorageGateway", a.what, AlarmProps{Metric: a.metric, Comparison: a.comparison, Threshold: a.threshold})
	}
}

func (d *dashboard) addHead(o *Operators) {
	console := "https://" + *awscdk.Aws_REGION() + ".console.aws.amazon.com/cloudwatch/home?region=" + *awscdk.Aws_REGION()
	d.row(2, words(fmt.Sprintf("# Headroom %s\nAll times are UTC. [Runbooks](%s) · [Database Insights](%s#database-insights:) · [Alarms](%s#alarmsV2:?search=headroom-%s)",
		d.stage.Name, *o.Runbooks, console, console, d.stage.Name)))
	d.row(4, status("Pages", o.arns(Page)), status("Tickets", o.arns(Ticket)))
}

func (d *dashboard) addTenants(tiers []pool.Tier) {
	var waiting, longest []line
	for _, tier := range tiers {
		of := pool.Key{Tier: tier}
		waiting = append(waiting, d.line(of, telemetry.TenantsWaiting, "Maximum", string(tier)))
		longest = append(longest, d.line(of, telemetry.LongestWait, "Maximum", string(tier)))
	}
	all := pool.Key{}
	d.title("Tenants")
	d.row(graphHeight,
		d.numbers("Now", d.line(all, telemetry.TenantsWaiting, "Maximum", "waiting"), d.line(all, telemetry.LongestWait, "Maximum", "longest wait (s)")),
		d.graph("Time from signup to ready (ms)", 60,
			d.line(all, telemetry.TimeToReady, "p50", "p50"), d.line(all, telemetry.TimeToReady, "p99", "p99")),
		d.graph("Signups", 60,
			d.line(all, telemetry.SignupsReady, "Sum", "ready"),
			d.line(all, telemetry.SignupsWaiting, "Sum", "had to wait"),
			d.line(all, telemetry.SignupsRejected, "Sum", "rejected"),
			d.line(all, telemetry.RequestsRejected, "Sum", "other requests refused")),
	)
	d.row(graphHeight, d.graph("Tenants waiting, by tier", 60, waiting...), d.graph("Longest wait, by tier (s)", 60, longest...))
	for _, tier := range tiers {
		of, hosts := pool.Key{Tier: tier}, func(k pool.Kind) pool.Key { return pool.Key{Kind: k, Tier: tier} }
		d.row(graphHeight,
			d.graph("Time to empty, of tier "+string(tier)+" (s)", 60,
				d.line(of, telemetry.TimeToEmpty, "Minimum", "median"), d.line(of, telemetry.TimeToEmptyEarly, "Minimum", "one in ten"),
				d.line(hosts(pool.Database), telemetry.LeadTimeLong, "Maximum", "lead time of databases, p90"),
				d.line(hosts(pool.Share), telemetry.LeadTimeLong, "Maximum", "lead time of shares, p90")),
			d.graph("Risk that somebody must wait, of tier "+string(tier)+" (%)", 60, d.line(of, telemetry.WaitRisk, "Maximum", "risk")),
			d.graph("Days to ceiling, cap or quota, of tier "+string(tier), 3600,
				d.line(hosts(pool.Database), telemetry.DaysToCeiling, "Minimum", "databases"), d.line(hosts(pool.Share), telemetry.DaysToCeiling, "Minimum", "shares")),
		)
	}
}

func (d *dashboard) addPool(key pool.Key) {
	name := plural(key)
	d.title("Pool: " + name)
	d.row(graphHeight,
		d.graph("Slots of "+name, 60,
			d.line(key, telemetry.SlotsFree, "Minimum", "free"),
			d.line(key, telemetry.SlotsAssigned, "Maximum", "assigned"),
			d.line(key, telemetry.SlotsProvisioning, "Maximum", "provisioning"),
			d.line(key, telemetry.SlotsLeaving, "Maximum", "leaving"),
			d.line(key, telemetry.SlotsCooling, "Maximum", "cooling"),
			d.line(key, telemetry.SlotsQuarantined, "Maximum", "quarantined")),
		d.graph("Buffer that is free, of "+name+" (%)", 60, d.line(key, telemetry.BufferFree, "Minimum", "free")),
		d.graph("Ceiling that is used, of "+name+" (%)", 60, d.line(key, telemetry.CeilingUsed, "Maximum", "used")),
	)
}

func (d *dashboard) addHosts(key pool.Key) {
	name := plural(key)
	d.title("Hosts: " + name)
	d.row(graphHeight,
		d.graph("Hosts of "+name, 60,
			d.line(key, telemetry.Hosts, "Maximum", "all"),
			d.line(key, telemetry.HostsInService, "Maximum", "in service"),
			d.line(key, telemetry.HostsProvisioning, "Maximum", "provisioning"),
			d.line(key, telemetry.HostsCordoned, "Maximum", "cordoned"),
			d.line(key, telemetry.HostsQuarantined, "Maximum", "quarantined")),
		d.graph("Orders of "+name, 60,
			d.line(key, telemetry.HostsOrdered, "Sum", "ordered"),
			d.line(key, telemetry.HostsRetired, "Sum", "retired"),
			d.line(key, telemetry.HostsFailed, "Sum", "failed"),
			d.line(key, telemetry.FailuresInARow, "Maximum", "failed in a row")),
		d.graph("Lead time of "+name+" (s)", 300,
			d.line(key, telemetry.LeadTime, "p50", "p50"),
			d.line(key, telemetry.LeadTime, "p90", "p90"),
			d.line(key, telemetry.LeadTime, "Maximum", "longest")),
	)
}

func (d *dashboard) addRepairs() {
	all := pool.Key{}
	d.row(graphHeight,
		d.graph("Repairs of share hosts", 300,
			d.line(all, telemetry.HostsRepaired, "Sum", "repaired"),
			d.line(all, telemetry.RepairsAsking, "Sum", "asked for a word")),
		d.graph("Time in which tenants could not write, by repairs (s)", 300, d.line(all, telemetry.UnwritableTime, "Maximum", "longest")),
		d.graph("Steps, and AWS against the ledger", 300,
			d.line(all, telemetry.StepsOverdue, "Sum", "past their deadlines"),
			d.line(all, telemetry.StepsGivenUp, "Sum", "given up"),
			d.line(all, telemetry.InventoryDiffers, "Maximum", "things that differ from the ledger"),
			d.line(all, telemetry.InventoryGrave, "Maximum", "of them grave"),
			d.line(all, telemetry.ZonesFailing, "Maximum", "zones that seem to fail")),
		d.graph("The audit's copy", 300,
			d.line(all, telemetry.AuditBehind, "Maximum", "behind (s)"),
			d.line(all, telemetry.AuditLost, "Maximum", "lines changed or taken away")),
		d.graph("Stopped for (s)", 300, d.line(all, telemetry.StopAge, "Maximum", "stop switch")),
	)
}

func (d *dashboard) addQueues(queues []namedQueue) {
	of := func(q awssqs.Queue, name, label string) line {
		return line{namespace: "AWS/SQS", metric: name, statistic: "Maximum", label: label, dimensions: map[string]*string{"QueueName": q.QueueName()}}
	}
	var visible, oldest, dead []line
	for _, q := range queues {
		if q.queue != nil {
			visible = append(visible, of(q.queue, "ApproximateNumberOfMessagesVisible", q.name))
			oldest = append(oldest, of(q.queue, "ApproximateAgeOfOldestMessage", q.name))
		}
		dead = append(dead, of(q.deadLetters, "ApproximateNumberOfMessagesVisible", q.name))
	}
	d.title("Queues and functions")
	d.row(graphHeight,
		d.graph("Messages waiting", 60, visible...), d.graph("Oldest message (s)", 60, oldest...), d.graph("Dead letters", 60, dead...))
}

func (d *dashboard) addFunctions(functions []namedFunction) {
	of := func(metric, statistic string) []line {
		var lines []line
		for _, f := range functions {
			lines = append(lines, line{
				namespace: "AWS/Lambda", metric: metric, statistic: statistic, label: f.name,
				dimensions: map[string]*string{"FunctionName": f.function.FunctionName()},
			})
		}
		return lines
	}
	all := pool.Key{}
	d.row(graphHeight,
		d.graph("Function errors", 60, of("Errors", "Sum")...),
		d.graph("Function throttles", 60, of("Throttles", "Sum")...),
		d.graph("Function duration, p99 (ms)", 60, of("Duration", "p99")...),
		d.graph("Checks", 60,
			d.line(all, telemetry.PoolChecks, "Sum", "pool checks that went through"),
			d.line(all, telemetry.PolicyInvalid, "Sum", "looks at an invalid policy"),
			d.line(all, telemetry.EventsIgnored, "Sum", "events that were no concern")),
	)
}

// plural calls the hosts of a pool.
func plural(key pool.Key) string { return string(key.Tier) + " " + string(key.Kind) + "s" }

// title begins a row.
func (d *dashboard) title(name string) { d.row(1, words("## "+name)) }

// line is what the functions measure, of a pool or tier where it is told apart by those.
func (d *dashboard) line(of pool.Key, m telemetry.Metric, statistic, label string) line {
	values := map[string]string{telemetry.Stage: d.stage.Name, telemetry.Kind: string(of.Kind), telemetry.Tier: string(of.Tier)}
	by := m.Dimensions
	if of == (pool.Key{}) && m.AlsoOfStage {
		by = []string{telemetry.Stage}
	}
	dimensions := map[string]*string{}
	for _, name := range by {
		dimensions[name] = jsii.String(values[name])
	}
	return line{namespace: telemetry.Namespace, metric: m.Name, statistic: statistic, label: label, dimensions: dimensions}
}
