package events

import "slices"

// TypeAlarmStateChange is the detail-type of AlarmStateChange.
const TypeAlarmStateChange = "CloudWatch Alarm State Change"

// The values of an alarm's state.
const (
	AlarmOK               = "OK"
	AlarmALARM            = "ALARM"
	AlarmInsufficientData = "INSUFFICIENT_DATA"
)

// AlarmStateChange is the detail of the event that CloudWatch (source
// aws.cloudwatch) sends when an alarm changes its state.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
type AlarmStateChange struct {
	AlarmName     string             `json:"alarmName"`
	Configuration AlarmConfiguration `json:"configuration"`
	PreviousState AlarmState         `json:"previousState"`
	State         AlarmState         `json:"state"`
}

// AlarmConfiguration says what an alarm watches.
type AlarmConfiguration struct {
	Metrics []AlarmMetric `json:"metrics"`
}

// AlarmMetric is one metric of an alarm. MetricStat is nil for an expression.
type AlarmMetric struct {
	MetricStat *MetricStat `json:"metricStat,omitempty"`
}

// MetricStat is a statistic of a metric over a period.
type MetricStat struct {
	Metric Metric `json:"metric"`
	Period int    `json:"period"` // seconds
	Stat   string `json:"stat"`   // such as Average
}

// Metric names a metric of CloudWatch.
type Metric struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Dimensions map[string]string `json:"dimensions"`
}

// AlarmState is what an alarm says.
type AlarmState struct {
	Value      string `json:"value"` // AlarmOK, AlarmALARM or AlarmInsufficientData
	Reason     string `json:"reason"`
	ReasonData string `json:"reasonData"` // JSON in a string
	Timestamp  Time   `json:"timestamp"`  // comes as 2019-10-02T17:04:40.989+0000
}

// Values returns the values that the dimension called name has in the alarm's metrics, each once, in the order
// of the metrics: an alarm on an expression may watch several hosts.
func (c AlarmConfiguration) Values(name string) []string {
	var values []string
	for _, metric := range c.Metrics {
		if metric.MetricStat == nil {
			continue
		}
		if value, ok := metric.MetricStat.Metric.Dimensions[name]; ok && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}
