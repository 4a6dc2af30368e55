package events

import (
	"regexp"
	"sync"
)

// TypeRecoverRequest is the type of RecoverRequest.
const TypeRecoverRequest = "RecoverRequest"

// What a RecoverRequest asks for.
const (
	// RecoverLook has it found out what the ledger would have to say.
	RecoverLook = "look"
	// RecoverHold has nothing handed out any more until RecoverApply has come to its end, or RecoverDrop.
	RecoverHold = "hold"
	// RecoverApply has the ledger say what the last look found, if that is what Digest names.
	RecoverApply = "apply"
	// RecoverDrop ends the hold, with the ledger as it is.
	RecoverDrop = "drop"
)

// RecoverRequest is a step of making the ledger true again that was lost, or put back. Recover queue, from operators.
type RecoverRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	Action      string `json:"action"`           // one of the above
	Digest      string `json:"digest,omitempty"` // of the plan that is meant: RecoverApply only
	Reason      string `json:"reason"`           // stands in the audit
	RequestedBy string `json:"requestedBy"`
	Correlated
}

var (
	recoverPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(look|hold|apply|drop)$`) })
	digestPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{16}$`) })
)

// ParseRecoverRequest reads and validates the body of a request to recover, as ParseSignupRequested does one of a signup.
func ParseRecoverRequest(body []byte) (RecoverRequest, error) {
	var request RecoverRequest
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeRecoverRequest) }},
		{"action", &request.Action, func(v string) *FieldError { return checkPattern("action", v, recoverPattern()) }},
		{"digest", &request.Digest, checkDigest},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
	})
	if err == nil && (request.Action == RecoverApply) != (request.Digest != "") {
		return RecoverRequest{}, &FieldError{Field: "digest", Reason: "belongs to apply, and to nothing else"}
	}
	return request, err
}

func checkDigest(value string) *FieldError {
	if value == "" {
		return nil
	}
	return checkPattern("digest", value, digestPattern())
}
