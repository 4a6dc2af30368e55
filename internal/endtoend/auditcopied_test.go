package endtoend

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/local"
	"headroom/internal/pool"
)

// copiesWithout says why a grant of auditcopy's may not be missed.
var copiesWithout = map[string]string{
	"s3:GetObject": "whether a copy is there already is asked only after a reply that was lost",
}

// TestTheAuditIsCopiedUnderTheLock has a host cordoned while auditcopy has none of its grants. Each is given back once its
// absence has held the copy up. In the end what was asked for lies in the archive's bucket, and even its owner can't delete it.
func TestTheAuditIsCopiedUnderTheLock(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 3}, pool.Policy{SlotsPerHost: 3}), func(o *local.Options) { o.Speed = 60 })
	role := ""
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if r.Type == "AWS::Lambda::Function" && shortName(r.PhysicalID) == "auditcopy" {
			role, _ = r.Properties["Role"].(string)
		}
	}
	w := s.withhold(t, "auditcopy", "", map[string]string{"auditcopy": role})
	s.awaitInService(t, 1, 1)
	s.headroom(t, "host", "cordon", "share-standard-1", "--reason", "drill", "--wait")

	lines, err := s.ledger.Audits(t.Context(), s.Clock.Now())
	must(t, err)
	if len(lines) == 0 || lines[len(lines)-1].Why != "drill" {
		t.Fatalf("on record is %+v", lines)
	}
	asked := lines[len(lines)-1]
	want, err := asked.Copy()
	must(t, err)
	copied := func() bool {
		mark, err := s.ledger.AuditCopies(t.Context())
		must(t, err)
		return mark.UpTo.After(asked.At)
	}
	var missed []string
	for !copied() {
		var held grant
		s.await(t, "the audit is copied, or something is refused", func() (found bool) {
			held, found = w.refusal(t, nil)
			return found || copied()
		})
		if held.action == "" {
			break
		}
		w.giveBack(held)
		missed = append(missed, held.action)
	}
	t.Logf("%d grants were missed: %s", len(missed), strings.Join(missed, ", "))
	for _, g := range w.left() {
		if reason, ok := copiesWithout[g.action]; !ok {
			t.Errorf("nothing missed %s", g)
		} else {
			t.Logf("not missed: %s: %s", g, reason)
		}
	}
	if !slices.Contains(missed, "s3:PutObjectRetention") {
		t.Error("copies are stored without a lock")
	}

	client, bucket := s3.NewFromConfig(s.AWS()), aws.String(s.output(t, "ArchiveBucketName"))
	found, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: aws.String(want.Key)})
	must(t, err)
	if len(found.Versions) != 1 || *found.Versions[0].Size != int64(len(want.Content)) {
		t.Fatalf("the copy is there as %+v", found.Versions)
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &want.Key, VersionId: found.Versions[0].VersionId}); err == nil {
		t.Error("the copy was deleted")
	}
	var proof struct {
		Copied     int
		Late, Lost []any
	}
	must(t, json.Unmarshal([]byte(s.headroom(t, "audit", "--verify", "--json")), &proof))
	if proof.Copied == 0 || len(proof.Late)+len(proof.Lost) > 0 {
		t.Errorf("the audit and its copies: %+v", proof)
	}
}
