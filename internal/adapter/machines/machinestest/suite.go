package machinestest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// EC2 is what is used of it.
type EC2 interface {
	DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, opts ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	DescribeInstanceStatus(ctx context.Context, in *ec2.DescribeInstanceStatusInput, opts ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error)
	RebootInstances(ctx context.Context, in *ec2.RebootInstancesInput, opts ...func(*ec2.Options)) (*ec2.RebootInstancesOutput, error)
	StopInstances(ctx context.Context, in *ec2.StopInstancesInput, opts ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	StartInstances(ctx context.Context, in *ec2.StartInstancesInput, opts ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
	ModifyInstanceAttribute(ctx context.Context, in *ec2.ModifyInstanceAttributeInput, opts ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error)
	DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput, opts ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
	AttachVolume(ctx context.Context, in *ec2.AttachVolumeInput, opts ...func(*ec2.Options)) (*ec2.AttachVolumeOutput, error)
	DetachVolume(ctx context.Context, in *ec2.DetachVolumeInput, opts ...func(*ec2.Options)) (*ec2.DetachVolumeOutput, error)
	DeleteVolume(ctx context.Context, in *ec2.DeleteVolumeInput, opts ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error)
	CreateTags(ctx context.Context, in *ec2.CreateTagsInput, opts ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// World is an EC2 and who changes it from outside of what is tested.
type World struct {
	Client    EC2
	Volume    func(t *testing.T, zone string) string // makes one that is available
	Machine   func(t *testing.T, zone string) string // makes one that runs, with a root at RootDevice that dies with it
	Pending   func(t *testing.T, zone string) string // makes one that does not run yet
	Terminate func(t *testing.T, machine string)     // ends one, which is told of for some time
	Fail      func(t *testing.T, machine string)     // has one fail a status check until it is rebooted
}

// The zones that a world has.
const (
	here  = "eu-west-1a"
	there = "eu-west-1b"
)

func (w World) look(t *testing.T, volume string) types.Volume {
	t.Helper()
	out, err := w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{volume}})
	if err != nil || len(out.Volumes) != 1 {
		t.Fatalf("look at %s: %+v, %v", volume, out, err)
	}
	return out.Volumes[0]
}

func (w World) attach(t *testing.T, volume, machine, device string) string {
	t.Helper()
	_, err := w.Client.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &machine, Device: &device})
	return codeOf(t, err)
}

// codeOf is the code of an AWS error; empty if there is no error.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	if err != nil && !errors.As(err, &api) {
		t.Fatalf("no answer of AWS's: %v", err)
	}
	if err == nil {
		return ""
	}
	return api.ErrorCode()
}

// await waits until a volume is in a state.
func (w World) await(t *testing.T, volume string, is func(types.Volume) bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if is(w.look(t, volume)) {
			return
		}
	}
	t.Fatalf("volume %s stays %+v", volume, w.look(t, volume))
}

func attached(v types.Volume) bool {
	return len(v.Attachments) == 1 && v.Attachments[0].State == types.VolumeAttachmentStateAttached
}

// Suite is what each EC2 does.
func Suite(t *testing.T, newWorld func(t *testing.T) World) {
	refused := func(t *testing.T, what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	t.Run("an attachment takes a while", func(t *testing.T) {
		w := newWorld(t)
		volume, machine, other := w.Volume(t, here), w.Machine(t, here), w.Machine(t, here)
		if v := w.look(t, volume); v.State != types.VolumeStateAvailable || *v.AvailabilityZone != here || len(v.Attachments) != 0 {
			t.Errorf("a new volume is %+v", v)
		}
		refused(t, "attach", w.attach(t, volume, machine, "/dev/sdf"), "")
		v := w.look(t, volume)
		if v.State != types.VolumeStateInUse || len(v.Attachments) != 1 || v.Attachments[0].State != types.VolumeAttachmentStateAttaching {
			t.Errorf("it is %+v at once", v)
		}
		refused(t, "attach again meanwhile", w.attach(t, volume, machine, "/dev/sdf"), "VolumeInUse")
		w.await(t, volume, attached)
		if at := w.look(t, volume).Attachments[0]; *at.InstanceId != machine || *at.Device != "/dev/sdf" {
			t.Errorf("attached %+v", at)
		}
		refused(t, "attach again", w.attach(t, volume, machine, "/dev/sdf"), "VolumeInUse")
		refused(t, "attach elsewhere", w.attach(t, volume, other, "/dev/sdf"), "VolumeInUse")
	})
	t.Run("what is not there", func(t *testing.T) {
		w := newWorld(t)
		const none = "0123456789abcdef0"
		_, err := w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{"vol-" + none}})
		refused(t, "look at no volume", codeOf(t, err), "InvalidVolume.NotFound")
		refused(t, "attach no volume", w.attach(t, "vol-"+none, w.Machine(t, here), "/dev/sdf"), "InvalidVolume.NotFound")
		refused(t, "attach to no machine", w.attach(t, w.Volume(t, here), "i-"+none, "/dev/sdf"), "InvalidInstanceID.NotFound")
	})
	t.Run("a machine that does not run", func(t *testing.T) {
		w := newWorld(t)
		volume := w.Volume(t, here)
		refused(t, "attach", w.attach(t, volume, w.Pending(t, here), "/dev/sdf"), "IncorrectState")
		if v := w.look(t, volume); v.State != types.VolumeStateAvailable {
			t.Errorf("the volume is %s", v.State)
		}
	})
	t.Run("another zone", func(t *testing.T) {
		w := newWorld(t)
		refused(t, "attach", w.attach(t, w.Volume(t, there), w.Machine(t, here), "/dev/sdf"), "InvalidVolume.ZoneMismatch")
		refused(t, "attach there", w.attach(t, w.Volume(t, there), w.Machine(t, there), "/dev/sdf"), "")
	})
	t.Run("a device that is taken", func(t *testing.T) {
		w := newWorld(t)
		machine := w.Machine(t, here)
		refused(t, "attach", w.attach(t, w.Volume(t, here), machine, "/dev/sdf"), "")
		refused(t, "attach another one there", w.attach(t, w.Volume(t, here), machine, "/dev/sdf"), "InvalidParameterValue")
		refused(t, "attach another one elsewhere", w.attach(t, w.Volume(t, here), machine, "/dev/sdg"), "")
	})
	t.Run("a machine that ends leaves its volume to the next", func(t *testing.T) {
		w := newWorld(t)
		volume, machine := w.Volume(t, here), w.Machine(t, here)
		refused(t, "attach", w.attach(t, volume, machine, "/dev/sdf"), "")
		w.await(t, volume, attached)
		w.Terminate(t, machine)
		w.await(t, volume, func(v types.Volume) bool { return v.State == types.VolumeStateAvailable })
		refused(t, "attach to the next", w.attach(t, volume, w.Machine(t, here), "/dev/sdf"), "")
		w.await(t, volume, attached)
	})
}
