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

	// Expression is compared with the threshold in the metric's stead, if it is there. It calls the metric m;
	// without a metric it is a query.
	Expression string
	// More are the dimensions by which the expression takes the metric as well, by what it calls it then.
	More map[string]map[string]*string

	PeriodSeconds float64
	Periods       float64 // in a row that must break the threshold
	Comparison    string  // such as "GreaterThanThreshold"
	Threshold     float64
	Missing       string // what missing data is taken for; CloudWatch's words

	Notify *string // ARN of the topic that hears of it; nil: nobody
	Silent bool    // it calls nobody by itself: another alarm is on it
}

// NewAlarm makes an alarm on one metric, or on an expression.
func NewAlarm(scope constructs.Construct, id string, p AlarmProps) awscloudwatch.CfnAlarm {
	props := &awscloudwatch.CfnAlarmProps{
		AlarmName:          p.Name,
		AlarmDescription:   jsii.String(p.Description),
		EvaluationPeriods:  jsii.Number(p.Periods),
		ComparisonOperator: jsii.String(p.Comparison),
		Threshold:          jsii.Number(p.Threshold),
		TreatMissingData:   jsii.String(p.Missing),
	}
	if p.Expression == "" {
		props.Namespace, props.MetricName, props.Statistic = jsii.String(p.Namespace), jsii.String(p.Metric), jsii.String(p.Statistic)
		props.Dimensions, props.Period = dimensions(p.Dimensions), jsii.Number(p.PeriodSeconds)
	} else {
		props.Metrics = p.queries()
	}
	if p.Notify != nil {
		props.AlarmActions = &[]any{p.Notify}
		props.OkActions = &[]any{p.Notify}
	}
	return awscloudwatch.NewCfnAlarm(scope, jsii.String(id), props)
}

func dimensions(values map[string]*string) []*awscloudwatch.CfnAlarm_DimensionProperty {
	list := []*awscloudwatch.CfnAlarm_DimensionProperty{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: values[name]})
	}
	return list
}

// queries are the parts of an alarm on an expression.
func (p AlarmProps) queries() []*awscloudwatch.CfnAlarm_MetricDataQueryProperty {
	result := &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("e"), Expression: jsii.String(p.Expression), ReturnData: jsii.Bool(true),
	}
	list := []*awscloudwatch.CfnAlarm_MetricDataQueryProperty{result}
	if p.Metric == "" {
		result.Period = jsii.Number(p.PeriodSeconds)
		return list
	}
	list = append(list, p.query("m", p.Dimensions))
	for _, id := range slices.Sorted(maps.Keys(p.More)) {
		list = append(list, p.query(id, p.More[id]))
	}
	return list
}

// query is the metric by some dimensions, as a part of an expression.
func (p AlarmProps) query(id string, by map[string]*string) *awscloudwatch.CfnAlarm_MetricDataQueryProperty {
	return &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String(id), ReturnData: jsii.Bool(false),
		MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
			Metric: &awscloudwatch.CfnAlarm_MetricProperty{
				Namespace: jsii.String(p.Namespace), MetricName: jsii.String(p.Metric), Dimensions: dimensions(by),
			},
			Stat: jsii.String(p.Statistic), Period: jsii.Number(p.PeriodSeconds),
		},
	}
}

// atZero is an alarm on a metric that should stay at zero: it rings as soon as it does not.
func atZero(p AlarmProps) AlarmProps {
	p.PeriodSeconds, p.Periods = 60, 1
	p.Comparison, p.Threshold = above, 0
	p.Missing = "notBreaching"
	return p
}
