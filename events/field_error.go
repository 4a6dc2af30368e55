package events

import (
	"encoding/json"
	"errors"
	"strings"
)

// FieldBody is the Field of a FieldError about a message as a whole.
const FieldBody = "body"

// FieldError says which field of a message is unacceptable, and why. Both
// parts are safe to log and to send back: they never repeat what was sent.
type FieldError struct {
	Field  string // the JSON name, or FieldBody
	Reason string // completes "tenantId …", such as "is missing"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

// fieldErrorOf tells which field encoding/json stumbled over.
func fieldErrorOf(err error) *FieldError {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return &FieldError{Field: FieldBody, Reason: "is not JSON"}
	}
	if mismatch.Field == "" {
		return &FieldError{Field: FieldBody, Reason: "is not a JSON object"}
	}
	// Value can be "number 12…" with all its digits.
	kind, _, _ := strings.Cut(mismatch.Value, " ")
	return &FieldError{Field: mismatch.Field, Reason: "is not a string but " + kind}
}
