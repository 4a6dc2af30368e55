package events

import (
	"strings"
	"time"
	"unicode/utf8"
)

// TypeDecommissionRequested is the type of DecommissionRequested.
const TypeDecommissionRequested = "DecommissionRequested"

// DecommissionRequested asks that a tenant leaves: its data is archived, its storage scrubbed and taken back. Decommission
// queue, from the customer's side.
type DecommissionRequested struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	TenantID    string `json:"tenantId"`
	Reason      string `json:"reason"`          // stands in the history and on the certificate
	RequestedBy string `json:"requestedBy"`     // likewise
	Grace       string `json:"grace,omitempty"` // how long it can be undone, such as "72h"; left out: as the policy's terms say
	AsOf        string `json:"asOf,omitempty"`  // since when that has been wanted, RFC 3339: an undo sent later holds; left out: since it is sent
	Correlated
}

// TypeUndoRequested is the type of UndoRequested.
const TypeUndoRequested = "UndoRequested"

// UndoRequested asks that a tenant which is leaving stays: it has the same database, the same path and the same password
// as before. Decommission queue, from the customer's side.
type UndoRequested struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	TenantID    string `json:"tenantId"`
	Reason      string `json:"reason"`
	RequestedBy string `json:"requestedBy"`
	AsOf        string `json:"asOf,omitempty"` // since when that has been wanted, RFC 3339: a departure asked for later holds; left out: since it is sent
	Correlated
}

// maxRequest bounds the bytes of a request about a tenant.
const maxRequest = 16 << 10

// maxWords bounds the bytes of a reason, and of who asks.
const maxWords = 400

// ParseDecommissionRequested reads and validates the body of a decommission message, as ParseSignupRequested does one of a
// signup.
func ParseDecommissionRequested(body []byte) (DecommissionRequested, error) {
	var request DecommissionRequested
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeDecommissionRequested) }},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"grace", &request.Grace, checkGrace},
		{"asOf", &request.AsOf, checkAsOf},
	})
	return request, err
}

// ParseUndoRequested reads and validates the body of an undo message, as ParseSignupRequested does one of a signup.
func ParseUndoRequested(body []byte) (UndoRequested, error) {
	var request UndoRequested
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeUndoRequested) }},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"asOf", &request.AsOf, checkAsOf},
	})
	return request, err
}

// Wanted is since when something has been wanted that a message asks for: as of the time that the message names (RFC 3339; empty:
// none), and not after it was sent.
func Wanted(asOf string, sent time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339, asOf); err == nil && at.Before(sent) {
		return at.UTC()
	}
	return sent
}

// requestField is one field of a request: its name, where it goes, and what must be so of it.
type requestField struct {
	name  string
	into  *string
	check func(value string) *FieldError
}

// parseRequest reads a request of strings. Its error is nil, a *FieldError about the body, or FieldErrors about all unacceptable
// fields; then the request holds only what is well formed.
func parseRequest(body []byte, fields []requestField) error {
	var known []string
	for _, field := range fields {
		known = append(known, field.name)
	}
	object, invalid := readObject(body, maxRequest, known...)
	if invalid != nil {
		return invalid
	}
	return fieldErrors(object.read(fields)...)
}

// read reads the members of an object that are strings, each into its place if it is well formed. It returns what is wrong
// with each that is not.
func (o *object) read(fields []requestField) []*FieldError {
	var bad []*FieldError
	if o.twice {
		bad = append(bad, &FieldError{Field: FieldBody, Reason: "has a name more than once"})
	}
	for _, field := range fields {
		value, wrong := o.text(field.name)
		if wrong == nil {
			wrong = field.check(value)
		}
		if wrong != nil {
			bad = append(bad, wrong)
			continue
		}
		*field.into = value
	}
	return bad
}

func checkType(value, want string) *FieldError {
	if value != want {
		return &FieldError{Field: "type", Reason: "is not " + want}
	}
	return nil
}

// checkWords wants some words on one line, which stand in records, notices and certificates.
func checkWords(field, value string) *FieldError {
	switch {
	case strings.TrimSpace(value) == "":
		return &FieldError{Field: field, Reason: "is missing"}
	case len(value) > maxWords:
		return &FieldError{Field: field, Reason: "is longer than 400 bytes"}
	case !utf8.ValidString(value), strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return &FieldError{Field: field, Reason: "has characters that are no text"}
	}
	return nil
}

// checkOptionalWords wants such words, or none.
func checkOptionalWords(field, value string) *FieldError {
	if value == "" {
		return nil
	}
	return checkWords(field, value)
}

func checkAsOf(value string) *FieldError {
	if _, err := time.Parse(time.RFC3339, value); value != "" && err != nil {
		return &FieldError{Field: "asOf", Reason: "is no time as RFC 3339 has it"}
	}
	return nil
}

func checkGrace(value string) *FieldError {
	if value == "" {
		return nil
	}
	if d, err := time.ParseDuration(value); err != nil || d < 0 {
		return &FieldError{Field: "grace", Reason: `is no duration such as "72h"`}
	}
	return nil
}
