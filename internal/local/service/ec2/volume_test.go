package ec2

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/local/machine"
)

func (b bench) volume(t *testing.T, id, zone string) string {
	t.Helper()
	return b.make(t, id, "Volume", map[string]any{
		"AvailabilityZone": zone, "Size": 150, "KmsKeyId": "arn:key", "Encrypted": true,
		"Tags": []any{map[string]any{"Key": "headroom:stage", "Value": "dev"}},
	}).PhysicalID
}

func (b bench) described(t *testing.T, id string) types.Volume {
	t.Helper()
	out, err := b.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{VolumeIds: []string{id}})
	if err != nil || len(out.Volumes) != 1 {
		t.Fatalf("volumes %+v: %v", out, err)
	}
	return out.Volumes[0]
}

func (b bench) attach(t *testing.T, volume, instance, device string) error {
	t.Helper()
	_, err := b.client.AttachVolume(t.Context(), &sdk.AttachVolumeInput{VolumeId: &volume, InstanceId: &instance, Device: &device})
	return err
}

// attached waits until a volume is.
func (b bench) attached(t *testing.T, volume string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if at := b.described(t, volume).Attachments; len(at) == 1 && at[0].State == types.VolumeAttachmentStateAttached {
			return
		}
	}
	t.Fatal("it is never attached")
}

func TestAVolumeReachesItsMachineAfterAWhile(t *testing.T) {
	b := newBench(t)
	instance := b.make(t, "Machine", "Instance", nil).PhysicalID
	volume := b.volume(t, "Cache", "eu-west-1a")
	if v := b.described(t, volume); v.State != types.VolumeStateAvailable || aws.ToString(v.AvailabilityZone) != "eu-west-1a" || len(v.Tags) != 1 {
		t.Errorf("made as %+v", v)
	}
	if err := b.attach(t, volume, instance, "/dev/sdf"); err != nil {
		t.Fatal(err)
	}
	v := b.described(t, volume)
	if v.State != types.VolumeStateInUse || v.Attachments[0].State != types.VolumeAttachmentStateAttaching || aws.ToString(v.Attachments[0].InstanceId) != instance {
		t.Errorf("asked for a moment ago: %+v", v)
	}
	b.attached(t, volume)
	b.bays.mu.Lock()
	defer b.bays.mu.Unlock()
	want := machine.Disk{VolumeID: volume, Device: "/dev/sdf", SizeGiB: 150}
	if len(b.bays.disks) != 1 || b.bays.disks[0] != want {
		t.Errorf("attached %+v, want %+v", b.bays.disks, want)
	}
}

func TestARootDiskOutlivesItsMachineIfItIsTo(t *testing.T) {
	for name, test := range map[string]struct {
		ebs   map[string]any
		lives bool
	}{
		"kept":                 {map[string]any{"VolumeSize": "80", "DeleteOnTermination": false}, true},
		"not kept":             {map[string]any{"VolumeSize": "80", "DeleteOnTermination": true}, false},
		"not kept, by default": {map[string]any{"VolumeSize": "80"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			properties := map[string]any{
				"BlockDeviceMappings":             []any{map[string]any{"DeviceName": "/dev/xvda", "Ebs": test.ebs}},
				"PropagateTagsToVolumeOnCreation": true,
				"Tags":                            []any{map[string]any{"Key": "headroom:order", "Value": "abcdefgh"}},
			}
			r := declared("Machine", "Instance", properties)
			r.Tags = map[string]string{"headroom:tier": "standard"}
			created, err := b.Create(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			root := b.bays.on[created.PhysicalID].Disks
			if len(root) != 1 || !root[0].Root || root[0].SizeGiB != 80 {
				t.Fatalf("born with %+v", root)
			}
			v := b.described(t, root[0].VolumeID)
			if len(v.Tags) != 1 || aws.ToString(v.Tags[0].Key) != "headroom:order" {
				t.Errorf("it bears %v, want the machine's own tags and not its stack's", v.Tags)
			}
			cache := b.volume(t, "Cache", "eu-west-1a")
			if err := b.attach(t, cache, created.PhysicalID, "/dev/sdf"); err != nil {
				t.Fatal(err)
			}
			if err := b.Delete(t.Context(), withID(declared("Cache", "Volume", nil), cache)); code(err) != "VolumeInUse" {
				t.Errorf("delete a volume in use: %v", err)
			}
			if err := b.Delete(t.Context(), withID(r, created.PhysicalID)); err != nil {
				t.Fatal(err)
			}
			if v := b.described(t, cache); v.State != types.VolumeStateAvailable {
				t.Errorf("the cache is %s", v.State)
			}
			out, err := b.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{
				Filters: []types.Filter{{Name: aws.String("tag:headroom:order"), Values: []string{"abcdefgh"}}},
			})
			if err != nil || (len(out.Volumes) == 1) != test.lives {
				t.Errorf("root disks left: %+v, %v", out.Volumes, err)
			}
		})
	}
}

func TestAVolumeThatCannotBeMadeIsRefused(t *testing.T) {
	b := newBench(t)
	if _, err := b.Create(t.Context(), declared("Cache", "Volume", map[string]any{"Size": 150})); err == nil {
		t.Error("made without a zone")
	}
}
