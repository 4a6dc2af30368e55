package storagegateway

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/nfsclient"
)

// state waits until a machine is in a state.
func (w *world) state(t *testing.T, instance string, want ec2types.InstanceStateName) {
	t.Helper()
	eventually(t, instance+" is "+string(want), func() bool {
		out, err := w.ec2.DescribeInstances(t.Context(), &sdkec2.DescribeInstancesInput{InstanceIds: []string{instance}})
		return err == nil && out.Reservations[0].Instances[0].State.Name == want
	})
}

func (w *world) halt(t *testing.T, instance string) {
	t.Helper()
	if _, err := w.ec2.StopInstances(t.Context(), &sdkec2.StopInstancesInput{InstanceIds: []string{instance}}); err != nil {
		t.Fatal(err)
	}
	w.state(t, instance, ec2types.InstanceStateNameStopped)
}

func (w *world) boot(t *testing.T, instance string) {
	t.Helper()
	if _, err := w.ec2.StartInstances(t.Context(), &sdkec2.StartInstancesInput{InstanceIds: []string{instance}}); err != nil {
		t.Fatal(err)
	}
	w.state(t, instance, ec2types.InstanceStateNameRunning)
}

// volume waits until a volume is in a state.
func (w *world) volume(t *testing.T, id string, want ec2types.VolumeState) {
	t.Helper()
	eventually(t, id+" is "+string(want), func() bool {
		out, err := w.ec2.DescribeVolumes(t.Context(), &sdkec2.DescribeVolumesInput{VolumeIds: []string{id}})
		v := out.Volumes[0]
		return err == nil && v.State == want && (len(v.Attachments) == 0 || v.Attachments[0].State == ec2types.VolumeAttachmentStateAttached)
	})
}

func (w *world) detach(t *testing.T, volume string) {
	t.Helper()
	if _, err := w.ec2.DetachVolume(t.Context(), &sdkec2.DetachVolumeInput{VolumeId: &volume}); err != nil {
		t.Fatal(err)
	}
	w.volume(t, volume, ec2types.VolumeStateAvailable)
}

func (w *world) attach(t *testing.T, volume, instance, device string) {
	t.Helper()
	_, err := w.ec2.AttachVolume(t.Context(), &sdkec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &instance, Device: &device})
	if err != nil {
		t.Fatal(err)
	}
	w.volume(t, volume, ec2types.VolumeStateInUse)
}

// connected waits until a gateway is, and returns what is told of it.
func (w *world) connected(t *testing.T, arn string) (told *sdk.DescribeGatewayInformationOutput) {
	t.Helper()
	eventually(t, "the gateway is connected", func() bool {
		var err error
		told, err = w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: &arn})
		return err == nil
	})
	return told
}

// measured are the metrics of the one gateway, by name.
func (w *world) measured() map[string]float64 {
	values := map[string]float64{}
	w.fake.Measure(func(id, name, metric, _ string, value float64) {
		if !strings.HasPrefix(id, "sgw-") || name != "share-standard-1" {
			metric = id + name
		}
		values[metric] = value
	})
	return values
}

func TestAGatewayIsReplacedThroughTheAPIs(t *testing.T) {
	w := newWorld(t, "127.78.64.0/24")
	client := netip.MustParseAddr("127.30.0.9")
	arn := w.cached(t)
	shareARN := w.share(t, arn, "a", client.String())
	_, err := w.ec2.AuthorizeSecurityGroupIngress(t.Context(), &sdkec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &w.group, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2049), ToPort: aws.Int32(2049), CidrIp: aws.String(client.String() + "/32"),
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(40 * time.Millisecond) // until the rule is in force
	if err := w.write(t, client, "before"); err != nil {
		t.Fatal(err)
	}

	out, err := w.ec2.DescribeInstances(t.Context(), &sdkec2.DescribeInstancesInput{InstanceIds: []string{w.instance}})
	if err != nil {
		t.Fatal(err)
	}
	root := *out.Reservations[0].Instances[0].BlockDeviceMappings[1].Ebs.VolumeId
	if *out.Reservations[0].Instances[0].BlockDeviceMappings[1].DeviceName != "/dev/xvda" {
		t.Fatalf("mapped %+v", out.Reservations[0].Instances[0].BlockDeviceMappings)
	}
	w.halt(t, w.instance)
	if _, err := w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: &arn}); inner(err) != "GatewayNotConnected" {
		t.Errorf("its machine is stopped: %v", err)
	}
	if values := w.measured(); len(values) != 0 {
		t.Errorf("its machine is stopped, and it sends %v", values)
	}
	w.detach(t, w.cache)
	w.detach(t, root)
	if _, err := w.ec2.TerminateInstances(t.Context(), &sdkec2.TerminateInstancesInput{InstanceIds: []string{w.instance}}); err != nil {
		t.Fatal(err)
	}
	w.state(t, w.instance, ec2types.InstanceStateNameTerminated)

	next := w.stack("Next", "AWS::EC2::Instance", map[string]any{"ImageId": "ami-2", "SecurityGroupIds": []any{w.group}})
	w.address = netip.MustParseAddr(next.Attributes["PrivateIp"].(string))
	w.attach(t, root, next.PhysicalID, "/dev/sdf")
	w.attach(t, w.cache, next.PhysicalID, "/dev/sdg")
	eventually(t, "the gateway is imported", func() bool {
		return strings.Contains(w.migrate(t, arn), "Successfully imported Storage Gateway information")
	})
	w.connected(t, arn)
	w.halt(t, next.PhysicalID)
	w.detach(t, root)
	w.boot(t, next.PhysicalID)
	told := w.connected(t, arn)
	if *told.GatewayState != "RUNNING" || *told.GatewayNetworkInterfaces[0].Ipv4Address != w.address.String() || *told.SoftwareVersion != "2.0.0" || told.DeprecationDate != nil {
		t.Errorf("told %+v", told)
	}
	if got := w.describe(t, shareARN).status(); got != "AVAILABLE" {
		t.Errorf("the share is %s", got)
	}
	if err := w.write(t, client, "after"); err != nil {
		t.Error(err)
	}
	if values := w.measured(); values["AvailabilityNotifications"] != 1 || values["CachePercentDirty"] == 0 {
		t.Errorf("it sends %v", values)
	}
	if values := w.measured(); values["AvailabilityNotifications"] != 0 {
		t.Errorf("it tells again of its start: %v", values)
	}
}

// migrate asks the new appliance to take the gateway over.
func (w *world) migrate(t *testing.T, gatewayARN string) string {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	id := gatewayARN[strings.LastIndex(gatewayARN, "/")+1:]
	response, err := client.Get(fmt.Sprintf("http://%s:%d/migrate?gatewayId=%s", w.address, testPage, id))
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

// write mounts the share and writes a file.
func (w *world) write(t *testing.T, from netip.Addr, name string) error {
	t.Helper()
	client, err := nfsclient.Dial(t.Context(), w.server(), from, "/a")
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return client.WriteFile(t.Context(), name, []byte("written"))
}

// What is deleted by force while the gateway is away does not come back with it.
func TestAShareThatWasDeletedByForceStaysAway(t *testing.T) {
	w := newWorld(t, "127.78.65.0/24")
	arn := w.cached(t)
	shareARN := w.share(t, arn, "a", "127.30.0.9")
	w.halt(t, w.instance)
	_, err := w.sgw.DeleteFileShare(t.Context(), &sdk.DeleteFileShareInput{FileShareARN: &shareARN, ForceDelete: true})
	if err != nil {
		t.Fatal(err)
	}
	w.boot(t, w.instance)
	w.connected(t, arn)
	device, _ := w.fleet.ByInstance(w.instance)
	eventually(t, "the share is gone", func() bool { return len(device.Shares()) == 0 })
}

func TestAGatewayTellsHowItIs(t *testing.T) {
	w := newWorld(t, "127.78.66.0/24")
	arn := w.activate(t)
	device, _ := w.fleet.ByInstance(w.instance)
	if values := w.measured(); !maps.Equal(values, map[string]float64{"IoWaitPercent": 0, "FilesFailingUpload": 0, "CloudBytesUploaded": 0, "ReadBytes": 0, "WriteBytes": 0}) {
		t.Errorf("well, it sends %v", values)
	}
	device.Ail(appliance.Vitals{IoWait: 30, Health: 2})
	if values := w.measured(); values["IoWaitPercent"] != 30 || values["HealthNotifications"] != 2 {
		t.Errorf("unwell, it sends %v", values)
	}
	if err := w.fleet.Fail(w.instance, appliance.Fault{}); err != nil {
		t.Fatal(err)
	}
	if values := w.measured(); len(values) != 0 {
		t.Errorf("dead, it sends %v", values)
	}
	if _, err := w.ec2.RebootInstances(t.Context(), &sdkec2.RebootInstancesInput{InstanceIds: []string{w.instance}}); err != nil {
		t.Fatal(err)
	}
	w.connected(t, arn)
	if values := w.measured(); values["AvailabilityNotifications"] != 1 {
		t.Errorf("rebooted, it sends %v", values)
	}
}
