package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// step is one thing that was seen of a tenant's way: a call of AWS, a line of a log, or an event.
type step struct {
	At     int64  `json:"at"`     // Unix milliseconds by this machine's clock: what computes takes as long as it takes
	Who    string `json:"who"`    // the function, or the customer's side
	Where  string `json:"where"`  // the service
	What   string `json:"what"`   // the operation, or what was said
	Failed bool   `json:"failed"` // it was refused
}

// seen is a step with what tells whose it is. The text is never shown: it may hold what only calls may.
type seen struct {
	step
	text string
}

// waysMost is how many steps are kept, of all tenants.
const waysMost = 6000

// textMost bounds what is kept of a call to tell whose it is.
const textMost = 4000

// boring operations are asked all the time, and say nothing of a tenant.
var boring = []string{"ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "GetParameter", "BatchGetItem", "Query"}

// Called takes in a call of AWS that was answered with an HTTP status. Of the account owner's calls only messages count:
// they are what customers send.
func (p *Page) Called(call endpoint.Call, status int) {
	who := "customer"
	if call.Principal != "" {
		who = p.short(call.Principal[strings.LastIndex(call.Principal, "/")+1:])
	} else if call.Operation != "SendMessage" {
		return
	}
	if slices.Contains(boring, call.Operation) {
		return
	}
	s := seen{step: step{
		At: time.Now().UnixMilli(), Who: who, Where: services[call.Service], What: call.Operation, Failed: status >= 400,
	}, text: textOf(call)}
	if s.Where == "" {
		s.Where = call.Service
	}
	switch {
	case call.Service == "sqs":
		if queue, ok := call.Params["QueueUrl"].(string); ok {
			s.What += " to " + shortQueue(endpoint.QueueName(queue))
		}
	case call.Service == "dynamodb":
		if record := recordOf(call.Params); record != "" {
			s.What += " " + record
		}
		if item, whole := call.Params["Item"].(map[string]any); whole {
			s.text = recordKey(item) // a host's record names all that have slots there
		}
	}
	p.ways.add(func(int) seen { return s })
}

// recordOf names the record that a call of DynamoDB is about, such as "TENANT#acme"; a transaction is about several.
func recordOf(params map[string]any) string {
	for _, of := range []string{"Key", "Item"} {
		if key, ok := params[of].(map[string]any); ok {
			return recordKey(key)
		}
	}
	return ""
}

func recordKey(attributes map[string]any) string {
	value, _ := attributes["pk"].(map[string]any)
	text, _ := value["S"].(string)
	return text
}

// services are the names of services for people, by their signing names.
var services = map[string]string{
	"dynamodb": "DynamoDB", "sqs": "SQS", "sns": "SNS", "events": "EventBridge", "secretsmanager": "Secrets Manager",
	"storagegateway": "Storage Gateway", "ec2": "EC2", "rds": "RDS", "ecs": "ECS", "s3": "S3", "cloudformation": "CloudFormation",
	"ssm": "SSM", "monitoring": "CloudWatch", "scheduler": "Scheduler", "logs": "CloudWatch Logs",
}

// Logged takes in a line of a function's log: one that names a tenant is part of its way.
func (p *Page) Logged(function, text string) {
	p.noteFailure(text)
	var line struct{ Message, Msg, Tenant, Level string }
	if json.Unmarshal([]byte(text), &line) != nil || line.Tenant == "" {
		return
	}
	s := seen{step: step{
		At: time.Now().UnixMilli(), Who: p.short(function), Where: "log", What: line.Message + line.Msg, Failed: line.Level == "ERROR",
	}, text: line.Tenant}
	p.ways.add(func(int) seen { return s })
}

// short is a function's name without the stage's.
func (p *Page) short(function string) string { return strings.TrimPrefix(function, p.Dashboard+"-") }

// textOf is all text of a call's parameters. Of a secret's only its name is: its value is kept nowhere.
func textOf(call endpoint.Call) string {
	var all strings.Builder
	var gather func(any)
	gather = func(value any) {
		if all.Len() > textMost {
			return
		}
		switch v := value.(type) {
		case string:
			all.WriteString(v)
			all.WriteByte('\n')
		case []any:
			for _, one := range v {
				gather(one)
			}
		case map[string]any:
			for name, one := range v {
				if name != "SecretString" && name != "SecretBinary" {
					all.WriteString(name)
					all.WriteByte('\n')
					gather(one)
				}
			}
		}
	}
	gather(call.Params)
	text := all.String()
	return text[:min(len(text), textMost)]
}

// way lists what was seen of a tenant, in order: from where it is named first on, what names it, or what is its own. Its
// slots had their names before.
func (p *Page) way(id string, names []string) []step {
	all, _ := p.ways.after(0)
	names = append([]string{id}, names...)
	began := slices.IndexFunc(all, func(s seen) bool { return mentions(s.text, id) })
	list := []step{}
	if began < 0 {
		return list
	}
	for _, s := range all[began:] {
		if slices.ContainsFunc(names, func(name string) bool { return mentions(s.text, name) }) {
			if last := len(list) - 1; last >= 0 && same(list[last], s.step) {
				continue // as often as it was tried
			}
			list = append(list, s.step)
		}
	}
	return list
}

func same(a, b step) bool {
	return a.Who == b.Who && a.Where == b.Where && a.What == b.What && a.Failed == b.Failed
}

// mentions reports whether a text has a name as a whole: "acme" is not in "acme-2", nor 127.0.0.1 in 127.0.0.10.
func mentions(text, name string) bool {
	if name == "" {
		return false
	}
	for rest, at := text, 0; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		at += i
		if !partOfName(text, at-1) && !partOfName(text, at+len(name)) {
			return true
		}
		at += len(name)
		rest = text[at:]
	}
}

func partOfName(text string, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	c := text[at]
	return c == '-' || c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// noteFailure keeps why a message failed, by its ID: it may become a dead letter.
func (p *Page) noteFailure(text string) {
	var line struct{ Message, MessageID, Error string }
	if !strings.Contains(text, "messageId") || json.Unmarshal([]byte(text), &line) != nil || line.Error == "" {
		return
	}
	p.failures.add(func(int) failure { return failure{line.MessageID, fmt.Sprintf("%s: %s", line.Message, line.Error)} })
}

// failure is why the handling of a message failed.
type failure struct{ message, why string }

// failuresMost is how many failures are kept.
const failuresMost = 500

// why says why a message failed last; empty: that is not known.
func (p *Page) why(message string) string {
	all, _ := p.failures.after(0)
	for _, f := range slices.Backward(all) {
		if f.message == message {
			return f.why
		}
	}
	return ""
}
