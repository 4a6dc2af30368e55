package events

import (
	"regexp"
	"sync"
)

// TypeDepartureRequest is the type of DepartureRequest.
const TypeDepartureRequest = "DepartureRequest"

// What a DepartureRequest asks for.
const (
	// DepartureResume has a departure go on that was given up, and its slots' scrubs that were.
	DepartureResume = "resume"
	// SlotAgain has a slot that is quarantined looked at anew, from the step at which it was quarantined.
	SlotAgain = "again"
	// SlotRetire takes a slot that is quarantined out of use, for good.
	SlotRetire = "retire"
)

// DepartureRequest is what a person wants done about a departure that does not come on by itself, whoever lives under its
// tenant's name by now. Decommission queue.
type DepartureRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	DepartureID string `json:"departureId"`    // "<tenant>.<mark>", as notices and the certificate name it
	Action      string `json:"action"`         // DepartureResume, SlotAgain or SlotRetire
	Slot        string `json:"slot,omitempty"` // "database" or "share"; left out where the action is DepartureResume
	RequestedBy string `json:"requestedBy"`    // stands in the record's history, as does the reason
	Reason      string `json:"reason"`
	Correlated
}

// departureIDPattern is a tenant, a mark, and which one after those that were undone.
var departureIDPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[a-z0-9]{1,40}(-[0-9]{1,4})?$`)
})

// ParseDepartureRequest reads and validates the body of a message about a departure, as ParseSignupRequested does one of a
// signup.
func ParseDepartureRequest(body []byte) (DepartureRequest, error) {
	var request DepartureRequest
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeDepartureRequest) }},
		{"departureId", &request.DepartureID, func(v string) *FieldError { return checkPattern("departureId", v, departureIDPattern()) }},
		{"action", &request.Action, checkAction},
		{"slot", &request.Slot, checkSlot},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
	})
	switch {
	case err == nil && request.Action == DepartureResume && request.Slot != "":
		err = &FieldError{Field: "slot", Reason: "is not for resume, which is of all of the departure"}
	case err == nil && request.Action != DepartureResume && request.Slot == "":
		err = &FieldError{Field: "slot", Reason: "is missing"}
	}
	return request, err
}

func checkAction(value string) *FieldError {
	switch value {
	case DepartureResume, SlotAgain, SlotRetire:
		return nil
	}
	return &FieldError{Field: "action", Reason: "is neither resume nor again nor retire"}
}

func checkSlot(value string) *FieldError {
	switch value {
	case "", "database", "share":
		return nil
	}
	return &FieldError{Field: "slot", Reason: "is neither database nor share"}
}
