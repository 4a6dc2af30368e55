package events

// TypeDoneByHand is the type of DoneByHand.
const TypeDoneByHand = "DoneByHand"

// What a person may do that is no message by itself.
const (
	// HandPolicySet puts another policy document into its parameter.
	HandPolicySet = "policy set"
	// HandDeadLettersDropped deletes dead letters of a queue for good.
	HandDeadLettersDropped = "dlq drop"
	// HandDeadLettersRedriven sends dead letters of a queue back to it.
	HandDeadLettersRedriven = "dlq redrive"
)

// DoneByHand says what a person is about to do with the command that is no message: it is for the audit, which has the sender
// by it as SQS knows them, and nothing comes of it. Host events queue.
type DoneByHand struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	Action      string `json:"action"` // HandPolicySet, HandDeadLettersDropped or HandDeadLettersRedriven
	Of          string `json:"of"`     // the version of the policy that stands before; the queue, and the message's ID if it is one
	RequestedBy string `json:"requestedBy"`
	Reason      string `json:"reason"`
	Correlated
}

// ParseDoneByHand reads and validates the body, as ParseSignupRequested does one of a signup.
func ParseDoneByHand(body []byte) (DoneByHand, error) {
	var done DoneByHand
	err := parseRequest(body, []requestField{
		{"version", &done.Version, checkVersion},
		{"type", &done.Type, func(v string) *FieldError { return checkType(v, TypeDoneByHand) }},
		{"action", &done.Action, checkHand},
		{"of", &done.Of, func(v string) *FieldError { return checkWords("of", v) }},
		{"requestedBy", &done.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"reason", &done.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
	})
	return done, err
}

func checkHand(value string) *FieldError {
	switch value {
	case HandPolicySet, HandDeadLettersDropped, HandDeadLettersRedriven:
		return nil
	}
	return &FieldError{Field: "action", Reason: "is neither policy set nor dlq drop nor dlq redrive"}
}
