package endtoend

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/pool"
)

// What machines take in this cloud, by its own clock. AWS's take longer, and in another proportion: what is Headroom's own
// does not depend on them.
const (
	benchSpeed  = 20
	launchLead  = 20 * time.Second
	stopLead    = 30 * time.Second
	bootLead    = time.Minute
	importLead  = time.Minute
	clientTimes = 300 * time.Millisecond // of a try to write, by the machine's clock
)

// BenchmarkRepairs is how long the tenants of a gateway that fails can't write, by each way that mends one, in seconds of the
// cloud's clock: from the failure to the first write that is acknowledged again. A machine that takes over is stopped and started
// once more, when its gateway runs: what is told in the end has that, too. What the machine's own lead times take is told
// apart from what is Headroom's: until the failure is noticed, what is waited in case it passes, the steps and CloudFormation.
func BenchmarkRepairs(b *testing.B) {
	lead := func(d time.Duration) time.Duration { return d / benchSpeed }
	ps := policies(pool.Policy{SlotsPerHost: 4}, pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 4})
	s := start(b, ps, func(o *local.Options) {
		o.Speed = benchSpeed
		o.LeadTimes = local.LeadTimes{
			Launch: lead(launchLead), Stop: lead(stopLead), Boot: lead(bootLead), Reboot: lead(bootLead), Import: lead(importLead),
		}
	})
	s.awaitInService(b, 1, 1)
	s.signUp(b, "acme", "127.30.41.1")
	share := s.awaitReady(b, "acme")["acme"].Share
	host := s.shareHost(b, "acme")
	s.setPolicyDocument(b, document{Version: "1", Pools: ps, Drills: []pool.Drill{{From: host.Image, To: host.Image}}})
	written := 0
	writes := func() bool {
		ctx, cancel := context.WithTimeout(b.Context(), clientTimes)
		defer cancel()
		client, err := s.mountNow(ctx, "127.30.41.1", share)
		if err != nil {
			return false
		}
		defer client.Close()
		written++
		name := fmt.Sprint("file-", written)
		return client.WriteFile(ctx, name, []byte(name)) == nil
	}
	for _, way := range []struct {
		way   pool.Way
		fails func(machine string) error
		leads time.Duration // of machines, on the way that helps
	}{
		{pool.WayReboot, func(machine string) error {
			return s.Machines.Fail(machine, appliance.Fault{Hang: true, Cure: appliance.ByReboot})
		}, bootLead},
		{pool.WayMachine, func(machine string) error {
			_, err := ec2.NewFromConfig(s.AWS()).TerminateInstances(b.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{machine}})
			return err
		}, stopLead + launchLead + bootLead + importLead},
		{pool.WayRestart, func(machine string) error {
			_, err := ec2.NewFromConfig(s.AWS()).StopInstances(b.Context(), &ec2.StopInstancesInput{InstanceIds: []string{machine}})
			return err
		}, stopLead + launchLead + bootLead},
		// A person is asked, who answers at once; the new gateway's machine boots once more when it is activated.
		{pool.WayGateway, func(machine string) error { return s.losesCache(b, host.ID, machine) }, launchLead + 2*bootLead},
	} {
		b.Run(string(way.way), func(b *testing.B) {
			var took time.Duration
			told := 0
			for range b.N {
				s.awaitFor(b, mendPatience, "the host is in service", func() bool { return s.host(b, host.ID).State == pool.HostInService })
				before := len(s.repairsOf(host.ID))
				if !writes() {
					b.Fatal("it takes no write before it fails")
				}
				must(b, way.fails(s.host(b, host.ID).Access.Machine))
				s.awaitFor(b, patience, "it takes no write", func() bool { return !writes() })
				began := time.Now()
				if way.way == pool.WayGateway {
					s.saysWord(b, host.ID, way.way)
				}
				s.awaitFor(b, mendPatience, "it takes writes again", writes)
				took += time.Duration(float64(time.Since(began)) * benchSpeed)
				var said []events.HostRepaired
				s.awaitFor(b, mendPatience, "the host is repaired", func() bool { said = s.repairsOf(host.ID); return len(said) > before })
				told += said[before].UnwritableSeconds
				if got := said[before].Way; got != string(way.way) {
					b.Errorf("it was mended by way %s: %q", got, said[before].Tried)
				}
			}
			seconds := took.Seconds() / float64(b.N)
			b.ReportMetric(seconds, "unwritable-s")
			b.ReportMetric(seconds-way.leads.Seconds(), "ours-s")
			b.ReportMetric(float64(told)/float64(b.N), "told-s") // at most: until all shares are seen to serve
			b.ReportMetric(0, "ns/op")                           // which is by the machine's clock
		})
	}
}

// losesCache ends a host's machine, and deletes the cache disk that it leaves.
func (s *system) losesCache(b *testing.B, id pool.HostID, machine string) error {
	b.Helper()
	client, cache := ec2.NewFromConfig(s.AWS()), s.host(b, id).Access.Cache
	if _, err := client.TerminateInstances(b.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{machine}}); err != nil {
		return err
	}
	s.awaitFor(b, patience, "its cache disk is deleted", func() bool {
		_, err := client.DeleteVolume(b.Context(), &ec2.DeleteVolumeInput{VolumeId: &cache})
		return err == nil
	})
	return nil
}

// saysWord waits until a host's repair asks for a way, and gives the word for it.
func (s *system) saysWord(b *testing.B, id pool.HostID, way pool.Way) {
	b.Helper()
	s.awaitFor(b, mendPatience, "a person is asked", func() bool {
		r, err := s.ledger.Repair(b.Context(), id)
		return err == nil && r.State == pool.RepairAsking && r.Way == way && r.Asked != ""
	})
	s.send(b, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"proceed","way":%q,"requestedBy":"jo","reason":"its cache is gone"}`, id, way))
}
