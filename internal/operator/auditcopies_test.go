package operator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	adapter "headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// auditBooks are a ledger of which nothing but the audit is read.
type auditBooks struct {
	books
	ledger *memory.Ledger
}

func (b auditBooks) Audits(ctx context.Context, day time.Time) ([]pool.Audit, error) {
	return b.ledger.Audits(ctx, day)
}

func (b auditBooks) AuditCopies(ctx context.Context) (pool.AuditCopies, error) {
	return b.ledger.AuditCopies(ctx)
}

func TestTheAuditIsHeldAgainstItsCopies(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	bucket := &objectstest.S3{Now: func() time.Time { return now }, Page: 2}
	bucket.Add("archive", true)
	listing, err := adapter.New(adapter.Config{
		Client: bucket, Jitter: func() float64 { return 0 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	ledger := memory.New(memory.Options{})
	o := &Operator{
		Deployment: Deployment{Outputs: map[string]string{"ArchiveBucketName": "archive"}}, Ledger: auditBooks{ledger: ledger}, Objects: listing,
		Now: func() time.Time { return now },
	}
	line := func(minutes int, of string, kept, copied bool) string {
		a := pool.Audit{At: now.Add(time.Duration(minutes) * time.Minute), Message: "m", What: "HostRequest release", Of: of}
		c, err := a.Copy()
		if err == nil && kept {
			err = ledger.Audit(t.Context(), a)
		}
		if err == nil && copied {
			_, err = listing.Put(t.Context(), pool.ObjectSpec{Bucket: "archive", Key: c.Key, KMSKey: "k", Until: c.Until}, c.Content)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c.Key
	}
	verify := func() AuditProof {
		t.Helper()
		proof, err := o.VerifyAudit(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	if at, err := o.AuditCopied(t.Context()); at != nil || err != nil {
		t.Errorf("nothing is copied, and it is said to be up to %v, %v", at, err)
	}
	line(-10, "fresh", true, false)
	if p := verify(); !p.Well() || p.Fresh != 1 || p.Copied != 0 {
		t.Errorf("before the first round: %+v", p)
	}
	upTo := now.Add(-15 * time.Minute)
	if _, err := ledger.SaveAuditCopies(t.Context(), pool.AuditCopies{}, pool.AuditCopies{UpTo: upTo}); err != nil {
		t.Fatal(err)
	}
	hidden := line(-24*60, "a", true, true)
	for _, of := range []string{"b", "c"} {
		line(-30, of, true, true)
	}
	if _, err := bucket.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("archive"), Key: &hidden}); err != nil {
		t.Fatal(err) // a delete marker takes nothing away
	}
	if p := verify(); !p.Well() || p.Fresh != 1 || p.Copied != 3 {
		t.Errorf("copied: %+v", p)
	}
	line(-20, "late", true, false)
	lost := line(-40, "lost", false, true)
	p := verify()
	if p.Well() || len(p.Late) != 1 || p.Late[0].Of != "late" || !slices.Equal(p.Lost, []string{lost}) || p.Copied != 3 || p.Fresh != 1 {
		t.Errorf("with one line late and one lost: %+v", p)
	}
	if at, err := o.AuditCopied(t.Context()); err != nil || at == nil || !at.Equal(upTo) {
		t.Errorf("copied up to %v, %v", at, err)
	}
}
