package endtoend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/pool"
)

// TestGatewaysAreMendedWhileFunctionsAreKilled has a gateway hang, and then lose its machine, while deliveries are doubled,
// late and out of order, and who hears its alarms and mends it dies between any two of its calls. Who writes to it finds every
// byte that was acknowledged.
func TestGatewaysAreMendedWhileFunctionsAreKilled(t *testing.T) {
	t.Parallel()
	ps := policies(pool.Policy{SlotsPerHost: 4}, pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 4})
	s := start(t, ps, untidy, func(o *local.Options) { o.Speed, o.RetryDelay = mendSpeed, 100*time.Millisecond })
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.30.61.1")
	ready := s.awaitReady(t, "acme")
	host := s.shareHost(t, "acme")
	s.setPolicyDocument(t, document{Version: "1", Pools: ps, Drills: []pool.Drill{{From: host.Image, To: host.Image}}})
	hard := s.writeHard(t, "127.30.61.1", ready["acme"].Share)
	hard.some(t)

	k := newKiller(t, s, "hostrepair", "gatewayalarm")
	must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Hang: true, Cure: appliance.ByReboot}))
	s.mended(t, host, pool.WayReboot)
	hard.some(t)
	_, err := ec2.NewFromConfig(s.AWS()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{host.Access.Machine}})
	must(t, err)
	s.mended(t, host, pool.WayMachine)
	points := k.stop()

	hard.some(t)
	hard.verify(t)
	now := s.host(t, host.ID)
	if now.Access.Gateway != host.Access.Gateway || now.Access.Appliance != host.Access.Appliance || now.Access.Cache != host.Access.Cache {
		t.Errorf("the host was %+v, and is %+v", host.Access, now.Access)
	}
	s.agrees(t, now)
	s.keepsSecrets(t, s.atRest(t))
	wantKilledAt(t, points, commitsOfMending)
}

// commitsOfMending are what those who mend must not lose.
var commitsOfMending = map[string][]string{
	"hostrepair": {
		"dynamodb:TransactWriteItems", "sqs:SendMessage Step", "events:PutEvents HostRepaired", "ec2:RebootInstances",
		"cloudformation:UpdateStack", "ec2:AttachVolume", "ecs:RunTask", "storagegateway:UpdateNFSFileShare",
		"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
	},
	"gatewayalarm": {"dynamodb:PutItem HOST cordoned"},
}

// mended waits until a host was mended by a way, by whichever tries and tellings, and is in service. An alarm that goes on
// late may have it looked at once more.
func (s *system) mended(t *testing.T, host pool.Host, by pool.Way) {
	t.Helper()
	var r pool.Repair
	defer func() {
		if t.Failed() {
			t.Logf("its repair is %+v, the host is %+v", r, s.host(t, host.ID))
		}
	}()
	s.awaitFor(t, mendPatience, fmt.Sprintf("%s is mended by way %s", host.ID, by), func() bool {
		var err error
		if r, err = s.ledger.Repair(t.Context(), host.ID); err != nil {
			return false
		}
		h := s.host(t, host.ID)
		return r.State.Ended() && h.State == pool.HostInService && h.Repair == 0 &&
			slices.ContainsFunc(r.History, func(c pool.Entry) bool { return c.Why == "mended by way "+string(by) })
	})
}
