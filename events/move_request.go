package events

import (
	"regexp"
	"sync"
	"time"
)

// hostPattern is what IDs of database hosts look like.
var hostPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^database-[a-z0-9]{1,20}-[1-9][0-9]{0,8}$`) })

// TypeMoveRequest is the type of MoveRequest.
const TypeMoveRequest = "MoveRequest"

// MoveRequest asks that a tenant's database moves to another host: while it is copied, the tenant is shut out. A RestoreUndo
// calls it off until the tenant has the new one. Restore queue, from operators.
type MoveRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	TenantID    string `json:"tenantId"`
	To          string `json:"to,omitempty"`   // the host; left out: any of its tier that has room
	Most        string `json:"most,omitempty"` // how long it may be shut out, such as "10m"; one that would be longer does not move. Left out: as long as it takes
	Reason      string `json:"reason"`         // stands in the history
	RequestedBy string `json:"requestedBy"`
	Grace       string `json:"grace,omitempty"` // how long what it moves away from is kept, such as "72h"; left out: as the policy's terms say
	Correlated
}

// NewMoveRequest asks that a tenant moves to any host that has room.
func NewMoveRequest(tenantID, reason, requestedBy string) MoveRequest {
	return MoveRequest{Version: Version, Type: TypeMoveRequest, TenantID: tenantID, Reason: reason, RequestedBy: requestedBy}
}

// ParseMoveRequest reads and validates the body of a request to move, as ParseSignupRequested does one of a signup.
func ParseMoveRequest(body []byte) (MoveRequest, error) {
	var request MoveRequest
	err := parseRequest(body, []requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeMoveRequest) }},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"to", &request.To, checkMoveTo},
		{"most", &request.Most, checkMost},
		{"reason", &request.Reason, func(v string) *FieldError { return checkWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkWords("requestedBy", v) }},
		{"grace", &request.Grace, checkGrace},
	})
	return request, err
}

func checkMoveTo(value string) *FieldError {
	if value == "" {
		return nil
	}
	return checkPattern("to", value, hostPattern())
}

func checkMost(value string) *FieldError {
	if value == "" {
		return nil
	}
	if d, err := time.ParseDuration(value); err != nil || d <= 0 {
		return &FieldError{Field: "most", Reason: `is no duration such as "10m"`}
	}
	return nil
}
