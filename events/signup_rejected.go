package events

// SignupRejected says that a signup is unacceptable, and why. The message
// itself is kept in the signup queue's dead-letter queue.
type SignupRejected struct {
	Version   string `json:"version"`
	TenantID  string `json:"tenantId"` // empty if the message does not say
	Field     string `json:"field"`    // the JSON name of the field, or FieldBody
	Reason    string `json:"reason"`
	MessageID string `json:"messageId"` // of the SQS message
	Correlated
}

// DetailType is the detail-type of the event.
func (SignupRejected) DetailType() string { return "SignupRejected" }
