package endtoend

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"headroom/events"
	"headroom/internal/adapter/policy"
	"headroom/internal/local"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// long bounds what takes some looks at a host, or some pool checks.
const long = 100 * time.Second

// TestMisfortunes lets happen to a running system what happens to one that runs for months. The letters are those of
// the cases that were once found so.
func TestMisfortunes(t *testing.T) {
	t.Parallel()
	usual := pool.Term(2 * time.Minute) // of a host here, or one that hangs is not late for half an hour
	ps := policies(
		pool.Policy{SlotsPerHost: 6, Floor: 2, Ceiling: 9, MaxOrders: 3, UsualLead: usual},
		pool.Policy{SlotsPerHost: 6, Floor: 2, Ceiling: 9, MaxOrders: 3, UsualLead: usual},
	)
	hosts := &gate{held: map[string]chan struct{}{}}
	s := start(t, ps, func(o *local.Options) { o.Speed, o.RetryDelay, o.LeadTimes.Resource = 20, 0, hosts.pass })
	t.Cleanup(hosts.lift)
	s.awaitInService(t, 2, 2)
	s.signUp(t, "acme", "127.30.9.1")
	s.awaitReady(t, "acme")

	m := &misfortunes{system: s, policies: ps, gate: hosts}
	for _, one := range []struct {
		name   string
		happen func(*testing.T)
	}{
		{"A1: a stack of an earlier life has the next host's name", m.foreignStack},
		{"B6: a host hangs while it is made", m.hangingHost},
		{"A3: a database server dies, and stays dead", m.deadServer},
		{"A3: a database server dies, and nobody signs up", m.silentServer},
		{"A4: two customers have one address", m.oneAddress},
		{"A5: a secret of the tenant's name is scheduled for deletion", m.deletedSecret},
		{"B1: CloudFormation refuses orders", m.refusedOrders},
		{"B2: nobody can be told of a host that failed", m.untold},
		{"B3: an alarm is deleted while it is on", m.deletedAlarm},
		{"B4: a stack is updated before its event is looked at", m.updatedStack},
		{"B5: a tier is taken out of the policy", m.retiredTier},
		{"A2: the stack of a host in service is deleted", m.deletedStack},
		{"what was late, and what was not ours, was measured", func(t *testing.T) {
			m.wasMeasured(t, []string{telemetry.StepsOverdue.Name, telemetry.EventsIgnored.Name}, map[string]string{"Stage": stage})
		}},
	} {
		t.Run(one.name, one.happen)
	}
}

type misfortunes struct {
	*system
	policies  pool.Policies
	gate      *gate
	signups   int
	newcomers int
}

// within waits for what takes longer than most.
func (m *misfortunes) within(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := m.wait(t.Context(), long, done); err != nil {
		t.Fatalf("waited in vain for this: %s", what)
	}
}

// serves wants new customers to be served.
func (m *misfortunes) serves(t *testing.T, customers int) (tenants []string) {
	t.Helper()
	for range customers {
		m.signups++
		tenants = append(tenants, "later-"+string(rune('a'+m.signups)))
		m.signUp(t, tenants[len(tenants)-1], "127.30.9."+itoa(10+m.signups))
	}
	m.within(t, strings.Join(tenants, ", ")+" are ready", func() bool {
		ready := firstOf(m.watch, func(e events.StorageReady) string { return e.TenantID })
		return !slices.ContainsFunc(tenants, func(id string) bool { _, ok := ready[id]; return !ok })
	})
	return tenants
}

func itoa(n int) string { return string([]rune{rune('0' + n/10), rune('0' + n%10)}) }

func (m *misfortunes) host(t *testing.T, id pool.HostID) pool.Host {
	t.Helper()
	h, err := m.ledger.Host(t.Context(), id)
	must(t, err)
	return h
}

// wantAnother asks for one host more of a kind than there are, by the floor. It returns how many that is. Those on
// their way count: a host that was cordoned for a moment may have had another ordered for it, which would do as well.
func (m *misfortunes) wantAnother(t *testing.T, kind pool.Kind) (floor int) {
	t.Helper()
	there := m.record(t, kind).Counters
	floor = there.InService + there.Provisioning + 1
	ps := slices.Clone(m.policies)
	for i := range ps {
		if ps[i].Kind == kind {
			ps[i].Floor = floor
		}
	}
	m.policies = ps
	m.setPolicies(t, ps)
	m.checkPools(t)
	return floor
}

// awaitServing waits until so many hosts of a kind are in service.
func (m *misfortunes) awaitServing(t *testing.T, kind pool.Kind, hosts int) {
	t.Helper()
	m.within(t, "hosts are in service", func() bool { return m.record(t, kind).Counters.InService >= hosts })
}

func (m *misfortunes) foreignStack(t *testing.T) {
	key := pool.Key{Kind: pool.Share, Tier: tier}
	next := key.Host(m.record(t, pool.Share).Seq + 1)
	_, err := cloudformation.NewFromConfig(m.AWS()).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(stackOf(next)), TemplateBody: aws.String(`{"Resources":{"Kept":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"kept-of-an-earlier-life"}}}}`),
	})
	must(t, err)
	m.awaitServing(t, pool.Share, m.wantAnother(t, pool.Share))
	if h := m.host(t, next); h.State != pool.HostDeleted || !strings.Contains(h.Why, "passed over") {
		t.Errorf("%s is %s: %s", next, h.State, h.Why)
	}
	if !slices.Contains(m.hostStacks(t), stackOf(next)) {
		t.Error("the stack of the earlier life is gone")
	}
	_, err = cloudformation.NewFromConfig(m.AWS()).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String(stackOf(next))})
	must(t, err)
}

func (m *misfortunes) deadServer(t *testing.T) {
	shelf, err := m.ledger.Shelf(t.Context(), tier)
	must(t, err)
	id := pool.Key{Kind: pool.Database, Tier: tier}.Host(shelf.Databases[0].Host)
	must(t, m.Databases.Fail(stackOf(id)))
	m.serves(t, 5)
	if h := m.host(t, id); h.State != pool.HostCordoned || h.Doubt == "" {
		t.Errorf("the dead host is %s, in doubt %q", h.State, h.Doubt)
	}
	must(t, m.Databases.Recover(stackOf(id)))
	m.within(t, string(id)+" is let in again", func() bool { return m.host(t, id).State == pool.HostInService })
}

// silentServer lets a server die that nobody asks anything of. Nobody but its alarms can notice.
func (m *misfortunes) silentServer(t *testing.T) {
	const id = pool.HostID("database-standard-2")
	notified := m.subscribe(t, "told-of-silence")
	cordons := len(heard[events.HostCordoned](m.watch))
	must(t, m.Databases.Fail(stackOf(id)))
	m.within(t, string(id)+" is cordoned, and that is said", func() bool {
		return m.host(t, id).State == pool.HostCordoned && len(heard[events.HostCordoned](m.watch)) > cordons
	})
	silence := stackOf(id) + "-silence"
	if h := m.host(t, id); h.Doubt != "" || !slices.Equal(h.Alarmed(), []string{silence}) {
		t.Errorf("it is cordoned because %s", h.Barriers())
	}
	must(t, m.Databases.Recover(stackOf(id)))
	m.within(t, string(id)+" is let in again", func() bool { return m.host(t, id).State == pool.HostInService })
	said := heard[events.HostCordoned](m.watch)[cordons:]
	if len(said) != 1 || said[0].HostID != string(id) || said[0].Alarm != silence || !strings.Contains(said[0].Reason, "no datapoints were received") {
		t.Errorf("HostCordoned was published as %+v, want one that names %s and %s", said, id, silence)
	}
	told := slices.DeleteFunc(notified(), func(message string) bool { // that it is back in service is told as well
		return !strings.Contains(message, string(id)+" takes no more tenants")
	})
	if len(told) != 1 || !strings.Contains(told[0], silence) {
		t.Errorf("notified of %q, want one message that names %s", told, silence)
	}
}

func (m *misfortunes) oneAddress(t *testing.T) {
	before := len(heard[events.SignupRejected](m.watch))
	m.signUp(t, "twin", "127.30.9.1")
	m.await(t, "the second is rejected", func() bool { return len(heard[events.SignupRejected](m.watch)) > before })
	if e := heard[events.SignupRejected](m.watch)[before]; e.TenantID != "twin" || e.Field != "instanceIp" || strings.Contains(e.Reason, "acme") {
		t.Errorf("rejected: %+v", e)
	}
}

func (m *misfortunes) deletedSecret(t *testing.T) {
	vault := secretsmanager.NewFromConfig(m.AWS())
	name := aws.String("headroom/" + stage + "/tenant/foxtrot")
	_, err := vault.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: name, SecretString: aws.String("{}"), ClientRequestToken: aws.String("0f0e0d0c-0b0a-0908-0706-050403020100")})
	must(t, err)
	_, err = vault.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: name})
	must(t, err)
	m.signUp(t, "foxtrot", "127.30.9.2")
	m.awaitReady(t, "foxtrot")
}

// without takes a grant from a function while f runs.
func (m *misfortunes) without(t *testing.T, function, action string, f func()) {
	t.Helper()
	role, ok := m.Policies.Role(m.roles(t)[function])
	if n := m.Policies.Revoke(role.Name, action); !ok || n == 0 {
		t.Fatalf("%s has no grant of %s", function, action)
	}
	defer m.Policies.PutRole(role)
	f()
}

func (m *misfortunes) refusedOrders(t *testing.T) {
	key := pool.Key{Kind: pool.Database, Tier: tier}
	refused := key.Host(m.record(t, pool.Database).Seq + 1)
	wanted := 0
	m.without(t, "poolcheck", "cloudformation:CreateStack", func() {
		wanted = m.wantAnother(t, pool.Database)
		m.within(t, "the order that was refused is given up, and counts as no host", func() bool {
			h, err := m.ledger.Host(t.Context(), refused)
			return err == nil && h.State == pool.HostDeleted && h.Step == ""
		})
		if h := m.host(t, refused); !strings.Contains(h.Why, "cloudformation:CreateStack") {
			t.Errorf("it is given up because %s", h.Why)
		}
	})
	m.awaitServing(t, pool.Database, wanted)
	if c := m.record(t, pool.Database).Counters; c.Quarantined != 0 {
		t.Errorf("%d hosts are in quarantine", c.Quarantined)
	}
}

func (m *misfortunes) untold(t *testing.T) {
	key := pool.Key{Kind: pool.Share, Tier: tier}
	m.gate.hold(stackOf("share-"))
	failing := key.Host(m.record(t, pool.Share).Seq + 1)
	wanted := m.wantAnother(t, pool.Share)
	m.within(t, string(failing)+" is being built", func() bool {
		h, err := m.ledger.Host(t.Context(), failing)
		return err == nil && h.Step == pool.StepBuild
	})
	m.without(t, "stackcomplete", "events:PutEvents", func() {
		_, err := cloudformation.NewFromConfig(m.AWS()).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String(stackOf(failing))})
		must(t, err)
		m.gate.lift()
		m.within(t, string(failing)+" failed, and that can't be told", func() bool {
			h := m.host(t, failing)
			return h.State == pool.HostDeleting && h.Step == pool.StepAnnounce && h.Error != ""
		})
		h := m.host(t, failing)
		late := h.Clone()
		late.Tries, late.Due = pool.MaxTries, m.Clock.Now().Add(-time.Second)
		_ = m.ledger.SaveHost(t.Context(), h, late, pool.Neutral, m.Clock.Now()) // a conflict: it is tried just now
		m.within(t, string(failing)+" is deleted all the same", func() bool { return m.host(t, failing).State == pool.HostDeleted })
	})
	m.within(t, "it is told afterwards", func() bool {
		return slices.ContainsFunc(heard[events.HostFailed](m.watch), func(e events.HostFailed) bool { return e.HostID == string(failing) })
	})
	m.endBackoff(t, "share-standard-1")
	m.awaitServing(t, pool.Share, wanted)
}

func (m *misfortunes) deletedAlarm(t *testing.T) {
	id := pool.HostID("database-standard-2")
	alarm := m.alarms(id)[0]
	m.setAlarm(t, alarm, cloudwatch.Alarming, "threshold crossed")
	m.within(t, string(id)+" is cordoned", func() bool { return m.host(t, id).State == pool.HostCordoned })
	must(t, m.Alarms.Delete(t.Context(), resource.Resource{PhysicalID: alarm}))
	m.within(t, string(id)+" is let in again", func() bool { return m.host(t, id).State == pool.HostInService })
}

func (m *misfortunes) retiredTier(t *testing.T) {
	gold := slices.Clone(m.policies)
	for i := range gold {
		gold[i].Tier, gold[i].Floor = "gold", 0
	}
	mark := m.mark()
	m.setPolicies(t, gold)
	before := len(heard[events.StorageReady](m.watch))
	m.newcomersUntil(t, "they are rejected", func(id string) bool {
		return slices.ContainsFunc(heard[events.SignupRejected](m.watch), func(e events.SignupRejected) bool { return e.TenantID == id })
	})
	m.signUp(t, "acme", "127.30.9.1")
	m.within(t, "a tenant of the tier gets the same answer again", func() bool {
		ready := heard[events.StorageReady](m.watch)
		return slices.ContainsFunc(ready[min(before, len(ready)):], func(e events.StorageReady) bool { return e.TenantID == "acme" })
	})
	if line, found := m.logged(mark, "signup", "acme", "rejected"); found {
		t.Errorf("acme was rejected: %s", line)
	}
	m.setPolicies(t, m.policies)
	m.newcomersUntil(t, "they are served", func(id string) bool {
		return slices.ContainsFunc(heard[events.StorageReady](m.watch), func(e events.StorageReady) bool { return e.TenantID == id })
	})
	must(t, m.Clock.Sleep(t.Context(), policy.TTL)) // by then all processes serve them
}

// newcomersUntil lets new customers sign up, one after the other, until it goes with one as wanted. Functions hold
// policies for a while, so the first ones may meet the policies from before.
func (m *misfortunes) newcomersUntil(t *testing.T, what string, so func(tenant string) bool) {
	t.Helper()
	var tenants []string
	m.within(t, "newcomers sign up until "+what, func() bool {
		if len(tenants) < 40 {
			m.newcomers++
			tenants = append(tenants, "newcomer-"+itoa(m.newcomers))
			m.signUp(t, tenants[len(tenants)-1], "127.30.10."+itoa(m.newcomers))
		}
		return slices.ContainsFunc(tenants, so)
	})
}

func (m *misfortunes) hangingHost(t *testing.T) {
	for range 5 { // so many lead times that the pool goes by them
		m.endBackoff(t, "share-standard-1")
	}
	m.gate.hold(stackOf("share-"))
	first := m.record(t, pool.Share).Seq + 1
	wanted := m.wantAnother(t, pool.Share)
	m.within(t, "another host is ordered for one that hangs", func() bool { return m.record(t, pool.Share).Seq > first })
	m.gate.lift()
	m.awaitServing(t, pool.Share, wanted)
}

func (m *misfortunes) deletedStack(t *testing.T) {
	acme, err := m.ledger.Tenant(t.Context(), "acme")
	must(t, err)
	id := acme.Share.Host
	_, err = cloudformation.NewFromConfig(m.AWS()).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String(stackOf(id))})
	must(t, err)
	m.within(t, string(id)+" is lost, and that is said", func() bool {
		return m.host(t, id).State == pool.HostLost && slices.ContainsFunc(heard[events.HostLost](m.watch), func(e events.HostLost) bool {
			return e.HostID == string(id)
		})
	})
	m.serves(t, 2)
	m.within(t, "its tenants are named", func() bool {
		return slices.ContainsFunc(heard[events.HostLost](m.watch), func(e events.HostLost) bool { return slices.Contains(e.Tenants, "acme") })
	})
}
