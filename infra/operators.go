package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Severity says what an alarm asks for. An alarm's name and its notice say it.
type Severity string

const (
	// Page wakes somebody: customers wait, or can't write, or nothing is done any more. There are five at most.
	Page Severity = "page"
	// Ticket is for the next working day.
	Ticket Severity = "ticket"
)

// Operators are who looks after a stage, and the alarms that call them.
type Operators struct {
	Stage    Stage
	Topics   map[Severity]*string // ARNs
	Runbooks *string              // address of docs/runbooks.md

	alarms []operatorAlarm // those that were made, for the dashboard
}

// operatorAlarm is an alarm that calls people.
type operatorAlarm struct {
	severity Severity
	arn      *string
	props    AlarmProps
}

// call makes an alarm that calls people: its name says how badly, its notice what to do. what ends its name; section is
// its runbook's. A silent one calls nobody by itself: it is part of a composite one.
func (o *Operators) call(scope constructs.Construct, id string, s Severity, what, section string, p AlarmProps) awscloudwatch.CfnAlarm {
	p.Name, p.Description = o.name(s, what), *o.described(s, p.Description, section)
	if !p.Silent {
		p.Notify = o.Topics[s]
	}
	alarm := NewAlarm(scope, id, p)
	o.alarms = append(o.alarms, operatorAlarm{s, alarm.AttrArn(), p})
	return alarm
}

// callOn makes an alarm on others, by a rule such as `ALARM("…") OR ALARM("…")`.
func (o *Operators) callOn(scope constructs.Construct, id string, s Severity, what, section, description, rule string, on ...awscloudwatch.CfnAlarm) {
	topics := &[]any{o.Topics[s]}
	alarm := awscloudwatch.NewCfnCompositeAlarm(scope, jsii.String(id), &awscloudwatch.CfnCompositeAlarmProps{
		AlarmName: o.name(s, what), AlarmDescription: o.described(s, description, section),
		AlarmRule: jsii.String(rule), AlarmActions: topics, OkActions: topics,
	})
	for _, other := range on {
		alarm.Node().AddDependency(other)
	}
	o.alarms = append(o.alarms, operatorAlarm{severity: s, arn: alarm.AttrArn()})
}

func (o *Operators) name(s Severity, what string) *string {
	return jsii.String("headroom-" + o.Stage.Name + "-" + string(s) + "-" + what)
}

// described is an alarm's description, which CloudWatch's notice has: how badly, what, and where to read on.
func (o *Operators) described(s Severity, description, section string) *string {
	return jsii.String("[" + string(s) + "] " + description + " Runbook: " + *o.runbook(section))
}

// runbook is the address of a section.
func (o *Operators) runbook(section string) *string { return jsii.String(*o.Runbooks + "#" + section) }

// arns are those of the alarms of a severity.
func (o *Operators) arns(s Severity) []*string {
	var arns []*string
	for _, a := range o.alarms {
		if a.severity == s {
			arns = append(arns, a.arn)
		}
	}
	return arns
}
