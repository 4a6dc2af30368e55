package events

// RequestRejected says that a request about a tenant is unacceptable, and why. The message itself is kept in the
// dead-letter queue of the queue that it was sent to.
type RequestRejected struct {
	Version   string `json:"version"`
	Type      string `json:"type"`     // of the request, such as TypeUndoRequested
	TenantID  string `json:"tenantId"` // empty if the message does not say
	Field     string `json:"field"`    // the JSON name of the field, or FieldBody
	Reason    string `json:"reason"`
	MessageID string `json:"messageId"` // of the SQS message
	Correlated
}

// DetailType is the detail-type of the event.
func (RequestRejected) DetailType() string { return "RequestRejected" }
