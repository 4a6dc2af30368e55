package events

// TypeAlarmConfigurationChange is the detail-type of AlarmConfigurationChange.
const TypeAlarmConfigurationChange = "CloudWatch Alarm Configuration Change"

// AlarmDelete is the operation of an alarm that is deleted. It says OK nevermore.
const AlarmDelete = "delete"

// AlarmConfigurationChange is the detail of the event that CloudWatch (source aws.cloudwatch) sends when an alarm
// is made, changed or deleted. When that was is the time of its envelope.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
type AlarmConfigurationChange struct {
	AlarmName     string             `json:"alarmName"`
	Operation     string             `json:"operation"` // create, update or AlarmDelete
	Configuration AlarmConfiguration `json:"configuration"`
	State         AlarmState         `json:"state"`
}
