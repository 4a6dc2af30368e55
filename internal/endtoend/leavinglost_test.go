package endtoend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/pool"
)

// TestATenantLeavesWhileItsGatewayIsGivenUp has a gateway fail for good while a tenant leaves of whose files one can't be uploaded. With a
// person's word, who is told of that file, a new gateway takes over the buckets: all that was uploaded is in the tenant's archive, which
// says what it may lack, the slot is scrubbed at the new gateway, and the neighbour has its files.
func TestATenantLeavesWhileItsGatewayIsGivenUp(t *testing.T) {
	t.Parallel()
	terms := leavers
	terms.Steady = pool.Term(5 * time.Second)
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &terms}, func(o *local.Options) { o.Speed = mendSpeed })
	s.awaitInService(t, 1, 1)
	s.signUp(t, leaver, leftFrom)
	s.signUp(t, "neighbour", "127.30.8.2")
	ready := s.awaitReady(t, leaver, "neighbour")
	l := &leaving{system: s, ready: ready[leaver], credentials: s.secret(t, ready[leaver].Database.SecretARN), from: leftFrom}
	n := &leaving{system: s, ready: ready["neighbour"], credentials: s.secret(t, ready["neighbour"].Database.SecretARN), from: "127.30.8.2"}
	l.fill(t, inFile, inRow)
	n.fill(t, "a neighbour's file", "a neighbour's row")
	host := s.shareHost(t, leaver)
	if other := s.shareHost(t, "neighbour"); other.ID != host.ID {
		t.Fatal("the neighbour has its share at another gateway")
	}
	tenant, err := s.ledger.Tenant(t.Context(), leaver)
	must(t, err)
	slot := *host.Slot(tenant.Share.Index)
	bucket := pool.BucketName(slot.Bucket)
	for _, b := range host.Slots {
		s.await(t, "what was written is in the buckets", func() bool { return s.holds(t, pool.BucketName(b.Bucket), "file-19") })
	}

	role, ok := s.Policies.Role(slot.Role)
	if ok = ok && s.Policies.Revoke(role.Name, "s3:PutObject") > 0; !ok {
		t.Fatal("the share's role has no such grant")
	}
	client, err := l.mount(t)
	must(t, err)
	must(t, client.WriteFile(t.Context(), stuckFile, []byte(inStuckFile)))
	must(t, client.Close())
	l.ask(t, "DecommissionRequested", `,"grace":"1m"`)
	l.within(t, "its record names the file", func() bool {
		return slices.Equal(l.departure(t, 0).Failing.Names, []string{stuckFile + " (S3AccessDenied)"})
	})
	must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Cure: appliance.Never}))

	s.awaitFor(t, mendPatience, "a person is asked", func() bool { return len(heard[events.HostRepairAsks](s.watch)) > 0 })
	for _, want := range []string{leaver + ", neighbour", "of " + leaver + " a report named 1 file", stuckFile} {
		if says := heard[events.HostRepairAsks](s.watch)[0].MayLose; !strings.Contains(says, want) {
			t.Errorf("it is said that lost may be %q, without %q", says, want)
		}
	}
	if d := l.departure(t, 0); d.Step != pool.StepUpload || d.Stuck != "" {
		t.Errorf("the departure is %s at %q, stuck at %q", d.State, d.Step, d.Stuck)
	}
	s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"proceed","way":"gateway","requestedBy":"jo","reason":"it is beyond help"}`, host.ID))
	s.repaired(t, host, pool.WayGateway)
	now := s.host(t, host.ID)
	for _, was := range host.Slots {
		if _, there := s.Policies.Role(was.Role); there {
			t.Errorf("the old gateway's role %s is there still", was.Role)
		}
	}

	l.within(t, "its data is archived", func() bool { return !l.departure(t, 0).Archive.RetainUntil.IsZero() })
	d := l.departure(t, 0)
	l.archiveIsWhole(t, d.Archive)
	l.within(t, "the tenant is released", func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 })
	c := heard[events.TenantReleased](s.watch)[0].Certificate
	if len(c.Missing) != 1 || c.Missing[0].Gateway != host.Access.GatewayID() || c.Missing[0].GivenUp.IsZero() || !strings.Contains(c.Missing[0].What, stuckFile) || strings.Contains(c.Missing[0].What, "neighbour") {
		t.Errorf("it is certified that the archive may lack %+v", c.Missing)
	}
	if s.holds(t, bucket, "") || s.holds(t, bucket, stuckFile) {
		t.Error("the bucket holds something still, or again")
	}
	n.isAsBefore(t)
	renewed := s.host(t, host.ID)
	if next := renewed.Slot(slot.Index); next.Generation != slot.Generation+1 || next.Tenant != "" || renewed.Access.Gateway != now.Access.Gateway || renewed.Access.Gateway == host.Access.Gateway {
		t.Errorf("the slot is %+v, at %s", next, renewed.Access.Gateway)
	}
	s.agrees(t, renewed)
}
