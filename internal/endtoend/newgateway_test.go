package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/adapter/metrics"
	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/pool"
)

// TestAGatewayBeyondHelpIsGivenUpForANewOne has a gateway fail for good while some of what it acknowledged is not uploaded. With
// a person's word a new one takes over its buckets: what was uploaded is there under the same mount, what was not is told of
// as lost, and the old gateway can write no bucket any more.
func TestAGatewayBeyondHelpIsGivenUpForANewOne(t *testing.T) {
	t.Parallel()
	ps := policies(pool.Policy{SlotsPerHost: 4}, pool.Policy{SlotsPerHost: 2, Floor: 2, Ceiling: 6})
	s := start(t, ps, func(o *local.Options) { o.Speed = mendSpeed })
	s.awaitInService(t, 1, 2)
	s.signUp(t, "neighbour", "127.30.61.2")
	s.signUp(t, "another", "127.30.61.3")
	s.awaitReady(t, "neighbour", "another")
	s.signUp(t, "acme", "127.30.61.1")
	ready := s.awaitReady(t, "neighbour", "another", "acme")
	host := s.shareHost(t, "acme")
	if other := s.shareHost(t, "neighbour"); host.ID == other.ID {
		t.Fatal("both have their shares at one gateway")
	}
	beside := write(t, s.mount(t, "127.30.61.2", ready["neighbour"].Share), "beside")
	record, err := s.ledger.Tenant(t.Context(), "acme")
	must(t, err)
	bucket := pool.BucketName(host.Slot(record.Share.Index).Bucket)
	before := s.mount(t, "127.30.61.1", ready["acme"].Share)
	must(t, before.WriteFile(t.Context(), "uploaded", []byte("uploaded")))
	s.await(t, "a file is in the bucket", func() bool { return s.holds(t, bucket, "uploaded") })
	measured := metrics.Metrics{Client: cloudwatch.NewFromConfig(s.AWS()), Now: s.Clock.Now}
	s.await(t, "how much of its cache is dirty is measured", func() bool {
		last, err := measured.Unuploaded(t.Context(), host.Access.GatewayID(), host.Stack.Name)
		return err == nil && !last.DirtyAt.IsZero() && !last.FailingAt.IsZero()
	})
	must(t, before.WriteFile(t.Context(), "dirty", []byte("dirty")))
	must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Cure: appliance.Never}))
	if s.holds(t, bucket, "dirty") {
		t.Fatal("what was to be dirty was uploaded before the gateway failed")
	}

	t.Run("a person is asked, and nothing is touched", func(t *testing.T) {
		s.awaitFor(t, mendPatience, "a person is asked", func() bool { return len(heard[events.HostRepairAsks](s.watch)) > 0 })
		if ask := heard[events.HostRepairAsks](s.watch)[0]; ask.HostID != string(host.ID) || ask.Way != string(pool.WayMachine) || !strings.Contains(ask.MayLose, "of its cache") {
			t.Errorf("it is asked: %+v", ask)
		}
		if now := s.host(t, host.ID); moved(now, host) {
			t.Errorf("the host has become %+v", now.Access)
		}
	})
	t.Run("with the word for it a new gateway takes over the buckets", func(t *testing.T) {
		s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"proceed","way":"gateway","requestedBy":"jo","reason":"it is beyond help"}`, host.ID))
		s.repaired(t, host, pool.WayGateway)
		said := s.repairsOf(host.ID)[0]
		t.Logf("it is said that lost may be %s", said.Lost)
		for _, want := range []string{host.Access.GatewayID(), "of its cache", "when it was last measured", "the last writes of acme", "failed to upload", host.Access.Cache + " has it"} {
			if !strings.Contains(said.Lost, want) {
				t.Errorf("it is said that lost may be %q, without %q", said.Lost, want)
			}
		}
		now := s.host(t, host.ID)
		if now.Access.Gateway == host.Access.Gateway || now.Access.Cache == host.Access.Cache || now.Access.Machine == host.Access.Machine ||
			now.Access.Appliance != host.Access.Appliance || now.Access.Address != host.Access.Address || now.Gateways != 1 {
			t.Errorf("the host was %+v, and is %+v", host.Access, now.Access)
		}
		for i, slot := range now.Slots {
			was := host.Slots[i]
			if slot.Bucket != was.Bucket || slot.Name != was.Name || slot.Share == was.Share || slot.Role == was.Role {
				t.Errorf("slot was %+v, and is %+v", was, slot)
			}
			if _, there := s.Policies.Role(was.Role); there {
				t.Errorf("the old gateway's role %s is there still", was.Role)
			}
		}
		s.agrees(t, now)
		s.onGateway(t, now)
		s.probed(t, now)
	})
	t.Run("what was uploaded is there under the same mount, and what is written is uploaded", func(t *testing.T) {
		after := s.mount(t, "127.30.61.1", ready["acme"].Share)
		if content, err := after.ReadFile(t.Context(), "uploaded"); err != nil || string(content) != "uploaded" {
			t.Errorf("what was uploaded is read as %q: %v", content, err)
		}
		if content, err := after.ReadFile(t.Context(), "dirty"); err == nil {
			t.Errorf("what was not uploaded is read as %q, and was said to be lost", content)
		}
		must(t, after.WriteFile(t.Context(), "after", []byte("after")))
		s.await(t, "what was written since is in the bucket", func() bool { return s.holds(t, bucket, "after") })
		if s.holds(t, bucket, "dirty") {
			t.Error("the old gateway has written the bucket")
		}
	})
	beside.stop(t) // which saw nothing of it
	t.Run("an update of the host replaces nothing", func(t *testing.T) {
		now := s.host(t, host.ID)
		s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"update","requestedBy":"jo","reason":"a new template"}`, host.ID))
		s.awaitFor(t, mendPatience, "the host is updated", func() bool { return len(s.repairsOf(host.ID)) > 1 })
		if said := s.repairsOf(host.ID)[1]; said.Way != string(pool.WayUpdate) || !strings.Contains(strings.Join(said.Tried, "; "), "nothing to update") {
			t.Errorf("it is said: %+v", said)
		}
		s.awaitFor(t, mendPatience, "the host is in service", func() bool { return s.host(t, host.ID).State == pool.HostInService })
		if updated := s.host(t, host.ID); moved(updated, now) {
			t.Errorf("the host was %+v, and is %+v", now.Access, updated.Access)
		}
		s.agrees(t, s.host(t, host.ID))
	})
	t.Run("in the end nothing is on its way", func(t *testing.T) { s.keepsSecrets(t, s.atRest(t)) })
}

// holds reports whether a bucket has an object.
func (s *system) holds(t *testing.T, bucket, key string) bool {
	t.Helper()
	out, err := s3.NewFromConfig(s.AWS()).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key})
	must(t, err)
	return len(out.Contents) > 0
}

// onGateway wants a host's stack to be about its present gateway, and not to be fenced.
func (s *system) onGateway(t *testing.T, host pool.Host) {
	t.Helper()
	out, err := cloudformation.NewFromConfig(s.AWS()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &host.Stack.ID})
	must(t, err)
	for _, p := range out.Stacks[0].Parameters {
		switch *p.ParameterKey {
		case "GatewayId":
			if *p.ParameterValue != host.Access.GatewayID() {
				t.Errorf("the stack's alarms are about gateway %s", aws.ToString(p.ParameterValue))
			}
		case "Fence":
			if *p.ParameterValue != "off" {
				t.Error("the stack is fenced still")
			}
		}
	}
}
