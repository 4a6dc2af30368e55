package iam

import (
	"maps"
	"regexp"
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
	add := func(action, resource string, leading ...string) {
		for i, have := range needs {
			if have.action == "dynamodb:"+action && have.resource == resource && len(leading) > 0 {
				needs[i].context = Context{leadingKeys: append(have.context[leadingKeys], leading...)}
				return
			}
		}
		n := need{action: "dynamodb:" + action, resource: resource}
		if len(leading) > 0 {
			n.context = Context{leadingKeys: leading}
		}
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
				m, _ := inner.(map[string]any)
				add(action+"Item", table(params(m).text("TableName")), partitionKey(m)...) // Put, Update, Delete, Get, ConditionCheck
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
		add(operation, resource, queriedKey(p)...)
	case "ListTables":
		return []need{{action: "dynamodb:ListTables", resource: "*"}}
	default:
		add(operation, table(p.text("TableName")), partitionKey(p)...)
	}
	return needs
}

// leadingKeys is the condition key with the partition keys of a call's items (DynamoDB Developer Guide, "Using IAM policy
// conditions for fine-grained access control").
const leadingKeys = "dynamodb:leadingkeys"

// partitionKey is the partition key of the item that a call names, of tables whose partition key is called pk.
func partitionKey(p params) []string {
	for _, of := range []string{"Item", "Key"} {
		item, _ := p[of].(map[string]any)
		value, _ := item["pk"].(map[string]any)
		if key, ok := value["S"].(string); ok {
			return []string{key}
		}
	}
	return nil
}

// equalTo is how a query of a table begins: with the partition key, which is called pk, and what it must be.
var equalTo = regexp.MustCompile(`^\s*(#?\w+)\s*=\s*(:\w+)`)

// queriedKey is the partition key of the items that a query of a table reads; nothing of a query of an index, or a scan.
func queriedKey(p params) []string {
	found := equalTo.FindStringSubmatch(p.text("KeyConditionExpression"))
	if found == nil || p.text("IndexName") != "" {
		return nil
	}
	names, _ := p["ExpressionAttributeNames"].(map[string]any)
	if name, ok := names[found[1]].(string); ok {
		found[1] = name
	}
	values, _ := p["ExpressionAttributeValues"].(map[string]any)
	value, _ := values[found[2]].(map[string]any)
	if key, ok := value["S"].(string); ok && found[1] == "pk" {
		return []string{key}
	}
	return nil
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
