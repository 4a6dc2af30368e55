package endtoend

import (
	"testing"

	"headroom/internal/local"
	"headroom/internal/pool"
)

// TestOperation lives through what an operator sees in a year: tenants who have to wait, an alarm,
// policies that are changed, hosts that cannot be made. Each part begins where the last one ended.
func TestOperation(t *testing.T) {
	t.Parallel()
	hold := &gate{held: map[string]chan struct{}{}}
	ps := policies(
		pool.Policy{SlotsPerHost: 10, Ceiling: 5},
		pool.Policy{SlotsPerHost: 3, BufferSlots: 1, Ceiling: 6},
	)
	s := start(t, ps, func(o *local.Options) { o.LeadTimes.Resource = hold.pass })
	t.Cleanup(hold.lift)
	s.awaitInService(t, 1, 1)
	for _, part := range []struct {
		what string
		do   func(*testing.T)
	}{
		{"tenants wait, and are served in the order of their arrival", func(t *testing.T) { s.waitsInOrder(t, hold) }},
		{"a bad signup is turned away", func(t *testing.T) {
			bad := badSignups()[:1]
			s.send(t, "SignupQueueUrl", bad[0].body)
			s.rejects(t, bad)
		}},
		{"a customer's machine is replaced, and what can't be is refused", s.replacesMachines},
		{"an alarm takes a host out of service, and its end brings it back", s.heedsAlarms},
		{"so do the alarms of a gateway, which are made once it is activated", s.heedsGatewaysAlarms},
		{"a changed policy is in force without a deployment, and hosts that cannot be made are cleaned up", func(t *testing.T) { s.heedsPolicies(t, ps) }},
		{"an invalid policy is refused, and the old one stays in force", s.refusesPolicies},
		{"a host that gets stuck is given up", func(t *testing.T) { s.givesUp(t, hold) }},
		{"in the end nothing is on its way", func(t *testing.T) { s.keepsSecrets(t, s.atRest(t)) }},
		{"what the dashboard shows is measured", s.measuresWhatIsShown},
		{"every service that is called from the VPC has an endpoint there", s.reachesWhatItCalls},
		{"there is no grant that nothing needs", func(t *testing.T) {
			roles := s.roles(t)
			delete(roles, "decommission") // nobody leaves here
			delete(roles, "hostrepair")   // and nothing has to be mended
			s.needsItsGrants(t, roles)
		}},
	} {
		if !t.Run(part.what, part.do) {
			t.FailNow()
		}
	}
}
