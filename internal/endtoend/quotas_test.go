package endtoend

import (
	"slices"
	"strings"
	"testing"

	"headroom/internal/local"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/servicequotas"
	"headroom/internal/pool"
)

// quota is a quota as it is on record.
func (s *system) quota(t *testing.T, name string) pool.Quota {
	t.Helper()
	q, err := s.ledger.Quotas(t.Context())
	must(t, err)
	for _, one := range q.Seen {
		if one.Name == name {
			return one
		}
	}
	return pool.Quota{}
}

// TestOrdersAreHeldBackByTheAccountsQuotas has an account that may have no more than it has: what is wanted is not ordered and the plan says
// why, people are told, what can't be read counts as it was, and once AWS has given more, all goes on by itself.
func TestOrdersAreHeldBackByTheAccountsQuotas(t *testing.T) {
	t.Parallel()
	of := func(floor int) pool.Policies {
		one := pool.Policy{SlotsPerHost: 2, Floor: floor, Ceiling: 4}
		return policies(one, one)
	}
	s := start(t, of(1), func(o *local.Options) { o.Speed = 60 }) // AWS is asked every quarter of a minute
	s.awaitInService(t, 1, 1)
	s.Quotas.Set(servicequotas.Instances, 1)
	s.Quotas.Set(servicequotas.VCPUs, 6) // half a gateway more
	s.await(t, "the quotas are read", func() bool {
		return s.quota(t, "rds-instances").Most == 1 && s.quota(t, "ec2-vcpus").Most == 6
	})
	for _, name := range pool.QuotaNames {
		if q := s.quota(t, name); q.Why != "" || q.Read.IsZero() || q.Most == 0 || q.Assumed != (name == "alarms") {
			t.Errorf("read is %+v", q)
		}
	}
	s.await(t, "what others take is read, with no host on its way", func() bool {
		return s.quota(t, "stacks").Else == 1 && s.quota(t, "rds-instances").Else == 0 && s.quota(t, "ec2-vcpus").Else == 0
	})
	if roles := s.quota(t, "iam-roles").Else; roles < 10 || roles > 60 {
		t.Errorf("the control plane has %d roles", roles)
	}

	s.setPolicies(t, of(2))
	s.checkPools(t)
	plan := func(words ...string) {
		t.Helper()
		var last string
		s.await(t, "the plan has "+strings.Join(words, ", "), func() bool {
			last = s.headroom(t, "plan")
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(last, w) })
		})
	}
	plan("quota rds-instances is 1, of which 1 are taken", "quota ec2-vcpus is 6, of which 4 are taken")
	const rings = "headroom-" + stage + "-ticket-quota-near-rds-instances"
	s.await(t, "people are told", func() bool { return s.Alarms.State(rings) == cloudwatch.Alarming })
	if quiet := "headroom-" + stage + "-ticket-quota-near-stacks"; s.Alarms.State(quiet) != cloudwatch.OK {
		t.Errorf("%s says %s", quiet, s.Alarms.State(quiet))
	}
	out, err := s.command(t, "doctor").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the policy can grow to 4 of quota rds-instances, which is 1; 1 are used") {
		t.Errorf("doctor, %v: %s", err, out)
	}

	if out := strings.Join(strings.Fields(s.headroom(t, "quotas")), " "); !strings.Contains(out, "rds-instances 1 1 100 % 4 ") || !strings.Contains(out, "ec2-vcpus 6 4 66 % 16 ") {
		t.Errorf("the quotas are %s", out)
	}

	role, ok := s.Policies.Role(s.rolesNamed(t, "reconcile")["reconcile"])
	if n := s.Policies.Revoke(role.Name, "servicequotas:GetServiceQuota"); !ok || n == 0 {
		t.Fatal("who reads the quotas may not read them")
	}
	s.Quotas.Set(servicequotas.Instances, 40)
	s.await(t, "the quotas can't be read", func() bool {
		return strings.Contains(s.quota(t, "rds-instances").Why, "is not authorized to perform: servicequotas:GetServiceQuota on resource: ")
	})
	plan("quota rds-instances is 1")
	if databases, shares := s.ordered(pool.Database), s.ordered(pool.Share); len(databases) != 1 || len(shares) != 1 {
		t.Fatalf("ordered were %v and %v", databases, shares)
	}
	s.Policies.PutRole(role)

	s.Quotas.Set(servicequotas.VCPUs, 100)
	s.awaitInService(t, 2, 2)
	s.await(t, "nothing is near a quota", func() bool { return s.Alarms.State(rings) == cloudwatch.OK })
	s.needsItsGrants(t, s.rolesNamed(t, "reconcile"))
}
