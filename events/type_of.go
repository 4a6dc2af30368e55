package events

// TypeOf tells what the body of a message on one of Headroom's queues is: its
// type if it is one of Headroom's own, its detail-type if it is an event from
// EventBridge, and TypeSignupRequested for everything else, be it JSON or not:
// customers send no type, and what is wrong with their message is for
// ParseSignupRequested to say. So it is for a body of which the type can't be
// told, because a name is there twice or it is too long or deep to be read.
func TypeOf(body []byte) string {
	var message struct {
		Type       string `json:"type"`
		DetailType string `json:"detail-type"`
	}
	if err := Decode(body, &message); err != nil {
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
