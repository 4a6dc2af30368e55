package machinestest

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const nobody = "0123456789abcdef0"

func (w World) machine(t *testing.T, id string) types.Instance {
	t.Helper()
	out, err := w.Client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil || len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		t.Fatalf("look at %s: %+v, %v", id, out, err)
	}
	return out.Reservations[0].Instances[0]
}

// become waits until a machine is in a state.
func (w World) become(t *testing.T, id string, state types.InstanceStateName) types.Instance {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if m := w.machine(t, id); m.State.Name == state {
			return m
		}
	}
	t.Fatalf("machine %s stays %s", id, w.machine(t, id).State.Name)
	return types.Instance{}
}

// root is the ID of the volume that a machine starts from.
func (w World) root(t *testing.T, id string) string {
	t.Helper()
	m := w.machine(t, id)
	for _, disk := range m.BlockDeviceMappings {
		if aws.ToString(disk.DeviceName) == aws.ToString(m.RootDeviceName) {
			return aws.ToString(disk.Ebs.VolumeId)
		}
	}
	t.Fatalf("machine %s has no root: %+v", id, m)
	return ""
}

func (w World) reboot(t *testing.T, id string) string {
	t.Helper()
	_, err := w.Client.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}})
	return codeOf(t, err)
}

func (w World) stop(t *testing.T, id string) string {
	t.Helper()
	_, err := w.Client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	return codeOf(t, err)
}

func (w World) start(t *testing.T, id string) string {
	t.Helper()
	_, err := w.Client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	return codeOf(t, err)
}

func (w World) keep(t *testing.T, id, device string) string {
	t.Helper()
	_, err := w.Client.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{
		InstanceId: &id, BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
			DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
		}},
	})
	return codeOf(t, err)
}

func (w World) detach(t *testing.T, volume, machine string) string {
	t.Helper()
	_, err := w.Client.DetachVolume(t.Context(), &ec2.DetachVolumeInput{VolumeId: &volume, InstanceId: &machine})
	return codeOf(t, err)
}

// summary is what both status checks of a machine say, joined by a space.
func (w World) summary(t *testing.T, id string) string {
	t.Helper()
	out, err := w.Client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}, IncludeAllInstances: aws.Bool(true)})
	if err != nil || len(out.InstanceStatuses) != 1 {
		t.Fatalf("look at the checks of %s: %+v, %v", id, out, err)
	}
	return string(out.InstanceStatuses[0].SystemStatus.Status) + " " + string(out.InstanceStatuses[0].InstanceStatus.Status)
}

// tell waits until the status checks of a machine say one of these, and fails if they say anything but that or what is
// in between.
func (w World) tell(t *testing.T, id string, between string, want ...string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		got := w.summary(t, id)
		if slices.Contains(want, got) {
			return
		}
		if between != "" && got != between {
			t.Fatalf("the checks of %s say %q", id, got)
		}
	}
	t.Fatalf("the checks of %s say %q, want one of %q", id, w.summary(t, id), want)
}

func available(v types.Volume) bool {
	return v.State == types.VolumeStateAvailable && len(v.Attachments) == 0
}

// LifeSuite is how machines live in each EC2, with their disks.
func LifeSuite(t *testing.T, newWorld func(t *testing.T) World) {
	refused := func(t *testing.T, what, got string, want ...string) {
		t.Helper()
		if !slices.Contains(want, got) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	const (
		running, stopping   = types.InstanceStateNameRunning, types.InstanceStateNameStopping
		stopped, terminated = types.InstanceStateNameStopped, types.InstanceStateNameTerminated
	)
	t.Run("a machine has a root and an interface", func(t *testing.T) {
		w := newWorld(t)
		m := w.become(t, w.Machine(t, here), running)
		if aws.ToString(m.RootDeviceName) != RootDevice || len(m.BlockDeviceMappings) != 1 || len(m.NetworkInterfaces) != 1 || m.InstanceType != "m6i.xlarge" || aws.ToString(m.ImageId) != "ami-1" {
			t.Fatalf("it is %+v", m)
		}
		if disk := m.BlockDeviceMappings[0]; *disk.DeviceName != RootDevice || disk.Ebs.Status != types.AttachmentStatusAttached || !*disk.Ebs.DeleteOnTermination {
			t.Errorf("its root is %+v, %+v", disk, disk.Ebs)
		}
		if nic := m.NetworkInterfaces[0]; aws.ToString(nic.NetworkInterfaceId) == "" || nic.Attachment == nil || *nic.Attachment.DeviceIndex != 0 {
			t.Errorf("its interface is %+v", nic)
		}
		v := w.look(t, *m.BlockDeviceMappings[0].Ebs.VolumeId)
		if !attached(v) || *v.Attachments[0].InstanceId != *m.InstanceId || *v.Attachments[0].Device != RootDevice {
			t.Errorf("its root is %+v", v)
		}
	})
	t.Run("a machine that is stopped and started keeps its disks and its interface", func(t *testing.T) {
		w := newWorld(t)
		id, volume := w.Machine(t, here), w.Volume(t, here)
		refused(t, "attach", w.attach(t, volume, id, "/dev/sdf"), "")
		w.await(t, volume, attached)
		before := w.become(t, id, running)
		refused(t, "stop", w.stop(t, id), "")
		refused(t, "start it meanwhile", w.start(t, id), "IncorrectInstanceState")
		w.become(t, id, stopping)
		refused(t, "stop it again", w.stop(t, id), "")
		w.become(t, id, stopped)
		refused(t, "stop it once more", w.stop(t, id), "")
		refused(t, "reboot it", w.reboot(t, id), "IncorrectState", "IncorrectInstanceState")
		refused(t, "start", w.start(t, id), "")
		refused(t, "start it again", w.start(t, id), "")
		after := w.become(t, id, running)
		refused(t, "start what runs", w.start(t, id), "")
		if len(after.BlockDeviceMappings) != 2 || *after.NetworkInterfaces[0].NetworkInterfaceId != *before.NetworkInterfaces[0].NetworkInterfaceId {
			t.Errorf("it is %+v, and was %+v", after, before)
		}
	})
	t.Run("what is starting can't be stopped", func(t *testing.T) {
		w := newWorld(t)
		refused(t, "stop", w.stop(t, w.Pending(t, here)), "IncorrectInstanceState")
	})
	t.Run("no such machine", func(t *testing.T) {
		w := newWorld(t)
		const id = "i-" + nobody
		_, err := w.Client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		refused(t, "look", codeOf(t, err), "InvalidInstanceID.NotFound")
		_, err = w.Client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
		refused(t, "look at its checks", codeOf(t, err), "InvalidInstanceID.NotFound")
		for what, call := range map[string]func(*testing.T, string) string{"reboot": w.reboot, "stop": w.stop, "start": w.start} {
			refused(t, what, call(t, id), "InvalidInstanceID.NotFound")
		}
		refused(t, "keep a disk", w.keep(t, id, RootDevice), "InvalidInstanceID.NotFound")
		refused(t, "detach a disk", w.detach(t, w.Volume(t, here), id), "InvalidInstanceID.NotFound")
	})
	t.Run("the root goes to another machine, and comes back", func(t *testing.T) {
		w := newWorld(t)
		id, other := w.Machine(t, here), w.Machine(t, here)
		w.become(t, id, running)
		root := w.root(t, id)
		refused(t, "detach the root of a machine that runs", w.detach(t, root, id), "OperationNotPermitted", "IncorrectState")
		for _, machine := range []string{id, other} {
			w.become(t, machine, running)
			refused(t, "stop", w.stop(t, machine), "")
			w.become(t, machine, stopped)
		}
		refused(t, "detach the root", w.detach(t, root, id), "")
		w.await(t, root, available)
		refused(t, "detach it again", w.detach(t, root, id), "IncorrectState")
		if m := w.machine(t, id); len(m.BlockDeviceMappings) != 0 || aws.ToString(m.RootDeviceName) != RootDevice {
			t.Errorf("without its root it is %+v", m)
		}
		refused(t, "start without a root", w.start(t, id), "InvalidParameterValue")
		refused(t, "attach to a machine that is stopped", w.attach(t, root, other, "/dev/sdf"), "")
		w.await(t, root, attached)
		refused(t, "detach it from where it is not", w.detach(t, root, id), "InvalidAttachment.NotFound")
		refused(t, "detach it", w.detach(t, root, other), "")
		w.await(t, root, available)
		refused(t, "attach the root", w.attach(t, root, id, RootDevice), "")
		w.await(t, root, attached)
		refused(t, "start", w.start(t, id), "")
		w.become(t, id, running)
	})
	t.Run("a disk outlives its machine if it is kept", func(t *testing.T) {
		w := newWorld(t)
		kept, spent, volume := w.Machine(t, here), w.Machine(t, here), w.Volume(t, here)
		w.become(t, kept, running)
		w.become(t, spent, running)
		refused(t, "attach", w.attach(t, volume, spent, "/dev/sdf"), "")
		w.await(t, volume, attached)
		refused(t, "keep what is not there", w.keep(t, kept, "/dev/sdz"), "InvalidInstanceAttributeValue")
		refused(t, "keep", w.keep(t, kept, RootDevice), "")
		for end := time.Now().Add(10 * time.Second); *w.machine(t, kept).BlockDeviceMappings[0].Ebs.DeleteOnTermination; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("its root still dies with it")
			}
		}
		root, doomed := w.root(t, kept), w.root(t, spent)
		w.Terminate(t, kept)
		w.Terminate(t, spent)
		for _, id := range []string{kept, spent} {
			if m := w.become(t, id, terminated); len(m.NetworkInterfaces) != 0 {
				t.Errorf("it has ended, and has interfaces: %+v", m.NetworkInterfaces)
			}
		}
		w.await(t, root, available)
		w.await(t, volume, available)
		_, err := w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{doomed}})
		refused(t, "look at what was not kept", codeOf(t, err), "InvalidVolume.NotFound")
		refused(t, "stop what has ended", w.stop(t, kept), "IncorrectInstanceState")
		refused(t, "start what has ended", w.start(t, kept), "IncorrectInstanceState")
		refused(t, "reboot what has ended", w.reboot(t, kept), "")
		refused(t, "keep a disk of what has ended", w.keep(t, kept, RootDevice), "IncorrectInstanceState", "InvalidInstanceAttributeValue")
		refused(t, "attach to what has ended", w.attach(t, volume, kept, "/dev/sdf"), "IncorrectState")
	})
	t.Run("status checks tell of a fault, and of its end", func(t *testing.T) {
		w := newWorld(t)
		id := w.Machine(t, here)
		w.become(t, id, running)
		w.tell(t, id, "initializing initializing", "ok ok")
		w.Fail(t, id)
		w.tell(t, id, "ok ok", "ok impaired", "impaired ok", "impaired impaired")
		if state := w.machine(t, id).State.Name; state != running {
			t.Errorf("it is %s", state)
		}
		refused(t, "reboot", w.reboot(t, id), "")
		w.tell(t, id, "", "ok ok")
		refused(t, "stop", w.stop(t, id), "")
		w.become(t, id, stopped)
		w.tell(t, id, "", "not-applicable not-applicable")
		out, err := w.Client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
		if err != nil || len(out.InstanceStatuses) != 0 {
			t.Errorf("of those that run: %+v, %v", out, err)
		}
	})
	volumes(t, newWorld)
}
