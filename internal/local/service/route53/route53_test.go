package route53

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/resource"
)

func TestRecordIsFoundUntilItIsDeleted(t *testing.T) {
	z := New()
	r := resource.Resource{Type: "AWS::Route53::RecordSet", Properties: map[string]any{
		"Name": "Share-Standard-1.headroom.internal.", "Type": "A", "HostedZoneId": "Z1", "TTL": 60.0,
		"ResourceRecords": []any{"127.10.0.1"},
	}}
	created, err := z.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got := z.Lookup("share-standard-1.headroom.internal", "A"); !cmp.Equal(got, []string{"127.10.0.1"}) {
		t.Errorf("found %v", got)
	}
	r.PhysicalID = created.PhysicalID
	if err := z.Delete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := z.Lookup("share-standard-1.headroom.internal", "A"); got != nil {
		t.Errorf("still found %v", got)
	}
}
