package events

// FieldBody is the Field of a FieldError about a message as a whole.
const FieldBody = "body"

// FieldError says which field of a message is unacceptable, and why. Both
// parts are safe to log and to send back: they never repeat what was sent.
type FieldError struct {
	Field  string `json:"field"`  // the JSON name, or FieldBody
	Reason string `json:"reason"` // completes "tenantId …", such as "is missing"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

// FieldErrors are all that is unacceptable of a message by itself. A message is refused for the first, which errors.As finds.
type FieldErrors []*FieldError

func (e FieldErrors) Error() string { return e[0].Error() }

// Unwrap has errors.As find the first.
func (e FieldErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, bad := range e {
		all[i] = bad
	}
	return all
}

// fieldErrors is the error of those that are not nil; nil if all are.
func fieldErrors(checks ...*FieldError) error {
	var all FieldErrors
	for _, bad := range checks {
		if bad != nil {
			all = append(all, bad)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
