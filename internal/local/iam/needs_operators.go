package iam

import (
	"strings"
)

// alarmNeeds: those that name alarms need the permission on each; those that list them, on all.
func (s *Store) alarmNeeds(operation string, p params) []need {
	action := "cloudwatch:" + operation
	switch operation {
	case "GetDashboard", "PutDashboard", "DeleteDashboards":
		var needs []need
		for _, name := range p.names("DashboardName", "DashboardNames") {
			needs = append(needs, need{action: action, resource: "arn:aws:cloudwatch::" + s.account + ":dashboard/" + name})
		}
		return needs
	case "PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState", "DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions",
		"DescribeAlarms", "DescribeAlarmHistory":
		var needs []need
		for _, name := range p.names("AlarmName", "AlarmNames") {
			needs = append(needs, need{action: action, resource: s.arn("cloudwatch", "alarm:"+name)})
		}
		return needs
	case "PutMetricData":
		return []need{{action, "*", Context{"cloudwatch:namespace": {p.text("Namespace")}}}}
	}
	return []need{{action: action, resource: "*"}}
}

// names are the one or the many that a call names, or "*".
func (p params) names(one, many string) []string {
	names := p.texts(many)
	if name := p.text(one); name != "" {
		names = append(names, name)
	}
	if len(names) == 0 {
		return []string{"*"}
	}
	return names
}

// logNeeds: a group is asked about by an ARN that goes on to its streams.
func (s *Store) logNeeds(operation string, p params) []need {
	group := p.first("logGroupIdentifier", "logGroupName")
	if _, name, ok := strings.Cut(group, ":log-group:"); ok {
		group = strings.TrimSuffix(name, ":*")
	}
	resource := s.arn("logs", "log-group:"+group)
	if group != "*" {
		resource += ":log-stream:" + p.text("logStreamName")
	}
	return []need{{action: "logs:" + operation, resource: resource}}
}

// functionNeeds: Invoke is another action than its name.
func (s *Store) functionNeeds(operation string, p params) []need {
	action := "lambda:" + operation
	if operation == "Invoke" {
		action = "lambda:InvokeFunction"
	}
	name := p.text("FunctionName")
	if name == "" || operation == "ListEventSourceMappings" {
		return []need{{action: action, resource: "*"}}
	}
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name = rest
	}
	if qualifier := p.text("Qualifier"); qualifier != "" {
		name += ":" + qualifier
	}
	return []need{{action: action, resource: s.arn("lambda", "function:"+name)}}
}

func (s *Store) scheduleNeeds(operation string, p params) []need {
	action := "scheduler:" + operation
	if operation != "GetSchedule" {
		return []need{{action: action, resource: "*"}}
	}
	group := p.text("groupName")
	if group == "" {
		group = "default"
	}
	return []need{{action: action, resource: s.arn("scheduler", "schedule/"+group+"/"+p.text("Name"))}}
}

// ruleNeeds are those of EventBridge's calls about one rule.
func (s *Store) ruleNeeds(operation string, p params) []need {
	name := p.text("Rule")
	if name == "" {
		name = p.text("Name")
	}
	if bus := p.text("EventBusName"); bus != "" && bus != "default" {
		name = bus[strings.LastIndex(bus, "/")+1:] + "/" + name
	}
	return []need{{action: "events:" + operation, resource: s.arn("events", "rule/"+name)}}
}
