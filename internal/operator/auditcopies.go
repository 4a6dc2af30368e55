package operator

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// AuditCopied says up to when the audit is copied under the archive's lock; nil: nothing of it is.
func (o *Operator) AuditCopied(ctx context.Context) (*time.Time, error) {
	c, err := o.Ledger.AuditCopies(ctx)
	if err != nil || c.UpTo.IsZero() {
		return nil, err
	}
	return &c.UpTo, nil
}

// AuditProof is how the audit compares with its copies, which nobody can change or delete.
type AuditProof struct {
	Days   int         `json:"days"`   // today and so many days before
	Copied int         `json:"copied"` // lines that are copied as they are
	Fresh  int         `json:"fresh"`  // lines that are not copied, and could not be yet
	Late   []AuditLine `json:"late"`   // lines that are not copied, and should be; or were written late, and are soon
	Lost   []string    `json:"lost"`   // copies, by their keys, whose lines were changed or taken away
}

// Well says whether all is copied that should be, and as it was.
func (p AuditProof) Well() bool { return len(p.Late)+len(p.Lost) == 0 }

// VerifyAudit holds today's lines, and those of so many days before, against their copies. The checksum that is in a
// copy's key is of its content, which S3 has checked when it was stored.
func (o *Operator) VerifyAudit(ctx context.Context, days int) (AuditProof, error) {
	proof := AuditProof{Days: days, Late: []AuditLine{}, Lost: []string{}}
	bucket, err := o.Output("ArchiveBucketName")
	if err != nil {
		return proof, err
	}
	mark, err := o.Ledger.AuditCopies(ctx)
	if err != nil {
		return proof, err
	}
	today := o.Now()
	for n := days; n >= 0; n-- {
		day := today.AddDate(0, 0, -n)
		// Listed before lines are read: of what is listed each line was written before.
		copied, err := pool.KeysOf(func(from pool.ObjectCursor) (pool.ObjectPage, error) {
			return o.Objects.Versions(ctx, bucket, pool.AuditCopyDay(day), from)
		})
		if err != nil {
			return proof, fmt.Errorf("list the copies of %s: %w", day.Format(time.DateOnly), err)
		}
		lines, err := o.Ledger.Audits(ctx, day)
		if err != nil {
			return proof, err
		}
		missing, lost, err := pool.CompareAudit(lines, copied)
		if err != nil {
			return proof, err
		}
		for _, a := range missing {
			if a.At.Before(mark.UpTo) {
				proof.Late = append(proof.Late, auditLine(a))
			} else {
				proof.Fresh++
			}
		}
		proof.Copied += len(lines) - len(missing)
		proof.Lost = append(proof.Lost, lost...)
	}
	return proof, nil
}
