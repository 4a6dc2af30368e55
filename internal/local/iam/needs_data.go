package iam

import (
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
)

func (s *Store) dynamodbNeeds(operation string, p params) []need {
	var needs []need
	table := func(name string) string {
		if strings.HasPrefix(name, "arn:") {
			return name
		}
		return s.arn("dynamodb", "table/"+name)
	}
	add := func(action, resource string) {
		n := need{action: "dynamodb:" + action, resource: resource}
		for _, n := range s.withKey(n) {
			if !slices.ContainsFunc(needs, func(have need) bool { return have.action == n.action && have.resource == n.resource }) {
				needs = append(needs, n)
			}
		}
	}
	switch operation {
	case "TransactWriteItems", "TransactGetItems":
		for _, item := range p.maps("TransactItems") {
			for action, inner := range item {
				name := ""
				if m, ok := inner.(map[string]any); ok {
					name = params(m).text("TableName")
				}
				add(action+"Item", table(name)) // Put, Update, Delete, Get, ConditionCheck
			}
		}
	case "BatchGetItem", "BatchWriteItem":
		requests, _ := p["RequestItems"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(requests)) {
			add(operation, table(name))
		}
	case "Query", "Scan":
		resource := table(p.text("TableName"))
		if index := p.text("IndexName"); index != "" {
			resource += "/index/" + index
		}
		add(operation, resource)
	case "ListTables":
		return []need{{action: "dynamodb:ListTables", resource: "*"}}
	default:
		add(operation, table(p.text("TableName")))
	}
	return needs
}

func (s *Store) sqsNeeds(operation string, p params) []need {
	switch operation {
	case "ListQueues", "CancelMessageMoveTask": // a task's handle names no queue
		return []need{{action: "sqs:" + operation, resource: "*"}}
	case "StartMessageMoveTask", "ListMessageMoveTasks": // the messages are moved by calls of their own
		return []need{{action: "sqs:" + operation, resource: p.first("SourceArn")}}
	}
	name := p.text("QueueName")
	if url := p.text("QueueUrl"); url != "" {
		name = endpoint.QueueName(url)
	}
	return s.withKey(need{action: "sqs:" + strings.TrimSuffix(operation, "Batch"), resource: s.arn("sqs", name)})
}

func (s *Store) eventsNeeds(operation string, p params) []need {
	switch operation {
	case "PutEvents":
	case "DescribeRule", "ListTargetsByRule":
		return s.ruleNeeds(operation, p)
	default:
		return []need{{action: "events:" + operation, resource: "*"}}
	}
	var needs []need
	for _, entry := range p.maps("Entries") {
		bus := entry.text("EventBusName")
		if bus == "" {
			bus = "default"
		}
		if !strings.HasPrefix(bus, "arn:") {
			bus = s.arn("events", "event-bus/"+bus)
		}
		needs = append(needs, need{action: "events:PutEvents", resource: bus, context: Context{
			"events:source": {entry.text("Source")}, "events:detail-type": {entry.text("DetailType")},
		}})
	}
	return needs
}

// anySuffix ends the ARN of a secret that is asked for by name. A real one ends in six random
// characters, which policies allow for with a wildcard.
const anySuffix = "-AbCdEf"

func (s *Store) secretNeeds(operation string, p params) []need {
	id := p.text("SecretId")
	if operation == "CreateSecret" {
		id = p.text("Name")
	}
	if id == "" {
		return []need{{action: "secretsmanager:" + operation, resource: "*"}}
	}
	arn := id
	if !strings.HasPrefix(id, "arn:") {
		arn = s.arn("secretsmanager", "secret:"+id+anySuffix)
	}
	context := p.tags()
	context["secretsmanager:name"] = []string{id}
	needs := s.withKey(need{action: "secretsmanager:" + operation, resource: arn, context: context})
	if operation != "CreateSecret" {
		return needs
	}
	if len(p.maps("Tags")) > 0 {
		needs = append(needs, need{action: "secretsmanager:TagResource", resource: arn, context: context})
	}
	if key := p.text("KmsKeyId"); key != "" && !strings.Contains(key, awsKeys) {
		for _, action := range keyActions("secretsmanager:CreateSecret") {
			needs = append(needs, need{action, s.keyARN(key), s.via("secretsmanager")})
		}
	}
	return needs
}

func (s *Store) parameterNeeds(operation string, p params) []need {
	names := p.texts("Names")
	if name := p.text("Name"); name != "" {
		names = append(names, name)
	}
	var needs []need
	for _, name := range names {
		arn := s.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
		if strings.HasPrefix(name, "/aws/service/") {
			arn = "arn:aws:ssm:" + s.region + "::parameter" + name // public parameters have no account
		}
		needs = append(needs, need{action: "ssm:" + operation, resource: arn})
	}
	if len(needs) == 0 {
		return []need{{action: "ssm:" + operation, resource: "*"}}
	}
	return needs
}
