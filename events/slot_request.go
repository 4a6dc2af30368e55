package events

import (
	"regexp"
	"sync"
)

// TypeSlotRequest is the type of SlotRequest.
const TypeSlotRequest = "SlotRequest"

// SlotRequest is what a person wants done about a slot that was quarantined because it could not be said whose it is when the ledger
// was recovered. Recover queue. A slot that could not be scrubbed is asked about by a DepartureRequest.
type SlotRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	Slot        string `json:"slot"`        // "<host>/<index>"
	Action      string `json:"action"`      // SlotAgain: it is given back if it is nobody's by now; SlotRetire: it goes out of use, for good
	RequestedBy string `json:"requestedBy"` // stands in the audit, as does the reason
	Reason      string `json:"reason"`
	Correlated
}

var slotNamePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(database|share)-[a-z0-9]{1,20}-[1-9][0-9]{0,8}/[1-9][0-9]{0,3}$`)
})

// ParseSlotRequest reads and validates the body of a message about a slot, as ParseSignupRequested does one of a signup.
func ParseSlotRequest(body []byte) (SlotRequest, error) {
	var request SlotRequest
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeSlotRequest) }},
		{"slot", &request.Slot, func(v string) *FieldError { return checkPattern("slot", v, slotNamePattern()) }},
		{"action", &request.Action, checkSlotAction},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
	})
	return request, err
}

func checkSlotAction(value string) *FieldError {
	if value == SlotAgain || value == SlotRetire {
		return nil
	}
	return &FieldError{Field: "action", Reason: "is neither again nor retire"}
}
