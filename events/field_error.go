package events

// FieldBody is the Field of a FieldError about a message as a whole.
const FieldBody = "body"

// FieldError says which field of a message is unacceptable, and why. Both
// parts are safe to log and to send back: they never repeat what was sent.
type FieldError struct {
	Field  string // the JSON name, or FieldBody
	Reason string // completes "tenantId …", such as "is missing"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }
