package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// AlarmProps says what an alarm watches.
type AlarmProps struct {
	Name        *string // as operators see it
	Description string

	Namespace, Metric, Statistic string
	Dimensions                   map[string]*string

	PeriodSeconds float64
	Periods       float64 // in a row that must break the threshold
	Comparison    string  // such as "GreaterThanThreshold"
	Threshold     float64
	Missing       string // what missing data is taken for; CloudWatch's words

	Notify *string // ARN of the topic that hears of it; nil: nobody
}

// NewAlarm makes an alarm on one metric.
func NewAlarm(scope constructs.Construct, id string, p AlarmProps) awscloudwatch.CfnAlarm {
	dimensions := []*awscloudwatch.CfnAlarm_DimensionProperty{}
	for _, name := range slices.Sorted(maps.Keys(p.Dimensions)) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{
			Name: jsii.String(name), Value: p.Dimensions[name],
		})
	}
	props := &awscloudwatch.CfnAlarmProps{
		AlarmName:          p.Name,
		AlarmDescription:   jsii.String(p.Description),
		Namespace:          jsii.String(p.Namespace),
		MetricName:         jsii.String(p.Metric),
		Dimensions:         dimensions,
		Statistic:          jsii.String(p.Statistic),
		Period:             jsii.Number(p.PeriodSeconds),
		EvaluationPeriods:  jsii.Number(p.Periods),
		ComparisonOperator: jsii.String(p.Comparison),
		Threshold:          jsii.Number(p.Threshold),
		TreatMissingData:   jsii.String(p.Missing),
	}
	if p.Notify != nil {
		props.AlarmActions = &[]any{p.Notify}
		props.OkActions = &[]any{p.Notify}
	}
	return awscloudwatch.NewCfnAlarm(scope, jsii.String(id), props)
}

// newCountAlarm tells the operators as soon as a metric that should stay at zero does not.
func newCountAlarm(scope constructs.Construct, id string, p AlarmProps) {
	p.PeriodSeconds, p.Periods = 60, 1
	p.Comparison, p.Threshold = "GreaterThanThreshold", 0
	p.Missing = "notBreaching"
	NewAlarm(scope, id, p)
}
