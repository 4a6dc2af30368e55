package operator

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// AuditMost is how many days of the audit are read at most.
const AuditMost = pool.AuditDays

// AuditLine is what was asked for, or destroyed.
type AuditLine struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who,omitempty"`   // sent it, as SQS knows the sender; left out: Headroom itself
	Named   string    `json:"named,omitempty"` // who asks, by the message
	What    string    `json:"what"`
	Of      string    `json:"of"`
	With    string    `json:"with,omitempty"` // what else the message said of it
	Why     string    `json:"why,omitempty"`
	Message string    `json:"messageId"` // of what was destroyed, the record by which it was
}

// AuditFilter says which lines are meant.
type AuditFilter struct {
	Days int    // today and so many days before, in UTC
	Of   string // part of what they are about; empty: all
	Who  string // part of who it was; empty: all
}

// Audit reads the lines of the last days, the earliest first.
func (o *Operator) Audit(ctx context.Context, f AuditFilter) ([]AuditLine, error) {
	var lines []AuditLine
	today := o.Now()
	for n := f.Days; n >= 0; n-- {
		found, err := o.Ledger.Audits(ctx, today.AddDate(0, 0, -n))
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if strings.Contains(a.Of+" "+a.Message, f.Of) && strings.Contains(a.Who+" "+a.Named, f.Who) {
				lines = append(lines, auditLine(a))
			}
		}
	}
	return slices.Clip(lines), nil
}

func auditLine(a pool.Audit) AuditLine {
	return AuditLine{At: a.At.UTC(), Who: a.Who, Named: a.Named, What: a.What, Of: a.Of, With: a.With, Why: a.Why, Message: a.Message}
}
