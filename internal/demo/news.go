package demo

import (
	"encoding/json"

	"headroom/events"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

// NewsKind is what a piece of news is.
type NewsKind string

const (
	// NewsEvent is an event that Headroom publishes.
	NewsEvent NewsKind = "event"
	// NewsStep is a step of a tenant's way out.
	NewsStep NewsKind = "step"
	// NewsAlarm is an alarm that rings, or is over.
	NewsAlarm NewsKind = "alarm"
	// NewsNotice is a message to people.
	NewsNotice NewsKind = "notice"
	// NewsError is an error that a function logged.
	NewsError NewsKind = "error"
	// NewsPolicy is a policy that is refused.
	NewsPolicy NewsKind = "policy"
)

// News is something that happened, in a line.
type News struct {
	Kind   NewsKind `json:"kind"`
	Type   string   `json:"type,omitempty"` // an event's detail-type, or the state that an alarm came to
	Text   string   `json:"text"`
	Body   string   `json:"body,omitempty"` // of a notice: what people are told
	Tenant string   `json:"tenant,omitempty"`
	Host   string   `json:"host,omitempty"`
}

// News hands over all that happens, as it happens, until the cloud is closed. Events are told as often as they are
// published.
func (d Deployment) News(tell func(News)) {
	bus := d.outputs["BusName"]
	d.Events.Subscribe(bus, func(e eventbridge.Event) { tell(eventNews(e.DetailType, e.Detail)) })
	refused := &once{}
	d.Functions.Subscribe(func(line lambda.Line) {
		if text := refusedPolicy(line.Text); text != "" && refused.first(text) {
			tell(News{Kind: NewsPolicy, Text: text})
		}
		if text := stepWords(line.Text); text != "" {
			tell(News{Kind: NewsStep, Text: text})
		}
	})
	d.operations(tell)
}

// eventNews words an event. Where to connect is left to its body: it is long.
func eventNews(detailType string, detail json.RawMessage) News {
	var about struct{ TenantID, HostID string }
	_ = json.Unmarshal(detail, &about) // or it is about neither
	n := News{Kind: NewsEvent, Type: detailType, Text: words(detailType, detail), Tenant: about.TenantID, Host: about.HostID}
	if detailType == (events.StorageReady{}).DetailType() && n.Tenant != "" {
		n.Text, n.Body = n.Tenant+" has its storage", n.Text
	}
	return n
}
