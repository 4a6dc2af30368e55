package events

// NoticeAttribute is the message attribute of a notice on the operators' topic that has it as JSON, for machines.
const NoticeAttribute = "headroom.notice"

// Severities of notices.
const (
	SeverityPage   = "page"   // wakes somebody: an alarm of its own pages too
	SeverityTicket = "ticket" // for the next working day
)

// Notice is what people are told, for machines. What it is not about is left out.
type Notice struct {
	Version  string `json:"version"`
	Type     string `json:"type"`     // TypeNotice
	Severity string `json:"severity"` // SeverityPage or SeverityTicket
	What     string `json:"what"`     // such as "HostCordoned"; for those of an event, its detail-type
	Stage    string `json:"stage"`
	Subject  string `json:"subject"`

	HostID   string      `json:"hostId,omitempty"`
	TenantID string      `json:"tenantId,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Runbook  string      `json:"runbook,omitempty"` // address
	Next     string      `json:"next,omitempty"`    // the next command to type
	Tenants  []TenantUse `json:"tenants,omitempty"` // of the host, those that use the most first
	Correlated
}

// TypeNotice is the type of Notice.
const TypeNotice = "Notice"

// TenantUse is what a tenant used of a database host when its alarm rang.
type TenantUse struct {
	TenantID    string `json:"tenantId"`
	Active      int    `json:"active"` // queries that run
	Connections int    `json:"connections"`
	Bytes       int64  `json:"bytes"` // of its database
}
