package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/nfsclient"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// mendSpeed lets the minutes that repairs wait pass in seconds.
	mendSpeed = 30
	// mendPatience bounds the wait for a repair that tries every way.
	mendPatience = 6 * time.Minute
	// olderImage is of an older appliance than gateways are made from.
	olderImage = "ami-0f11e5a7e4a7e0000"
)

// TestGatewaysFailWhileTheyAreWrittenTo has a gateway fail in one way after the other while tenants write: it comes back under the same
// mount with every byte that was acknowledged, and its neighbour sees nothing of it.
func TestGatewaysFailWhileTheyAreWrittenTo(t *testing.T) {
	t.Parallel()
	r := writtenTo(t)
	s, host, hard := r.system, r.host, r.hard
	t.Run("one that hangs is rebooted", func(t *testing.T) {
		hard.some(t)
		must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Hang: true, Cure: appliance.ByReboot}))
		s.repaired(t, host, pool.WayReboot)
		hard.some(t)
		s.probed(t, host)
	})
	t.Run("one that is dead on its host is stopped and started", func(t *testing.T) {
		must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Host: true, Cure: appliance.ByRestart}))
		s.repaired(t, host, pool.WayRestart)
		hard.some(t)
	})
	t.Run("one that stays dead is asked about, and nothing is touched", func(t *testing.T) {
		asked := len(heard[events.HostRepairAsks](s.watch))
		must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Cure: appliance.Never}))
		s.awaitFor(t, mendPatience, "a person is asked", func() bool { return len(heard[events.HostRepairAsks](s.watch)) > asked })
		if ask := heard[events.HostRepairAsks](s.watch)[asked]; ask.HostID != string(host.ID) || ask.Way != string(pool.WayMachine) {
			t.Errorf("it is asked: %+v", ask)
		}
		if now := s.host(t, host.ID); moved(now, host) {
			t.Errorf("the host has become %+v", now.Access)
		}
	})
	t.Run("with a person's word a new machine goes on as the gateway", func(t *testing.T) {
		s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"proceed","way":"machine","requestedBy":"jo","reason":"its cache is whole"}`, host.ID))
		s.repaired(t, host, pool.WayMachine)
		now := s.host(t, host.ID)
		if now.Access.Machine == host.Access.Machine || now.Access.Gateway != host.Access.Gateway || now.Access.Appliance != host.Access.Appliance || now.Access.Cache != host.Access.Cache {
			t.Errorf("the host was %+v, and is %+v", host.Access, now.Access)
		}
		hard.some(t)
		s.agrees(t, now)
	})
	r.beside.stop(t) // which saw nothing of it
	hard.verify(t)
	t.Run("what was done is measured", func(t *testing.T) {
		s.wasMeasured(t, ofMending, map[string]string{"Stage": stage})
		for _, way := range []pool.Way{pool.WayReboot, pool.WayRestart, pool.WayMachine} {
			s.wasMeasured(t, []string{telemetry.HostsRepaired.Name}, map[string]string{"Stage": stage, telemetry.Way: string(way)})
		}
	})
	t.Run("in the end nothing is on its way", func(t *testing.T) { s.keepsSecrets(t, s.atRest(t)) })
	t.Run("in the end AWS has what the ledger says", func(t *testing.T) {
		// The root disks of earlier machines are kept for a while, by their marks.
		if kept := whats(s.awaitSound(t).Findings); !strings.Contains(kept, "is of an earlier machine or gateway of host "+string(host.ID)) {
			t.Errorf("found %q", kept)
		}
	})
}

// TestAGatewayIsCutOffAndAnotherLosesItsMachine has the first be left alone, and the second get another machine.
func TestAGatewayIsCutOffAndAnotherLosesItsMachine(t *testing.T) {
	t.Parallel()
	r := writtenTo(t)
	s, host, other, hard := r.system, r.host, r.other, r.hard
	t.Run("an image that is older than a gateway's own is refused", func(t *testing.T) {
		mark := s.mark()
		s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"replace","image":%q,"requestedBy":"jo","reason":"the old one was better"}`, host.ID, olderImage))
		s.awaitLog(t, mark, "hostrepair", olderImage, "is older than", host.Image)
		if now := s.host(t, host.ID); now.State != pool.HostInService || moved(now, host) {
			t.Errorf("the host is %s: %+v", now.State, now.Access)
		}
	})
	t.Run("one that is cut off from its region is told of, and left to its clients", func(t *testing.T) {
		before := len(s.repairsOf(host.ID))
		must(t, s.Machines.Cut(host.Access.Machine, true))
		told := func() bool {
			return slices.ContainsFunc(heard[events.HostRepairWaits](s.watch), func(e events.HostRepairWaits) bool {
				return e.HostID == string(host.ID) && strings.Contains(e.Reason, "it serves its clients, and uploads nothing")
			})
		}
		s.awaitFor(t, mendPatience, "it is told that it is cut off", told)
		hard.some(t)
		if now := s.host(t, host.ID); now.State != pool.HostCordoned || moved(now, host) {
			t.Errorf("the host is %s: %+v", now.State, now.Access)
		}
		must(t, s.Machines.Cut(host.Access.Machine, false))
		s.awaitFor(t, mendPatience, "it is in service", func() bool { return s.host(t, host.ID).State == pool.HostInService })
		hard.some(t)
		var r pool.Repair
		s.awaitFor(t, mendPatience, "its repair has ended", func() bool {
			var err error
			r, err = s.ledger.Repair(t.Context(), host.ID)
			return err == nil && r.State.Ended()
		})
		if r.State != pool.RepairPassed || len(r.Tried) > 0 || len(s.repairsOf(host.ID)) > before {
			t.Errorf("its repair is %s, and tried %v", r.State, r.Tried)
		}
	})
	r.beside.stop(t) // which saw nothing of it
	t.Run("with a drill on record, one whose machine is terminated is replaced", func(t *testing.T) {
		s.setPolicyDocument(t, document{Version: "1", Pools: r.policies, Drills: []pool.Drill{{From: other.Image, To: other.Image}}})
		_, err := ec2.NewFromConfig(s.AWS()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{other.Access.Machine}})
		must(t, err)
		s.repaired(t, other, pool.WayMachine)
		if said := s.repairsOf(other.ID); !strings.Contains(said[len(said)-1].Proven[1], "no share was read") {
			t.Errorf("it was proven that %q", said[len(said)-1].Proven)
		}
		s.agrees(t, s.host(t, other.ID))
	})
	hard.verify(t)
	t.Run("in the end nothing is on its way", func(t *testing.T) { s.keepsSecrets(t, s.atRest(t)) })
}

// written is a system whose gateways are written to.
type written struct {
	*system
	policies    pool.Policies
	host, other pool.Host   // of acme, and of its neighbour
	hard        *hardWriter // acme's
	beside      *writer     // the neighbour's
}

// writtenTo starts a system in which acme writes at one gateway, and its neighbour at another.
func writtenTo(t *testing.T) written {
	t.Helper()
	// Two shares a host: the second gateway has one beside its tenant's that is nobody's, and the first has none.
	ps := policies(pool.Policy{SlotsPerHost: 4}, pool.Policy{SlotsPerHost: 2, Floor: 2, Ceiling: 6})
	s := start(t, ps, func(o *local.Options) { o.Speed = mendSpeed })
	s.awaitInService(t, 1, 2)
	s.signUp(t, "neighbour", "127.30.21.2")
	s.signUp(t, "another", "127.30.21.3")
	s.awaitReady(t, "neighbour", "another")
	s.signUp(t, "acme", "127.30.21.1")
	ready := s.awaitReady(t, "neighbour", "another", "acme")
	host, other := s.shareHost(t, "acme"), s.shareHost(t, "neighbour")
	if host.ID == other.ID {
		t.Fatal("all have their shares at one gateway")
	}
	beside := write(t, s.mount(t, "127.30.21.2", ready["neighbour"].Share), "beside")
	hard := s.writeHard(t, "127.30.21.1", ready["acme"].Share)
	return written{s, ps, host, other, hard, beside}
}

// shareHost is the host of a tenant's share.
func (s *system) shareHost(t testing.TB, tenant string) pool.Host {
	t.Helper()
	record, err := s.ledger.Tenant(t.Context(), pool.TenantID(tenant))
	must(t, err)
	return s.host(t, record.Share.Host)
}

// moved reports whether a host is reached otherwise than before. How large its cache is is noted when it is looked at.
func moved(now, before pool.Host) bool {
	now.Access.CacheGiB = before.Access.CacheGiB
	return now.Access != before.Access
}

func (s *system) host(t testing.TB, id pool.HostID) pool.Host {
	t.Helper()
	h, err := s.ledger.Host(t.Context(), id)
	must(t, err)
	return h
}

// repaired waits until it is said that a host was repaired, and wants it to have been so by a way, and back in service.
func (s *system) repaired(t *testing.T, host pool.Host, by pool.Way) {
	t.Helper()
	before := s.repairsOf(host.ID)
	s.awaitFor(t, mendPatience, string(host.ID)+" is repaired", func() bool { return len(s.repairsOf(host.ID)) > len(before) })
	said := s.repairsOf(host.ID)[len(before)]
	if said.Way != string(by) || said.UnwritableSeconds <= 0 {
		t.Errorf("it is said: %+v", said)
	}
	t.Logf("%s: tried %v, not writable for %d s", said.Cause, said.Tried, said.UnwritableSeconds)
	s.awaitFor(t, mendPatience, string(host.ID)+" is in service", func() bool { return s.host(t, host.ID).State == pool.HostInService })
}

// probed wants a share that is nobody's to have been read by a client before a host was in service again, and to be closed.
func (s *system) probed(t *testing.T, host pool.Host) {
	t.Helper()
	said := s.repairsOf(host.ID)
	if proven := said[len(said)-1].Proven; len(proven) != 2 || !strings.Contains(proven[1], "was read by a client, and is closed again") {
		t.Errorf("it was proven that %q", proven)
	}
	client := storagegateway.NewFromConfig(s.AWS())
	var arns []string
	for _, slot := range s.host(t, host.ID).Slots {
		prefix, _, _ := strings.Cut(host.Access.Gateway, ":gateway/")
		arns = append(arns, prefix+":share/"+slot.Share)
	}
	out, err := client.DescribeNFSFileShares(t.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: arns})
	must(t, err)
	for _, share := range out.NFSFileShareInfoList {
		for _, client := range share.ClientList {
			if !strings.HasPrefix(client, "127.30.") && client != "192.0.2.1/32" {
				t.Errorf("share %s is open to %q", *share.FileShareId, client)
			}
		}
	}
	groups, err := ec2.NewFromConfig(s.AWS()).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{host.Access.SecurityGroup}})
	must(t, err)
	for _, p := range groups.SecurityGroups[0].IpPermissions {
		for _, in := range p.IpRanges {
			if strings.Contains(aws.ToString(in.Description), "looks into") {
				t.Errorf("the network lets %s in: %s", *in.CidrIp, *in.Description)
			}
		}
	}
}

func (s *system) repairsOf(id pool.HostID) []events.HostRepaired {
	return slices.DeleteFunc(slices.Clone(heard[events.HostRepaired](s.watch)), func(e events.HostRepaired) bool { return e.HostID != string(id) })
}

// agrees wants stack and reality to agree: the stack has the machine that there is, and the image that it is made from.
func (s *system) agrees(t *testing.T, host pool.Host) {
	t.Helper()
	out, err := cloudformation.NewFromConfig(s.AWS()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &host.Stack.ID})
	must(t, err)
	stack := out.Stacks[0]
	for _, p := range stack.Parameters {
		if *p.ParameterKey == "HasMachine" && *p.ParameterValue != "true" || *p.ParameterKey == "ImageId" && *p.ParameterValue != host.Image {
			t.Errorf("parameter %s is %s", *p.ParameterKey, *p.ParameterValue)
		}
	}
	for _, o := range stack.Outputs {
		if *o.OutputKey == "MachineId" && *o.OutputValue != host.Access.Machine {
			t.Errorf("the stack has machine %s, and the record %s", *o.OutputValue, host.Access.Machine)
		}
	}
	if stack.StackStatus != "UPDATE_COMPLETE" {
		t.Errorf("the stack is %s: %v", stack.StackStatus, stack.StackStatusReason)
	}
}

// hardWriter writes as a client with a hard mount does: what is not answered is written again, until it is.
type hardWriter struct {
	s           *system
	from        string
	share       events.Share
	acknowledge chan string
	files       []string
}

func (s *system) writeHard(t *testing.T, from string, share events.Share) *hardWriter {
	t.Helper()
	w := &hardWriter{s: s, from: from, share: share, acknowledge: make(chan string, 1<<20)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		var client *nfsclient.Client
		for n := 0; ctx.Err() == nil; n++ {
			file := fmt.Sprintf("hard-%d", n)
			for ctx.Err() == nil {
				once, done := context.WithTimeout(ctx, 3*time.Second)
				var err error
				if client == nil {
					client, err = s.mountNow(once, from, share)
				}
				if err == nil {
					err = client.WriteFile(once, file, []byte(file))
				}
				done()
				if err == nil {
					w.acknowledge <- file
					break
				}
				if client != nil {
					_ = client.Close()
				}
				client = nil
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if client != nil {
			_ = client.Close()
		}
	}()
	return w
}

// some waits until some more files were acknowledged.
func (w *hardWriter) some(t *testing.T) {
	t.Helper()
	want := len(w.files) + 10
	for {
		w.take()
		if len(w.files) >= want {
			return
		}
		select {
		case file := <-w.acknowledge:
			w.files = append(w.files, file)
		case <-time.After(patience):
			t.Fatalf("no file is acknowledged any more, after %d", len(w.files))
		}
	}
}

func (w *hardWriter) take() {
	for {
		select {
		case file := <-w.acknowledge:
			w.files = append(w.files, file)
		default:
			return
		}
	}
}

// verify wants every file that was acknowledged to be there.
func (w *hardWriter) verify(t *testing.T) {
	t.Helper()
	w.take()
	client := w.s.mount(t, w.from, w.share)
	for _, file := range w.files {
		if content, err := client.ReadFile(t.Context(), file); err != nil || string(content) != file {
			t.Errorf("%s, which was acknowledged, is read as %q: %v", file, content, err)
		}
	}
	t.Logf("%d files were acknowledged, and all are there", len(w.files))
}
