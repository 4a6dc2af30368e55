package events

import (
	"time"
)

// TypeRestoreRequest is the type of RestoreRequest.
const TypeRestoreRequest = "RestoreRequest"

// RestoreRequest asks that a tenant's database, its share, or both go back to a time. What came since is kept: the present
// database closed until the grace is over, and the present files in their place, beside the folder of those that come back.
// Restore queue, from operators.
type RestoreRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	TenantID    string `json:"tenantId"`
	Database    bool   `json:"database"` // the database goes back
	Share       bool   `json:"share"`    // the files come into a folder of their own; one of both must be wanted
	To          Time   `json:"to"`       // of the share: what had been uploaded by then
	Reason      string `json:"reason"`   // stands in the history
	RequestedBy string `json:"requestedBy"`
	Grace       string `json:"grace,omitempty"` // how long it can be undone, such as "72h"; left out: as the policy's terms say
	Correlated
}

// TypeRestoreUndo is the type of RestoreUndo.
const TypeRestoreUndo = "RestoreUndo"

// RestoreUndo asks that what a RestoreRequest asked for is not so: a restoration that is under way is called off, and a
// database that took the place of another gives it back. Restore queue, from operators.
type RestoreUndo struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	TenantID    string `json:"tenantId"`
	Reason      string `json:"reason"`
	RequestedBy string `json:"requestedBy"`
	Correlated
}

// ParseRestoreRequest reads and validates the body of a request to restore, as ParseSignupRequested does one of a signup.
func ParseRestoreRequest(body []byte) (RestoreRequest, error) {
	var q RestoreRequest
	if invalid := checkBody(body, maxRequest); invalid != nil {
		return q, invalid
	}
	if err := Decode(body, &q); err != nil {
		return RestoreRequest{}, &FieldError{Field: FieldBody, Reason: "does not have the fields of a " + TypeRestoreRequest}
	}
	if err := fieldErrors(
		checkVersion(q.Version), checkType(q.Type, TypeRestoreRequest), checkPattern("tenantId", q.TenantID, tenantIDPattern()),
		checkParts(q), checkTo(q.To), checkWords("reason", q.Reason), checkWords("requestedBy", q.RequestedBy), checkGrace(q.Grace),
	); err != nil {
		return wellFormed(q), err
	}
	return q, nil
}

// ParseRestoreUndo reads and validates the body of a request to undo a restoration, as ParseSignupRequested does one of a
// signup.
func ParseRestoreUndo(body []byte) (RestoreUndo, error) {
	var request RestoreUndo
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeRestoreUndo) }},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
	})
	return request, err
}

// wellFormed is what may be said of a request that is not: whose it is.
func wellFormed(q RestoreRequest) RestoreRequest {
	if checkPattern("tenantId", q.TenantID, tenantIDPattern()) != nil {
		return RestoreRequest{}
	}
	return RestoreRequest{TenantID: q.TenantID}
}

func checkParts(q RestoreRequest) *FieldError {
	if !q.Database && !q.Share {
		return &FieldError{Field: "database", Reason: "is not wanted, and share is not either"}
	}
	return nil
}

func checkTo(to Time) *FieldError {
	if to.IsZero() {
		return &FieldError{Field: "to", Reason: "is missing"}
	}
	if y := to.UTC().Year(); y < 2000 || y > 9999 || to.Nanosecond()%int(time.Millisecond) != 0 {
		return &FieldError{Field: "to", Reason: "is no time that could be gone back to"}
	}
	return nil
}
