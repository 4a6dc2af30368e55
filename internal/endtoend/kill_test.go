package endtoend

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/pool"
)

// TestFunctionsAreKilledBetweenAllTheirCalls has hosts made, tenants served, turned away and left
// waiting, alarms go on and off, and a stack fail, while functions die between any two of their
// calls. In the end all is as if nobody had died.
func TestFunctionsAreKilledBetweenAllTheirCalls(t *testing.T) {
	t.Parallel()
	const cycles = 3
	s := start(t, policies(
		pool.Policy{SlotsPerHost: 12},
		pool.Policy{SlotsPerHost: 4, BufferSlots: 1, Ceiling: 4},
	))
	k := newKiller(t, s)
	stopTime := s.hurry(t)

	s.awaitInService(t, 1, 1)
	var tenants []string
	next := func() string {
		id := demo.Name(len(tenants))
		s.signUp(t, id, demo.Instance(len(tenants)))
		tenants = append(tenants, id)
		return id
	}
	s.send(t, "SignupQueueUrl", word(func(r *events.SignupRequested) { r.TenantID, r.InstanceIP = "roller", roller(0) }))
	s.awaitReady(t, "roller")
	for machine := range cycles {
		before := k.count()
		next()
		s.change(t, "roller", []string{roller(machine + 1)}, []string{roller(machine)})
		s.send(t, "InstanceChangeQueueUrl", "no change")
		s.send(t, "SignupQueueUrl", "no signup")
		s.awaitReady(t, next())
		s.signUp(t, tenants[0], demo.Instance(0))
		s.cordoned(t, "database-standard-1", func() {
			id := next()
			s.await(t, id+" waits", func() bool {
				return firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })[id].Position > 0
			})
		})
		s.awaitReady(t, tenants...)
		s.changed(t, "roller", func(e events.AccessChanged) bool { return slices.Contains(e.Removed, roller(machine)) })
		t.Logf("%d tenants are served, after %d kills, %d of them new", len(tenants), k.count(), k.count()-before)
	}
	s.Stacks.FailStacks(stackOf("share-standard-4"), 1, "there is no room for it")
	s.awaitReady(t, next(), next())
	s.await(t, "a host failed and is deleted", func() bool {
		h, err := s.ledger.Host(t.Context(), "share-standard-4")
		return err == nil && h.State == pool.HostDeleted
	})
	points := k.stop()
	stopTime()

	b := s.atRest(t)
	s.keepsSecrets(t, b)
	s.givesEachItsOwn(t, s.awaitReady(t, tenants...))
	s.proves(t)
	wantKilledAt(t, points, commits)
}

// commits are what functions must not lose, by function, when all but leaving goes on.
var commits = map[string][]string{
	"signup": {
		"dynamodb:PutItem TENANT requested", "dynamodb:PutItem TENANT ready", "dynamodb:UpdateItem TIER SET hd.#0",
		"dynamodb:PutItem ADDRESS", "dynamodb:TransactWriteItems Put TENANT waiting", "sqs:SendMessage Step", "secretsmanager:CreateSecret", "storagegateway:UpdateNFSFileShare",
		"ec2:AuthorizeSecurityGroupIngress", "events:PutEvents StorageReady", "events:PutEvents SignupRejected", "events:PutEvents StorageWaiting",
	},
	"poolcheck": {"dynamodb:TransactWriteItems Put HOST ordered order", "cloudformation:CreateStack", "dynamodb:UpdateItem TIER", "events:PutEvents HostOrdered", "dynamodb:TransactWriteItems Put HOST in-service announce"},
	"stackcomplete": {
		"dynamodb:TransactWriteItems Put HOST in-service announce", "storagegateway:ActivateGateway", "storagegateway:AddCache",
		"storagegateway:CreateNFSFileShare", "sqs:SendMessage Step", "events:PutEvents HostInService", "events:PutEvents HostFailed", "cloudformation:DeleteStack",
	},
	"instancechange": {
		"dynamodb:PutItem ADDRESS", "dynamodb:PutItem TENANT ready admit", "dynamodb:PutItem TENANT ready evict", "dynamodb:PutItem TENANT ready changed",
		"storagegateway:UpdateNFSFileShare", "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
		"dynamodb:TransactWriteItems", "events:PutEvents AccessChanged", "events:PutEvents RequestRejected", "sqs:SendMessage Step",
	},
	"rdsalarm": {"dynamodb:TransactWriteItems Put HOST cordoned announce", "sns:Publish", "events:PutEvents HostCordoned"},
}

// wantKilledAt wants each function to have been killed before and after what it must not lose.
func wantKilledAt(t *testing.T, points []string, commits map[string][]string) {
	t.Helper()
	perFunction := map[string]int{}
	for _, point := range points {
		function, _, _ := strings.Cut(point, ":")
		perFunction[function]++
		if testing.Verbose() { // otherwise they would hide what failed
			t.Log(point)
		}
	}
	t.Logf("killed %d times: %v", len(points), perFunction)
	for function, calls := range commits {
		for _, commit := range calls {
			for _, when := range []string{function + ": after " + commit, fmt.Sprint(" and ", commit)} {
				found := false
				for _, point := range points {
					found = found || strings.HasPrefix(point, function+":") && strings.Contains(point, when)
				}
				if !found {
					t.Errorf("%s was never killed %q", function, when)
				}
			}
		}
	}
}
