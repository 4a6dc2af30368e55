package ec2

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// free waits until a volume is.
func (b bench) free(t *testing.T, volume string) {
	t.Helper()
	eventually(t, volume+" is available", func() bool { return b.described(t, volume).State == types.VolumeStateAvailable })
}

func TestTheRootOfAStoppedMachineCanBeAttachedElsewhere(t *testing.T) {
	b := newBench(t)
	old := b.make(t, "Old", "Instance", born("ami-1")).PhysicalID
	next := b.make(t, "Next", "Instance", born("ami-2")).PhysicalID
	root := b.root(t, old)
	b.reaches(t, old, types.InstanceStateNameRunning)
	wanted(t, "detach the root of a running machine", b.detach(t, root, false), "OperationNotPermitted")
	wanted(t, "detach it by force", b.detach(t, root, true), "OperationNotPermitted")
	release := b.bays.hold()
	wanted(t, "stop", b.stopInstance(t, old), "")
	wanted(t, "detach it while the machine stops", b.detach(t, root, false), "IncorrectState")
	release()
	b.reaches(t, old, types.InstanceStateNameStopped)
	out, err := b.client.DetachVolume(t.Context(), &sdk.DetachVolumeInput{VolumeId: &root})
	if err != nil || out.State != types.VolumeAttachmentStateDetaching {
		t.Fatalf("detached as %+v: %v", out, err)
	}
	b.free(t, root)
	wanted(t, "detach it again", b.detach(t, root, false), "IncorrectState")
	wanted(t, "start a machine without a root", b.startInstance(t, old), "InvalidParameterValue")
	wanted(t, "stop the next", b.stopInstance(t, next), "")
	b.reaches(t, next, types.InstanceStateNameStopped)
	wanted(t, "attach it to the next", b.attach(t, root, next, "/dev/sdf"), "")
	b.attached(t, root)
	wanted(t, "start the next", b.startInstance(t, next), "")
	b.reaches(t, next, types.InstanceStateNameRunning)
	m, _ := b.bays.machine(next)
	if len(m.Disks) != 2 || m.Disks[0].VolumeID != root || m.Disks[0].Root || !m.Disks[1].Root {
		t.Errorf("it started with %+v", m.Disks)
	}
}

func TestADiskInUseIsBusyUntilItsMachineStops(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	cache := b.volume(t, "Cache", "eu-west-1a")
	b.reaches(t, id, types.InstanceStateNameRunning)
	wanted(t, "attach", b.attach(t, cache, id, "/dev/sdf"), "")
	b.attached(t, cache)
	b.bays.uses(cache)
	wanted(t, "detach", b.detach(t, cache, false), "")
	eventually(t, "it is busy", func() bool {
		at := b.described(t, cache).Attachments
		return len(at) == 1 && at[0].State == types.VolumeAttachmentStateBusy
	})
	wanted(t, "stop", b.stopInstance(t, id), "")
	b.free(t, cache)
	if forced := b.Forced(); len(forced) != 0 {
		t.Errorf("by force: %v", forced)
	}
}

func TestADiskTakenByForceIsRecorded(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	cache := b.volume(t, "Cache", "eu-west-1a")
	b.reaches(t, id, types.InstanceStateNameRunning)
	wanted(t, "attach", b.attach(t, cache, id, "/dev/sdf"), "")
	b.attached(t, cache)
	b.bays.uses(cache)
	wanted(t, "detach", b.detach(t, cache, true), "")
	b.free(t, cache)
	if forced := b.Forced(); !slices.Equal(forced, []string{cache}) {
		t.Errorf("by force: %v", forced)
	}
}

func TestADeletedVolumeIsGoneWithWhatIsOnIt(t *testing.T) {
	b := newBench(t)
	cache := b.volume(t, "Cache", "eu-west-1a")
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	wanted(t, "attach", b.attach(t, cache, id, "/dev/sdf"), "")
	remove := func() error {
		_, err := b.client.DeleteVolume(t.Context(), &sdk.DeleteVolumeInput{VolumeId: &cache})
		return err
	}
	wanted(t, "delete it in use", remove(), "VolumeInUse")
	b.attached(t, cache)
	wanted(t, "detach", b.detach(t, cache, false), "")
	b.free(t, cache)
	wanted(t, "delete", remove(), "")
	wanted(t, "delete it again", remove(), "InvalidVolume.NotFound")
	if !slices.Contains(b.bays.gone(), cache) {
		t.Error("what is on it is kept")
	}
}

func TestTagsOfDisksAndMachinesChange(t *testing.T) {
	b := newBench(t)
	cache := b.volume(t, "Cache", "eu-west-1a")
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	tag := func(resources ...string) error {
		_, err := b.client.CreateTags(t.Context(), &sdk.CreateTagsInput{Resources: resources, Tags: []types.Tag{{Key: aws.String("headroom:kept"), Value: aws.String("term")}}})
		return err
	}
	wanted(t, "tag", tag(cache, id), "")
	wanted(t, "tag one that there is not", tag(cache, "vol-0123456789abcdef0"), "InvalidVolume.NotFound")
	wanted(t, "tag what has no kind", tag("thing"), "InvalidID")
	byTag := []types.Filter{{Name: aws.String("tag:headroom:kept"), Values: []string{"term"}}}
	found, err := b.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{Filters: byTag})
	if err != nil || len(found.Volumes) != 1 || len(found.Volumes[0].Tags) != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err = b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: byTag}); err != nil {
		t.Error(err)
	}
	if got := b.Tags("arn:aws:ec2:eu-west-1:123456789012:instance/" + id); got["headroom:kept"] != "term" {
		t.Errorf("policies see %v", got)
	}
	_, err = b.client.DeleteTags(t.Context(), &sdk.DeleteTagsInput{Resources: []string{cache}, Tags: []types.Tag{{Key: aws.String("headroom:kept"), Value: aws.String("another")}}})
	if err != nil || b.Tags("volume/" + cache)["headroom:kept"] == "" {
		t.Errorf("a tag with another value is gone: %v", err)
	}
	_, err = b.client.DeleteTags(t.Context(), &sdk.DeleteTagsInput{Resources: []string{cache}, Tags: []types.Tag{{Key: aws.String("headroom:kept")}}})
	if err != nil || len(b.described(t, cache).Tags) != 1 {
		t.Errorf("the tag is still there: %v", err)
	}
	_, err = b.client.CreateTags(t.Context(), &sdk.CreateTagsInput{Resources: []string{cache}, Tags: []types.Tag{{Key: aws.String("aws:mine"), Value: aws.String("")}}})
	wanted(t, "a tag of AWS's", err, "InvalidParameterValue")
}

func TestAMachineOfAnotherTypeIsStoppedAndStarted(t *testing.T) {
	b := newBench(t)
	before := declared("Machine", "Instance", map[string]any{"InstanceType": "m6i.xlarge"})
	created, err := b.Create(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	before = withID(before, created.PhysicalID)
	after := withID(declared("Machine", "Instance", map[string]any{"InstanceType": "m6i.2xlarge"}), created.PhysicalID)
	if _, err := b.Update(t.Context(), before, after); err != nil {
		t.Fatal(err)
	}
	if b.bays.started() != 2 {
		t.Errorf("started %d times", b.bays.started())
	}
	eventually(t, "it has its type", func() bool { return b.instance(t, created.PhysicalID).InstanceType == types.InstanceTypeM6i2xlarge })
}
