package events

import "encoding/json"

// TypeOf tells what the body of a message on one of Headroom's queues is: its
// type if it is one of Headroom's own, its detail-type if it is an event from
// EventBridge, and TypeSignupRequested for everything else, be it JSON or not:
// customers send no type, and what is wrong with their message is for
// ParseSignupRequested to say.
func TypeOf(body []byte) string {
	var message struct {
		Type       string `json:"type"`
		DetailType string `json:"detail-type"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return TypeSignupRequested
	}
	switch {
	case message.Type != "":
		return message.Type
	case message.DetailType != "":
		return message.DetailType
	default:
		return TypeSignupRequested
	}
}
