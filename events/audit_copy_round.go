package events

// TypeAuditCopyRound is the type of AuditCopyRound.
const TypeAuditCopyRound = "AuditCopyRound"

// AuditCopyRound asks that new lines of the audit are copied. Auditcopy's own queue, from a schedule.
type AuditCopyRound struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Correlated
}

// NewAuditCopyRound asks for a round.
func NewAuditCopyRound() AuditCopyRound {
	return AuditCopyRound{Version: Version, Type: TypeAuditCopyRound}
}
