package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
	"headroom/internal/pool"
)

// RuleProps says which of AWS's events go to a queue.
type RuleProps struct {
	Description      string
	Source           string
	DetailTypes      []string
	ResourcePrefixes []*string // of the ARNs that the event is about
	Detail           any       // pattern of the event's detail; nil: any
	Input            *string   // what is sent in place of the event; nil: the event
	To               Queue
	Undelivered      awssqs.Queue // keeps events that EventBridge could not deliver
}

// NewRule sends AWS's events about hosts, and no others, to a queue.
func NewRule(scope constructs.Construct, id string, p RuleProps) {
	var resources []any
	for _, prefix := range p.ResourcePrefixes {
		resources = append(resources, map[string]*string{"prefix": prefix})
	}
	pattern := map[string]any{
		"source":      jsii.Strings(p.Source),
		"detail-type": jsii.Strings(p.DetailTypes...),
		"resources":   resources,
	}
	if p.Detail != nil {
		pattern["detail"] = p.Detail
	}
	rule := awsevents.NewCfnRule(scope, jsii.String(id), &awsevents.CfnRuleProps{
		Description:  jsii.String(p.Description),
		EventPattern: pattern,
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:               jsii.String("Queue"),
			Arn:              p.To.QueueArn(),
			Input:            p.Input,
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: p.Undelivered.QueueArn()},
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: jsii.Number(24 * 60 * 60), // the longest that EventBridge offers
				MaximumRetryAttempts:     jsii.Number(185),
			},
		}},
	})
	acceptFrom(p.To.Queue, "events.amazonaws.com", rule.AttrArn())
	acceptFrom(p.Undelivered, "events.amazonaws.com", rule.AttrArn())
}

// NewPoolCheckSchedule asks for a pool check every minute: deadlines are kept to the minute, and
// capacity is looked at even when nobody signs up.
func NewPoolCheckSchedule(scope constructs.Construct, id string, to Queue) {
	newSchedule(scope, id, scheduleProps{
		Role: "Lets the schedule ask for pool checks", What: "Headroom: a pool check every minute", Every: "rate(1 minute)", EverySeconds: pool.CheckEvery.Seconds(),
		To: to, Message: events.NewPoolCheck("schedule"),
	})
}

// NewRestoreSchedule asks every hour whether temporary instances were left.
func NewRestoreSchedule(scope constructs.Construct, id string, to Queue) {
	newSchedule(scope, id, scheduleProps{
		Role: "Lets the schedule ask for temporary instances that were left", What: "Headroom: a look for temporary instances every hour",
		Every: "rate(1 hour)", EverySeconds: 3600, To: to, Message: events.NewRestoreRound(),
	})
}

// NewReconcileSchedule asks every quarter of an hour that AWS is held against the ledger.
func NewReconcileSchedule(scope constructs.Construct, id string, to Queue) {
	newSchedule(scope, id, scheduleProps{
		Role: "Lets the schedule ask that AWS is held against the ledger", What: "Headroom: AWS against the ledger every quarter of an hour",
		Every: "rate(15 minutes)", EverySeconds: reconcileEvery, To: to, Message: events.NewReconcileRound(),
	})
}

// NewAuditCopySchedule asks every quarter of an hour that new lines of the audit are copied.
func NewAuditCopySchedule(scope constructs.Construct, id string, to Queue) {
	newSchedule(scope, id, scheduleProps{
		Role: "Lets the schedule ask that the audit is copied", What: "Headroom: the audit's new lines are copied every quarter of an hour",
		Every: "rate(15 minutes)", EverySeconds: 900, To: to, Message: events.NewAuditCopyRound(),
	})
}

type scheduleProps struct {
	Role, What   string // descriptions
	Every        string
	EverySeconds float64
	To           Queue
	Message      any
}

// newSchedule sends a message again and again.
func newSchedule(scope constructs.Construct, id string, p scheduleProps) {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]*string{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
		Description: jsii.String(p.Role),
	})
	permit(role, sendTo(p.To))
	schedule := awsscheduler.NewCfnSchedule(scope, jsii.String("Schedule"), &awsscheduler.CfnScheduleProps{
		Description:        jsii.String(p.What),
		ScheduleExpression: jsii.String(p.Every),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:     p.To.QueueArn(),
			RoleArn: role.RoleArn(),
			Input:   jsonOf(p.Message),
			// A tick that could not be sent until the next one is made good by that.
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: jsii.Number(p.EverySeconds),
				MaximumRetryAttempts:     jsii.Number(3),
			},
		},
	})
	// Its first tick comes at once, and must find the role's policy attached.
	schedule.Node().AddDependency(role)
}
