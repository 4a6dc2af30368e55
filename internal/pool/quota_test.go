package pool_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// ofQuotas is a tier that wants so many slots of each kind, with hosts of all tiers, under quotas.
func ofQuotas(want int, hosts map[pool.Kind]int, read time.Time, quotas ...pool.Quota) pool.Sight {
	s := pool.Sight{
		Tier: "standard", At: now, Records: map[pool.Kind]pool.Record{}, Shelf: pool.NewShelf("standard"), Hosts: hosts,
		Quotas: pool.Quotas{Seen: quotas, At: now},
	}
	for i := range quotas {
		quotas[i].Read = read
	}
	for _, k := range pool.Kinds {
		p := buffered(want, 0)
		p.Kind, p.Ceiling, p.MaxOrders = k, 1_000, 50
		s.Document.Pools = append(s.Document.Pools, p)
		s.Records[k] = pool.Record{Key: p.Key(), Counters: pool.Counters{Hosts: hosts[k]}}
	}
	return s
}

var hundred = map[pool.Kind]int{pool.Database: 38, pool.Share: 90}

func TestWhatAQuotaAllowsIsOrderedAndTheRestIsHeldBack(t *testing.T) {
	s := ofQuotas(100, hundred, now, pool.Quota{Name: "rds-instances", Most: 40, Database: 1}, pool.Quota{Name: "stacks", Most: 2_000, Else: 2, Database: 1, Share: 1})
	plans := s.Plans()
	if d := plans[pool.Database]; len(d.Actions) != 2 || len(d.Held) != 1 || d.Held[0].Limit != "quota-rds-instances" || !strings.Contains(d.Reason, "quota rds-instances is 40, of which 38 are taken, and a host takes 1") {
		t.Errorf("databases: %d ordered, %+v: %s", len(d.Actions), d.Held, d.Reason)
	}
	if p := plans[pool.Share]; len(p.Held) != 0 || len(p.Actions) != 10 {
		t.Errorf("shares: %d ordered, %+v", len(p.Actions), p.Held)
	}
	s.Document.Quotas = map[string]int{"rds-instances": 39} // the account is to keep one for others
	if d := s.Plans()[pool.Database]; len(d.Actions) != 1 {
		t.Errorf("with a bound of the policy's: %s", d.Reason)
	}
	s.Document.Quotas = map[string]int{"rds-instances": 100}
	if d := s.Plans()[pool.Database]; len(d.Actions) != 2 {
		t.Errorf("with a policy that says more than AWS gave: %s", d.Reason)
	}
	s.Quotas.Seen[0].Most = 100 // AWS gave more
	if d := s.Plans()[pool.Database]; len(d.Held) != 0 {
		t.Errorf("since there is more: %+v", d.Held)
	}
	ends := s.Seen().Ahead(now).Ends[pool.Database]
	if len(ends) != 2 || ends[0].Limit != "quota-rds-instances" || ends[0].Days > ends[1].Days {
		t.Errorf("it will meet %+v", ends)
	}
}

// Quotas that were read long ago say nothing of today: orders go on, and that is said.
func TestQuotasOfYesterdayDoNotCount(t *testing.T) {
	full := pool.Quota{Name: "rds-instances", Most: 38, Database: 1}
	if d := ofQuotas(10, hundred, now.Add(-24*time.Hour), full).Plans()[pool.Database]; len(d.Actions) != 0 {
		t.Errorf("of a day ago: %s", d.Reason)
	}
	full.Why = "AccessDenied"
	d := ofQuotas(10, hundred, now.Add(-24*time.Hour-time.Second), full).Plans()[pool.Database]
	if len(d.Actions) != 1 || !strings.Contains(d.Reason, "quota rds-instances is not known since 20") {
		t.Errorf("of more than a day ago: %s", d.Reason)
	}
	if never := ofQuotas(10, hundred, time.Time{}, pool.Quota{Name: "rds-instances", Database: 1}).Plans()[pool.Database]; len(never.Actions) != 1 || !strings.Contains(never.Reason, "was never read") {
		t.Errorf("of which nothing was ever read: %s", never.Reason)
	}
	if d := ofQuotas(10, nil, now, full).Plans()[pool.Database]; len(d.Actions) != 1 {
		t.Errorf("while nobody knows how many hosts there are: %s", d.Reason)
	}
}

func TestNoPlanTakesMoreThanAQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		q := pool.Quota{Name: "alarms", Most: n("most", 500), Else: n("else", 100), Database: n("database", 7), Share: n("share", 7)}
		hosts := map[pool.Kind]int{pool.Database: n("databases", 40), pool.Share: n("shares", 40)}
		for k, plan := range ofQuotas(n("wanted", 300), hosts, now, q).Plans() {
			if ordered := len(plan.Actions); ordered > 0 && q.Most > 0 && q.Takes(k) > 0 && q.Used(hosts)+ordered*q.Takes(k) > q.Most {
				t.Fatalf("%d %s hosts under %+v with %v: %s", ordered, k, q, hosts, plan.Reason)
			}
		}
	})
}

// More is taken than there may be, as when the policy gives others of the account some of it: nothing is ordered.
func TestAQuotaThatIsExceededHoldsAllBack(t *testing.T) {
	full := pool.Quota{Name: "rds-instances", Most: 40, Database: 1}
	for hosts, want := range map[int]int{41: 0, 40: 0, 39: 1} {
		if d := ofQuotas(10, map[pool.Kind]int{pool.Database: hosts}, now, full).Plans()[pool.Database]; len(d.Actions) != want {
			t.Errorf("%d of 40 are there: %s", hosts, d.Reason)
		}
	}
}

// What nobody knows the size of bounds nothing, unless a policy says it.
func TestAQuotaThatAWSDoesNotNameIsAsThePolicySays(t *testing.T) {
	s := ofQuotas(100, hundred, now, pool.Quota{Name: "alarms", Most: 1000, Assumed: true, Share: 10, Database: 2}, pool.Quota{Name: "stacks", Share: 1})
	if d := s.Plans()[pool.Share]; len(d.Actions) != 2 || d.Held[0].Limit != "quota-alarms" {
		t.Errorf("as assumed: %+v: %s", d.Held, d.Reason)
	}
	s.Document.Quotas = map[string]int{"alarms": 1030}
	if d := s.Plans()[pool.Share]; len(d.Actions) != 5 {
		t.Errorf("as the policy says: %s", d.Reason)
	}
}

func TestADocumentsQuotasAreKnownAndInRange(t *testing.T) {
	text := func(quotas string) []byte {
		return []byte(`{"version":"1","quotas":` + quotas + `,"pools":[{"kind":"database","tier":"standard","slotsPerHost":10,"floor":1,"ceiling":9,"placement":"pack"},{"kind":"share","tier":"standard","slotsPerHost":10,"floor":1,"ceiling":9,"placement":"pack"}]}`)
	}
	d, err := pool.ParseDocument(text(`{"rds-instances":100,"ec2-vcpus":64}`), pool.Bounds{DatabaseSlots: 20})
	if err != nil || d.Quotas["ec2-vcpus"] != 64 {
		t.Errorf("%+v, %v", d.Quotas, err)
	}
	for _, bad := range []string{`{"instances":1}`, `{"stacks":0}`, `{"stacks":100000000}`} {
		if _, err := pool.ParseDocument(text(bad), pool.Bounds{DatabaseSlots: 20}); err == nil || !strings.Contains(err.Error(), "quotas: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
