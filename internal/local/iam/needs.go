package iam

import (
	"strings"

	"headroom/internal/local/endpoint"
)

// needs lists the permissions that a call takes: the table of all services in use. A call that no
// rule here knows needs "<service>:<operation>" on "*", so that it is refused to a role whose grants
// are narrower, rather than let through.
//
// Sources: the Service Authorization Reference of each service, and for keys each service's chapter
// on encryption at rest.
func (s *Store) needs(call endpoint.Call) []need {
	p := params(call.Params)
	switch call.Service {
	case "dynamodb":
		return s.dynamodbNeeds(call.Operation, p)
	case "sqs":
		return s.sqsNeeds(call.Operation, p)
	case "sns":
		return s.withKey(need{action: "sns:" + strings.TrimSuffix(call.Operation, "Batch"), resource: p.first("TopicArn", "TargetArn", "ResourceArn")})
	case "s3":
		return s.s3Needs(call, p)
	case "events":
		return s.eventsNeeds(call.Operation, p)
	case "secretsmanager":
		return s.secretNeeds(call.Operation, p)
	case "storagegateway":
		return s.gatewayNeeds(call.Operation, p)
	case "ec2":
		return s.ec2Needs(call.Operation, p)
	case "cloudformation":
		return s.stackNeeds(call.Operation, p)
	case "ssm":
		return s.parameterNeeds(call.Operation, p)
	case "sts":
		if call.Operation == "GetCallerIdentity" {
			return nil // needs no permission, and cannot be denied
		}
		return []need{{action: "sts:" + call.Operation, resource: p.first("RoleArn")}}
	case "rds":
		return s.databaseNeeds(call.Operation, p)
	case "monitoring":
		return s.alarmNeeds(call.Operation, p)
	case "logs":
		return s.logNeeds(call.Operation, p)
	case "lambda":
		return s.functionNeeds(call.Operation, p)
	case "ecs":
		return s.taskNeeds(call.Operation, p)
	case "scheduler":
		return s.scheduleNeeds(call.Operation, p)
	default:
		return []need{{action: call.Service + ":" + call.Operation, resource: "*"}}
	}
}

// keyActions are the uses of a resource's key that an action on it implies: none for most.
func keyActions(action string) []string {
	switch action {
	case "sqs:SendMessage", "sns:Publish":
		return []string{"kms:GenerateDataKey", "kms:Decrypt"}
	case "s3:PutObject":
		return []string{"kms:GenerateDataKey"}
	case "ec2:AttachVolume", "ec2:StartInstances":
		return []string{"kms:CreateGrant"}
	case "rds:RestoreDBInstanceToPointInTime":
		return []string{"kms:DescribeKey", "kms:CreateGrant"}
	case "sqs:ReceiveMessage", "s3:GetObject", "s3:GetObjectVersion", "secretsmanager:GetSecretValue":
		return []string{"kms:Decrypt"}
	case "secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret":
		return []string{"kms:GenerateDataKey", "kms:Decrypt"}
	}
	if strings.HasPrefix(action, "dynamodb:") && !strings.HasPrefix(action, "dynamodb:Describe") {
		return []string{"kms:Decrypt"} // DynamoDB decrypts the table's key for each principal
	}
	return nil
}

// withKey adds what a need implies on the key of its resource, if it has one. The key's own ARN is
// looked up under the resource, an object's under its bucket, an index's under its table, a secret's
// under its ARN or what begins it.
func (s *Store) withKey(n need) []need {
	needs := []need{n}
	owner := n.resource
	if i := strings.Index(owner, "/"); i > 0 && strings.HasPrefix(owner, "arn:aws:s3:::") {
		owner = owner[:i]
	}
	if table, _, ok := strings.Cut(owner, "/index/"); ok {
		owner = table
	}
	key := s.keyOf(strings.TrimSuffix(owner, anySuffix))
	if key == "" {
		return needs
	}
	service, _, _ := strings.Cut(n.action, ":")
	for _, action := range keyActions(n.action) {
		context := s.via(service)
		if action == "kms:CreateGrant" {
			context["kms:grantisforawsresource"] = []string{"true"}
		}
		needs = append(needs, need{action, key, context})
	}
	return needs
}

// via is the condition that a key is used through a service.
func (s *Store) via(service string) Context {
	return Context{"kms:viaservice": {service + "." + s.region + ".amazonaws.com"}}
}

// params reads the parameters of a call, whose shapes the services check themselves.
type params map[string]any

func (p params) text(name string) string {
	s, _ := p[name].(string)
	return s
}

// first is the first parameter that is there, or "*".
func (p params) first(names ...string) string {
	for _, name := range names {
		if s := p.text(name); s != "" {
			return s
		}
	}
	return "*"
}

// texts reads a list of strings.
func (p params) texts(name string) []string {
	list, _ := p[name].([]any)
	var texts []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// maps reads a list of structures.
func (p params) maps(name string) []params {
	list, _ := p[name].([]any)
	var found []params
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

// tags are the tags that a call gives, as aws:RequestTag/… and aws:TagKeys.
func (p params) tags() Context { return tagsOf(p.maps("Tags")) }

func tagsOf(tags []params) Context {
	context := Context{}
	for _, tag := range tags {
		key := tag.text("Key")
		context["aws:requesttag/"+strings.ToLower(key)] = []string{tag.text("Value")}
		context["aws:tagkeys"] = append(context["aws:tagkeys"], key)
	}
	return context
}
