package operator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

func TestQuotasThatThePolicyCanOutgrowAreFound(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	q := pool.Quotas{Seen: []pool.Quota{
		{Name: "rds-instances", Most: 40, Else: 10, Database: 1, Read: now},
		{Name: "iam-roles", Most: 1000, Else: 35, Share: 10, Read: now},
		{Name: "ec2-vcpus", Else: 4, Share: 4, Read: now},
		{Name: "stacks", Most: 5, Share: 1, Read: now.Add(-25 * time.Hour), Why: "AccessDenied: not authorized"},
		{Name: "alarms", Most: 5000, Share: 6},
	}}
	doc := pool.Document{Pools: pool.Policies{{Kind: pool.Database, Tier: "standard", Ceiling: 31}, {Kind: pool.Share, Tier: "standard", Ceiling: 50}}}
	needs, notes := quotaFindings(q.Reach(doc, map[pool.Kind]int{pool.Database: 2, pool.Share: 3}, now))
	var got []string
	for _, n := range append(needs, notes...) {
		got = append(got, n.What)
	}
	want := []string{
		"quota stacks is not known since 2026-11-01T08:00:00Z: nothing is held back by it; AccessDenied: not authorized",
		"quota alarms was never read: nothing is held back by it",
		"the policy can grow to 41 of quota rds-instances, which is 40; 12 are used",
		"AWS names no quota ec2-vcpus here, and nothing is held back by it; 16 are used",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
