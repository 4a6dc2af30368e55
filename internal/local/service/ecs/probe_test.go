package ecs

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/local/machine"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/resource"
)

func TestATaskReadsAShareFromItsOwnAddress(t *testing.T) {
	w := newWorld(t)
	device := w.share(t)
	server := netip.AddrPortFrom(device.Address(), nfsPort).String()
	arn, stranger := w.run(t, w.input("probe="+server+",/share,file")), w.run(t, w.input("probe="+server+",/share,file"))
	now := w.become(t, arn, "RUNNING")
	w.become(t, stranger, "RUNNING") // so both have an address
	own := netip.MustParseAddr(aws.ToString(now.Containers[0].NetworkInterfaces[0].PrivateIpv4Address))
	open := appliance.Share{ID: "share-1", Name: "share", Bucket: appliance.Bucket{Name: "bucket"}, Clients: []netip.Prefix{netip.PrefixFrom(own, 32)}}
	if err := device.Export(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	w.become(t, arn, "STOPPED")
	if said := w.said(t, arn); !slices.Equal(said, []string{"read: left behind"}) {
		t.Errorf("it said %q", said)
	}
	if said := w.said(t, stranger); len(said) != 0 { // it tries for longer than that
		t.Errorf("the other task said %q", said)
	}
}

func TestATaskIsBehindSecurityGroups(t *testing.T) {
	w := newWorld(t)
	device := w.share(t)
	server := netip.AddrPortFrom(device.Address(), nfsPort).String()
	everybody := appliance.Share{ID: "share-1", Name: "share", Bucket: appliance.Bucket{Name: "bucket"}, Clients: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	if err := device.Export(t.Context(), everybody); err != nil {
		t.Fatal(err)
	}
	outside := w.input("probe=" + server + ",/share,file")
	outside.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{w.stack(t, "Strangers", "SecurityGroup", map[string]any{"GroupDescription": "others"}).PhysicalID}
	refused := w.run(t, outside)
	let := w.run(t, w.input("probe="+server+",/share,file"))
	w.become(t, let, "STOPPED")
	if said := w.said(t, let); !slices.Equal(said, []string{"read: left behind"}) {
		t.Errorf("a member of the group that is let in said %q", said)
	}
	if now := w.become(t, refused, "RUNNING"); len(w.said(t, refused)) != 0 {
		t.Errorf("a member of another group said %q: %+v", w.said(t, refused), now)
	}
}

// share is an appliance whose firewall lets the tasks' group mount, and its page all of this machine.
func (w *world) share(t *testing.T) *appliance.Appliance {
	t.Helper()
	group := w.stack(t, "Gateway", "SecurityGroup", map[string]any{"GroupDescription": "gateway"}).PhysicalID
	w.stack(t, "Page", "SecurityGroupIngress", map[string]any{"GroupId": group, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "127.0.0.0/8"})
	w.stack(t, "NFS", "SecurityGroupIngress", map[string]any{
		"GroupId": group, "IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "SourceSecurityGroupId": w.group,
	})
	instance := w.stack(t, "Machine", "Instance", map[string]any{"SecurityGroupIds": []any{group}}).PhysicalID
	var device *appliance.Appliance
	eventually(t, "the appliance gives its key", func() bool {
		var ok bool
		if device, ok = w.fleet.ByInstance(instance); !ok {
			return false
		}
		key := activationKey(t, device.Address())
		if key == "" {
			return false
		}
		_, err := device.Activate(key, "eu-west-1", "sgw-12345678")
		return err == nil
	})
	eventually(t, "the appliance runs", device.Connected)
	err := w.fleet.Attach(t.Context(), instance, machine.Disk{VolumeID: "vol-cache", Device: "/dev/sdf", SizeGiB: 150})
	if err == nil {
		err = device.AddCache([]string{device.Disks()[0].ID})
	}
	if err != nil {
		t.Fatal(err)
	}
	return device
}

// activationKey asks an appliance's page; empty when it gives none.
func activationKey(t *testing.T, of netip.Addr) string {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d/?activationRegion=eu-west-1", of, activationPort), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return location.Query().Get("activationKey")
}

// stack makes a resource of EC2.
func (w *world) stack(t *testing.T, id, kind string, properties map[string]any) resource.Created {
	t.Helper()
	made, err := w.machines.Create(t.Context(), resource.Resource{
		StackID: "stack", StackName: "Headroom-dev", LogicalID: id, Type: "AWS::EC2::" + kind, Properties: properties,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// remainder is a bucket with one file in it.
type remainder struct{}

func (remainder) Put(context.Context, appliance.Bucket, string, []byte) error { return nil }
func (remainder) Delete(context.Context, appliance.Bucket, string) error      { return nil }
func (remainder) Keys(context.Context, appliance.Bucket) ([]string, error) {
	return []string{"file"}, nil
}

func (remainder) Get(context.Context, appliance.Bucket, string) ([]byte, error) {
	return []byte("left behind"), nil
}
