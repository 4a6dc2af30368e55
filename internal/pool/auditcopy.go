package pool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	// AuditCopyFolder is where copies of the audit's lines lie in the bucket of archives, a folder a day. No departure's ID,
	// with which all other keys begin, is without a dot.
	AuditCopyFolder = "audit/"
	// AuditDays is how many days of the audit are read at most.
	AuditDays = 400
	// auditLate is how long after its time a line may be written: SQS keeps no message longer than 14 days, and the time of a
	// message's line is that at which it was sent. A day is for clocks, and for the last delivery.
	auditLate = 15 * 24 * time.Hour
	// auditLocked is for how long a copy can't be deleted, from the line's time on: seven years.
	auditLocked = (7*365 + 2) * 24 * time.Hour
)

// AuditCopies is how far the audit is copied.
type AuditCopies struct {
	UpTo    time.Time // a round looked at all lines before it, and copied them; zero: none ever did
	Version int64
}

// From is the first moment whose lines are to be looked at: of those that are copied, it goes back as far as lines may be
// late.
func (c AuditCopies) From(now time.Time) time.Time {
	if c.UpTo.IsZero() {
		return now.AddDate(0, 0, -AuditDays)
	}
	return c.UpTo.Add(-auditLate)
}

// Behind is for how long lines have been waiting at most.
func (c AuditCopies) Behind(now time.Time) time.Duration {
	if c.UpTo.IsZero() {
		return now.Sub(c.From(now))
	}
	return max(0, now.Sub(c.UpTo))
}

// AuditCopy is what a line's copy is.
type AuditCopy struct {
	Key     string
	Content []byte
	Until   time.Time // it can't be deleted before
}

// Copy is the copy of a line. Its key has the content's checksum: so who lists keys sees which lines are copied as they
// are, a line that was changed since has another key, and no copy is ever written over.
func (a Audit) Copy() (AuditCopy, error) {
	at := a.At.UTC()
	content, err := json.Marshal(struct {
		At      time.Time `json:"at"`
		Message string    `json:"messageId"`
		Who     string    `json:"who,omitempty"`
		Named   string    `json:"named,omitempty"`
		What    string    `json:"what"`
		Of      string    `json:"of"`
		With    string    `json:"with,omitempty"` // left out of lines that have none: of those there were before it their copies stay what they are
		Why     string    `json:"why,omitempty"`
	}{at, a.Message, a.Who, a.Named, a.What, a.Of, a.With, a.Why})
	if err != nil {
		return AuditCopy{}, fmt.Errorf("write the copy of %s of %s: %w", a.What, a.Of, err)
	}
	sum := sha256.Sum256(content)
	return AuditCopy{
		Key:     AuditCopyDay(at) + at.Format("150405.000000000") + "-" + hex.EncodeToString(sum[:]) + ".json",
		Content: content, Until: at.Add(auditLocked).Truncate(time.Second),
	}, nil
}

// AuditCopyDay is how keys of a day's copies begin.
func AuditCopyDay(day time.Time) string {
	return AuditCopyFolder + day.UTC().Format(time.DateOnly) + "/"
}

// CompareAudit holds a day's lines against the keys of what was copied of that day, which were listed before the lines were
// read: lines that are not copied as they are, and keys of which no line is, because it was changed or taken away.
func CompareAudit(lines []Audit, copied []string) (missing []Audit, lost []string, err error) {
	there := make(map[string]bool, len(copied))
	for _, key := range copied {
		there[key] = true
	}
	known := make(map[string]bool, len(lines))
	for _, a := range lines {
		c, err := a.Copy()
		if err != nil {
			return nil, nil, err
		}
		known[c.Key] = true
		if !there[c.Key] {
			missing = append(missing, a)
		}
	}
	return missing, slices.DeleteFunc(slices.Clone(copied), func(key string) bool { return known[key] }), nil
}
