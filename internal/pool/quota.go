package pool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Quota is a service quota of the account, and what takes of it.
type Quota struct {
	Name     string    `json:"name"`
	Most     int       `json:"most,omitempty"` // that the account may have; 0: nobody says
	Assumed  bool      `json:"-"`              // Most is what the stage was told, and not AWS's word
	Else     int       `json:"-"`              // that is used beside what the stage's hosts take; below 0 where these take less than is said
	Database int       `json:"database"`       // that a database host takes
	Share    int       `json:"share"`          // that a share host takes
	Read     time.Time `json:"-"`              // when AWS said so; zero: never
	Why      string    `json:"-"`              // why AWS could not be asked since; empty: it could
}

// Quotas are the service quotas that a stage's hosts take from, as they were read last. Hosts of all tiers share them.
type Quotas struct {
	Seen    []Quota
	At      time.Time // when they were to be read last; zero: never
	Version int64     // of the record; 0 when it is not written yet
}

// quotasFor is for how long what was read of a quota counts. After that orders go on without, and that is said.
const quotasFor = 24 * time.Hour

// quotasMost bounds a quota that a document says.
const quotasMost = 10_000_000

// checkQuotas says what is wrong with a document's quotas. A name that nobody knows bounds nothing, and so is refused.
func (d Document) checkQuotas() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.Quotas)) {
		if !slices.Contains(QuotaNames, name) {
			errs = append(errs, fmt.Errorf("quotas: %q is none of %s", name, strings.Join(QuotaNames, ", ")))
		}
		if n := d.Quotas[name]; n < 1 || n > quotasMost {
			errs = append(errs, fmt.Errorf("quotas: %s is %d, not 1 to %d", name, n, quotasMost))
		}
	}
	return errs
}

// QuotaNames are the quotas that hosts take from.
var QuotaNames = []string{
	"ec2-vcpus", "rds-instances", "rds-parameter-groups", "rds-subnet-groups", "iam-roles", "ebs-storage", "stacks", "interfaces", "security-groups", "alarms",
}

// Given are the quotas as they count by a policy document: of what that says and what AWS says the lower, and what it says where AWS
// says nothing.
func (q Quotas) Given(d Document) Quotas {
	q.Seen = slices.Clone(q.Seen)
	for i := range q.Seen {
		quota := &q.Seen[i]
		if most, said := d.Quotas[quota.Name]; said && (quota.Assumed || quota.Most == 0 || most < quota.Most) {
			quota.Most = most
		}
	}
	return q
}

// Takes is what a host of a kind takes of the quota.
func (q Quota) Takes(k Kind) int {
	if k == Database {
		return q.Database
	}
	return q.Share
}

// Used is what is taken with so many hosts of each kind.
func (q Quota) Used(hosts map[Kind]int) int {
	used := q.Else
	for _, k := range Kinds {
		used += q.Takes(k) * hosts[k]
	}
	return used
}

// left is how many hosts more of a kind the quota allows; ok is false where they take nothing of it.
func (q Quota) left(k Kind, hosts map[Kind]int) (n int, ok bool) {
	takes := q.Takes(k)
	if takes == 0 {
		return 0, false
	}
	return max(0, q.Most-q.Used(hosts)) / takes, true
}

// Stale reports whether a quota does not count, because AWS was never asked, or too long ago.
func (q Quota) Stale(now time.Time) bool { return q.Read.IsZero() || now.Sub(q.Read) > quotasFor }

// Since says in words that a quota is not known, and since when.
func (q Quota) Since() string {
	if q.Read.IsZero() {
		return "quota " + q.Name + " was never read"
	}
	return "quota " + q.Name + " is not known since " + q.Read.UTC().Format(time.RFC3339)
}

// limits are those that quotas are to a kind, with so many hosts of each in all tiers: the tightest one, by name, and what must be
// said of those that don't count.
func (q Quotas) limits(k Kind, hosts map[Kind]int, now time.Time) []Limit {
	tightest, least, some := Quota{}, 0, false
	var unknown []string
	for _, quota := range q.Seen {
		n, ok := quota.left(k, hosts)
		switch {
		case !ok:
		case quota.Stale(now):
			unknown = append(unknown, quota.Since())
		case quota.Most == 0: // nobody says how large it is
		case !some || n < least:
			tightest, least, some = quota, n, true
		}
	}
	var limits []Limit
	if some {
		limits = append(limits, Limit{Name: quotaPrefix + tightest.Name, Most: least, Why: fmt.Sprintf(
			"quota %s is %d, of which %d are taken, and a host takes %d", tightest.Name, tightest.Most, tightest.Used(hosts), tightest.Takes(k))})
	}
	if len(unknown) > 0 {
		limits = append(limits, Limit{Name: "quotas", Most: unlimited, Note: strings.Join(unknown, ", ") + ": held back by none of that"})
	}
	return limits
}

// quotaPrefix begins the names of limits that are quotas.
const quotaPrefix = "quota-"

// unlimited is more hosts than are ever ordered.
const unlimited = 1 << 30

// QuotaSeen is how much of a quota is taken.
type QuotaSeen struct {
	Quota
	Used  int // now
	Grown int // with as many hosts as the policies' ceilings allow
}

// Percent is how much of it is used now. One of which nobody says the size is not used up.
func (q QuotaSeen) Percent() int {
	if q.Most == 0 {
		return 0
	}
	return 100 * max(0, q.Used) / q.Most
}

// Reach is how much of each quota is taken, and would be if all pools grew to their ceilings, by name. hosts are those of each kind
// in all tiers. Quotas that don't count are left out: those are unknown.
func (q Quotas) Reach(d Document, hosts map[Kind]int, now time.Time) (seen []QuotaSeen, unknown []Quota) {
	grown := map[Kind]int{}
	for _, p := range d.Pools {
		grown[p.Kind] += p.Ceiling
	}
	for k, n := range hosts {
		grown[k] = max(grown[k], n)
	}
	for _, quota := range q.Given(d).Seen {
		if quota.Stale(now) {
			unknown = append(unknown, quota)
			continue
		}
		seen = append(seen, QuotaSeen{Quota: quota, Used: quota.Used(hosts), Grown: quota.Used(grown)})
	}
	slices.SortFunc(seen, func(a, b QuotaSeen) int { return cmp.Compare(a.Name, b.Name) })
	return seen, unknown
}
