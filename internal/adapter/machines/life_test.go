package machines_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/pool"
)

// launched is a machine that runs, of which each change is seen at the second look.
func launched(t *testing.T) (*machinestest.Cloud, *machines.Machines, string) {
	t.Helper()
	cloud := &machinestest.Cloud{Late: 1, Stale: true}
	id, err := cloud.Launch(machinestest.Spec{
		Zone: zone, Type: "m6i.xlarge", Image: "ami-9", Interface: "eni-1", Dies: true, Tags: map[string]string{"headroom:host": "share-standard-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &machines.Machines{Client: cloud}
	await(t, m, id, pool.MachineRunning)
	return cloud, m, id
}

// await looks until a machine is in a state.
func await(t *testing.T, m *machines.Machines, id string, state pool.MachineState) pool.MachineLook {
	t.Helper()
	var look pool.MachineLook
	for range 10 {
		var err error
		if look, err = m.Look(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if look.State == state {
			return look
		}
	}
	t.Fatalf("it stays %+v", look)
	return look
}

// at looks until a volume is where it should be, or nowhere.
func at(t *testing.T, m *machines.Machines, volume string, want pool.Attachment) {
	t.Helper()
	for range 10 {
		got, err := m.Attachment(t.Context(), volume)
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	t.Fatalf("volume %s does not come to be %+v", volume, want)
}

func TestALookTellsOfTheMachineAndItsDisks(t *testing.T) {
	cloud, m, id := launched(t)
	first, second := cloud.AddVolume(zone), cloud.AddVolume(zone)
	for volume, device := range map[string]string{second: "/dev/sdg", first: "/dev/sdf"} {
		if err := m.Attach(t.Context(), volume, id, device); err != nil {
			t.Fatal(err)
		}
		at(t, m, volume, pool.Attachment{Machine: id, Done: true})
	}
	got := await(t, m, id, pool.MachineRunning)
	root := got.Disks[0].Volume
	want := pool.MachineLook{
		State: pool.MachineRunning, Checks: pool.CheckOK, Type: "m6i.xlarge", Image: "ami-9", Interface: "eni-1", Disks: []pool.MachineDisk{
			{Volume: root, Device: "/dev/xvda", Root: true, Dies: true}, {Volume: first, Device: "/dev/sdf"}, {Volume: second, Device: "/dev/sdg"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || root == "" {
		t.Errorf("%s", diff)
	}
	if err := m.Keep(t.Context(), id, []string{"/dev/xvda", "/dev/sdf"}); err != nil {
		t.Fatal(err)
	}
	await(t, m, id, pool.MachineRunning) // what was before
	if got := await(t, m, id, pool.MachineRunning); slices.ContainsFunc(got.Disks, func(d pool.MachineDisk) bool { return d.Dies }) {
		t.Errorf("kept: %+v", got.Disks)
	}
	cloud.Terminate(id)
	if got := await(t, m, id, pool.MachineTerminated); got.Checks != pool.CheckUnknown || got.Interface != "" || len(got.Disks) != 0 {
		t.Errorf("it has ended: %+v", got)
	}
	at(t, m, root, pool.Attachment{})
	cloud.Forget(id)
	if _, err := m.Look(t.Context(), id); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("an hour later: %v", err)
	}
}

func TestThereIsNothingToKeepAtNoDevice(t *testing.T) {
	if err := (&machines.Machines{}).Keep(t.Context(), "i-1", nil); err != nil {
		t.Error(err)
	}
}

// answering answers looks at an instance that runs as given.
type answering struct {
	machinestest.EC2
	statuses []types.InstanceStatus
	err      error
	none     bool
}

func (a answering) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	if a.none {
		return &ec2.DescribeInstancesOutput{}, nil
	}
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{{InstanceId: &in.InstanceIds[0]}}}}}, nil
}

func (a answering) DescribeInstanceStatus(_ context.Context, in *ec2.DescribeInstanceStatusInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error) {
	if !aws.ToBool(in.IncludeAllInstances) {
		return nil, errors.New("only those that run")
	}
	return &ec2.DescribeInstanceStatusOutput{InstanceStatuses: a.statuses}, a.err
}

func TestTheWorseCheckCounts(t *testing.T) {
	const ok, impaired, unknown = types.SummaryStatusOk, types.SummaryStatusImpaired, types.SummaryStatusInsufficientData
	for _, test := range []struct {
		system, instance types.SummaryStatus
		want             pool.Checks
	}{
		{ok, ok, pool.CheckOK},
		{impaired, ok, pool.CheckImpaired},
		{ok, impaired, pool.CheckImpaired},
		{impaired, unknown, pool.CheckImpaired},
		{unknown, impaired, pool.CheckImpaired},
		{ok, unknown, pool.CheckUnknown},
		{unknown, ok, pool.CheckUnknown},
		{ok, types.SummaryStatusInitializing, pool.CheckUnknown},
		{types.SummaryStatusNotApplicable, types.SummaryStatusNotApplicable, pool.CheckUnknown},
		{"", ok, pool.CheckUnknown},
		{"another", ok, pool.CheckUnknown},
	} {
		status := types.InstanceStatus{InstanceId: aws.String("i-1"), InstanceStatus: &types.InstanceStatusSummary{Status: test.instance}}
		if test.system != "" {
			status.SystemStatus = &types.InstanceStatusSummary{Status: test.system}
		}
		got, err := (&machines.Machines{Client: answering{statuses: []types.InstanceStatus{status}}}).Look(t.Context(), "i-1")
		if err != nil || got.Checks != test.want {
			t.Errorf("system %q, instance %q: %q, %v", test.system, test.instance, got.Checks, err)
		}
	}
	if got, err := (&machines.Machines{Client: answering{}}).Look(t.Context(), "i-1"); err != nil || got.Checks != pool.CheckUnknown {
		t.Errorf("no status: %q, %v", got.Checks, err)
	}
	failed := errors.New("Throttling")
	if _, err := (&machines.Machines{Client: answering{err: failed}}).Look(t.Context(), "i-1"); !errors.Is(err, failed) {
		t.Errorf("no answer: %v", err)
	}
	if _, err := (&machines.Machines{Client: answering{none: true}}).Look(t.Context(), "i-1"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("no instance: %v", err)
	}
}

func TestAMachineIsStoppedAndStarted(t *testing.T) {
	cloud, m, id := launched(t)
	ctx := t.Context()
	cloud.Fail(id, machinestest.Fault{System: true, Restart: true})
	for range 5 {
		await(t, m, id, pool.MachineRunning)
	}
	if got := await(t, m, id, pool.MachineRunning); got.Checks != pool.CheckImpaired {
		t.Errorf("it fails: %+v", got)
	}
	if err := m.Reboot(ctx, id); err != nil {
		t.Error(err)
	}
	if err := m.Stop(ctx, id); err != nil {
		t.Error(err)
	}
	if err := m.Start(ctx, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("start what is stopping: %v", err)
	}
	if got := await(t, m, id, pool.MachineStopped); got.Checks != pool.CheckUnknown {
		t.Errorf("stopped: %+v", got)
	}
	if err := m.Stop(ctx, id); err != nil {
		t.Errorf("stop it again: %v", err)
	}
	if err := m.Reboot(ctx, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("reboot what is stopped: %v", err)
	}
	cloud.Full(true)
	if err := m.Start(ctx, id); !errors.Is(err, pool.ErrNoCapacity) {
		t.Errorf("start where there is no room: %v", err)
	}
	cloud.Full(false)
	for range 2 {
		if err := m.Start(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if err := m.Stop(ctx, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("stop what is starting: %v", err)
	}
	for range 5 {
		await(t, m, id, pool.MachineRunning)
	}
	if got := await(t, m, id, pool.MachineRunning); got.Checks != pool.CheckOK {
		t.Errorf("started: %+v", got)
	}
	if got, want := cloud.Log(), []string{"reboot " + id, "stop " + id, "start " + id}; !slices.Equal(got, want) {
		t.Errorf("did %q, want %q", got, want)
	}
	for what, call := range map[string]func(context.Context, string) error{"reboot": m.Reboot, "stop": m.Stop, "start": m.Start} {
		if err := call(ctx, "i-none"); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("%s no machine: %v", what, err)
		}
	}
}

func TestARootGoesToTheNextMachine(t *testing.T) {
	cloud, m, id := launched(t)
	ctx := t.Context()
	root := await(t, m, id, pool.MachineRunning).Disks[0].Volume
	if err := m.Detach(ctx, root, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("detach the root of a machine that runs: %v", err)
	}
	if err := m.Stop(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := m.Detach(ctx, root, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("detach the root of a machine that is stopping: %v", err)
	}
	await(t, m, id, pool.MachineStopped)
	if err := m.Detach(ctx, root, id); err != nil {
		t.Fatal(err)
	}
	if err := m.Detach(ctx, root, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("detach what is on its way: %v", err)
	}
	at(t, m, root, pool.Attachment{})
	if err := m.Detach(ctx, root, id); err != nil {
		t.Errorf("detach it once more: %v", err)
	}
	if err := m.Start(ctx, id); err == nil || errors.Is(err, pool.ErrInTransit) {
		t.Errorf("start without a root: %v", err)
	}
	next := cloud.AddMachine(zone, true)
	if err := m.Attach(ctx, root, next, "/dev/sdf"); err != nil {
		t.Fatal(err)
	}
	at(t, m, root, pool.Attachment{Machine: next, Done: true})
	for _, elsewhere := range []string{id, "i-none"} {
		if err := m.Detach(ctx, root, elsewhere); err != nil {
			t.Errorf("detach it from %s, where it is not: %v", elsewhere, err)
		}
	}
	if err := m.Detach(ctx, "vol-none", id); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("detach no volume: %v", err)
	}
	// From a machine that runs it is let go of only when that stops.
	if err := m.Detach(ctx, root, next); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		at(t, m, root, pool.Attachment{Machine: next})
	}
	if err := m.Stop(ctx, next); err != nil {
		t.Fatal(err)
	}
	at(t, m, root, pool.Attachment{})
	if got := cloud.Log(); slices.ContainsFunc(got, func(line string) bool { return line == "detach "+root+" from "+next+" by force" }) {
		t.Errorf("did %q", got)
	}
}

// notPermitting words what can't be done as EC2 also does.
type notPermitting struct{ *machinestest.Cloud }

func (n notPermitting) DetachVolume(ctx context.Context, in *ec2.DetachVolumeInput, opts ...func(*ec2.Options)) (*ec2.DetachVolumeOutput, error) {
	out, err := n.Cloud.DetachVolume(ctx, in, opts...)
	if err != nil {
		err = &smithy.GenericAPIError{Code: "OperationNotPermitted", Message: "Unable to detach root volume"}
	}
	return out, err
}

func TestARootThatMayNotBeDetachedIsInTransit(t *testing.T) {
	cloud, m, id := launched(t)
	root := await(t, m, id, pool.MachineRunning).Disks[0].Volume
	if err := (&machines.Machines{Client: notPermitting{cloud}}).Detach(t.Context(), root, id); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("%v", err)
	}
}

func TestVolumesAreTaggedFoundAndDeleted(t *testing.T) {
	cloud, m, id := launched(t)
	cloud.Page = 1
	ctx := t.Context()
	if _, err := m.FindVolumes(ctx, nil); err == nil {
		t.Error("all volumes of the account were found")
	}
	volume, other := cloud.AddVolume(zone), cloud.AddVolume(zone)
	tags := map[string]string{"headroom:host": "share-standard-1", "headroom:order": "m*"}
	for volume, order := range map[string]string{volume: "m*", other: "mark"} {
		if err := m.TagVolume(ctx, volume, map[string]string{"headroom:host": "share-standard-1", "headroom:order": order}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.TagVolume(ctx, "vol-none", tags); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("tag no volume: %v", err)
	}
	if got, err := m.FindVolumes(ctx, tags); err != nil || len(got) != 0 {
		t.Errorf("at once: %+v, %v", got, err)
	}
	got, err := m.FindVolumes(ctx, tags)
	if err != nil || len(got) != 1 || got[0].Made.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("found %+v, %v", got, err)
	}
	if diff := cmp.Diff(pool.Volume{ID: volume, State: "available", GiB: 150, Tags: tags, Made: got[0].Made}, got[0]); diff != "" {
		t.Error(diff)
	}
	got, err = m.FindVolumes(ctx, map[string]string{"headroom:host": "share-standard-1"})
	if err != nil || len(got) != 3 || got[0].State != "in-use" || got[1].ID != volume || got[2].ID != other {
		t.Errorf("found %+v, %v", got, err)
	}
	if err := m.DeleteVolume(ctx, got[0].ID); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("delete the root of %s: %v", id, err)
	}
	if err := m.DeleteVolume(ctx, volume); err != nil {
		t.Error(err)
	}
	for range 5 {
		got, err = m.FindVolumes(ctx, tags)
	}
	if err != nil || len(got) != 0 {
		t.Errorf("deleted: %+v, %v", got, err)
	}
	if err := m.DeleteVolume(ctx, volume); err != nil {
		t.Errorf("delete it again: %v", err)
	}
}
