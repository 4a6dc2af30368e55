package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

// Operations says in lines what operators would hear of: alarms that ring and that are over, notices to the
// topic, and errors that functions log, each of them once. That a policy is refused is not among them.
func (d Deployment) Operations(say func(line string)) {
	d.operations(func(n News) {
		if n.Kind == NewsAlarm {
			say(n.Body)
			return
		}
		say(n.Text)
	})
}

func (d Deployment) operations(tell func(News)) {
	d.Events.Subscribe(eventbridge.DefaultBus, func(e eventbridge.Event) {
		if news := alarmNews(e.DetailType, e.Detail); news.Text != "" {
			tell(news)
		}
	})
	d.Router.After(func(call endpoint.Call, status int) error {
		if call.Service == "sns" && call.Operation == "Publish" && status == http.StatusOK {
			subject, _ := call.Params["Subject"].(string)
			message, _ := call.Params["Message"].(string)
			if line := noticeWords(subject, message); line != "" {
				tell(News{Kind: NewsNotice, Text: line, Body: message})
			}
		}
		return nil
	})
	said := &once{}
	d.Functions.Subscribe(func(line lambda.Line) {
		if refusedPolicy(line.Text) != "" {
			return // which is said in words of its own
		}
		if text := errorWords(line.Function, line.Text); text != "" && said.first(text) {
			tell(News{Kind: NewsError, Text: text})
		}
	})
}

// alarmNews says that an alarm rings, or is over: shortly, and in its body with all that CloudWatch says.
func alarmNews(detailType string, detail json.RawMessage) News {
	var e struct {
		AlarmName     string
		State         struct{ Value string }
		Configuration struct{ Description string }
	}
	_ = json.Unmarshal(detail, &e) // or there are no words either
	n := News{Kind: NewsAlarm, Type: e.State.Value, Body: alarmWords(detailType, detail)}
	switch {
	case n.Body == "":
	case e.State.Value == "ALARM":
		n.Text = strings.TrimSuffix(fmt.Sprintf("alarm %s rings: %s", e.AlarmName, e.Configuration.Description), ": ")
	default:
		n.Text = fmt.Sprintf("alarm %s is over", e.AlarmName)
	}
	return n
}

// alarmWords says that an alarm rings, or is over.
func alarmWords(detailType string, detail json.RawMessage) string {
	var e struct {
		AlarmName            string
		State, PreviousState struct{ Value, Reason string }
		Configuration        struct{ Description string }
	}
	if detailType != "CloudWatch Alarm State Change" || json.Unmarshal(detail, &e) != nil {
		return ""
	}
	switch {
	case e.State.Value == "ALARM":
		return strings.TrimSpace(fmt.Sprintf("alarm %s rings: %s %s", e.AlarmName, e.State.Reason, e.Configuration.Description))
	case e.PreviousState.Value == "ALARM":
		return fmt.Sprintf("alarm %s is over: %s", e.AlarmName, e.State.Reason)
	}
	return ""
}

// noticeWords says what people are notified of; the notices of alarms are said as alarms.
func noticeWords(subject, message string) string {
	var alarm struct{ AlarmArn string }
	if json.Unmarshal([]byte(message), &alarm) == nil && alarm.AlarmArn != "" {
		return ""
	}
	if subject == "" {
		subject, _, _ = strings.Cut(message, "\n")
	}
	return "people are notified: " + subject
}

// errorWords says what a function logged as an error: the message, and what it names as the reason.
func errorWords(function, text string) string {
	var line struct{ Level, Msg, Message, Error, Reasons string }
	if json.Unmarshal([]byte(text), &line) != nil || line.Level != "ERROR" {
		return ""
	}
	said := "error in " + function + ": " + line.Message + line.Msg
	for _, reason := range []string{line.Reasons, line.Error} {
		if reason != "" {
			said += ": " + reason
		}
	}
	return said
}

// once knows what was said lately.
type once struct {
	mu   sync.Mutex
	said map[string]bool
}

// onceMost is how much is known, before all is forgotten.
const onceMost = 1000

func (o *once) first(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said[text] {
		return false
	}
	if len(o.said) >= onceMost || o.said == nil {
		o.said = map[string]bool{}
	}
	o.said[text] = true
	return true
}
