package ec2

import (
	"net/netip"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/local/resource"
)

// withID is a resource that was made.
func withID(r resource.Resource, id string) resource.Resource {
	r.PhysicalID = id
	return r
}

// freed waits until an interface is.
func (b bench) freed(t *testing.T, id string) {
	t.Helper()
	eventually(t, "interface "+id+" is free", func() bool {
		out, err := b.client.DescribeNetworkInterfaces(t.Context(), &sdk.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})
		return err == nil && out.NetworkInterfaces[0].Status == types.NetworkInterfaceStatusAvailable
	})
}

func onInterface(id string) map[string]any {
	return map[string]any{"NetworkInterfaces": []any{map[string]any{"NetworkInterfaceId": id, "DeviceIndex": "0"}}}
}

func TestAnAddressOutlivesItsMachine(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"AvailabilityZone": "eu-west-1b", "VpcId": "vpc-1"}).PhysicalID
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g"}).PhysicalID
	nic := b.make(t, "Interface", "NetworkInterface", map[string]any{"SubnetId": subnet, "GroupSet": []any{group}})
	address := nic.Attributes["PrimaryPrivateIpAddress"]
	if address != "127.10.0.1" || nic.Attributes["VpcId"] != "vpc-1" {
		t.Errorf("made with %v", nic.Attributes)
	}

	first := b.make(t, "First", "Instance", onInterface(nic.PhysicalID))
	if first.Attributes["PrivateIp"] != address || first.Attributes["AvailabilityZone"] != "eu-west-1b" || first.Attributes["VpcId"] != "vpc-1" {
		t.Errorf("the machine has %v", first.Attributes)
	}
	if err := b.authorize(t, group, "10.0.0.7/32", 2049); err != nil {
		t.Fatal(err)
	}
	b.propagate()
	if client := netip.MustParseAddr("10.0.0.7"); !b.bays.on[first.PhysicalID].Permits(2049, client) || b.bays.on[first.PhysicalID].Permits(111, client) {
		t.Error("the machine is not behind its interface's group")
	}
	if _, err := b.Create(t.Context(), declared("Second", "Instance", onInterface(nic.PhysicalID))); code(err) != "InvalidNetworkInterface.InUse" {
		t.Errorf("a second machine on the interface: %v", err)
	}
	used := withID(declared("Interface", "NetworkInterface", nil), nic.PhysicalID)
	if err := b.Delete(t.Context(), used); code(err) != "InvalidNetworkInterface.InUse" {
		t.Errorf("delete an interface in use: %v", err)
	}
	if err := b.Delete(t.Context(), withID(declared("Group", "SecurityGroup", nil), group)); err == nil {
		t.Error("deleted a group that an interface is in")
	}

	if err := b.Delete(t.Context(), withID(declared("First", "Instance", nil), first.PhysicalID)); err != nil {
		t.Fatal(err)
	}
	if other := b.make(t, "Other", "Instance", nil); other.Attributes["PrivateIp"] == address {
		t.Error("another machine got the address meanwhile")
	}
	b.freed(t, nic.PhysicalID)
	second := b.make(t, "Second", "Instance", onInterface(nic.PhysicalID))
	if second.PhysicalID == first.PhysicalID || second.Attributes["PrivateIp"] != address {
		t.Errorf("the next machine has %v, want %v", second.Attributes, address)
	}
	if err := b.Delete(t.Context(), withID(declared("Second", "Instance", nil), second.PhysicalID)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	if b.bays.held[netip.MustParseAddr(address.(string))] {
		t.Error("the address is held for nobody")
	}
}

func TestAnInterfaceIsInUseForAMomentAfterItsMachine(t *testing.T) {
	b := newBench(t)
	b.set(func(c *Config) { c.Release = time.Hour })
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"VpcId": "vpc-1"}).PhysicalID
	nic := b.make(t, "Interface", "NetworkInterface", map[string]any{"SubnetId": subnet}).PhysicalID
	first := b.make(t, "First", "Instance", onInterface(nic)).PhysicalID
	if err := b.Delete(t.Context(), withID(declared("First", "Instance", nil), first)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(t.Context(), declared("Second", "Instance", onInterface(nic))); code(err) != "InvalidNetworkInterface.InUse" {
		t.Errorf("its interface was free at once: %v", err)
	}
}

func TestAnInterfaceThatCannotBeIsRefused(t *testing.T) {
	b := newBench(t)
	if _, err := b.Create(t.Context(), declared("Interface", "NetworkInterface", map[string]any{"SubnetId": "subnet-none"})); err == nil {
		t.Error("made in no subnet")
	}
	if _, err := b.Create(t.Context(), declared("Machine", "Instance", onInterface("eni-none"))); code(err) != "InvalidNetworkInterfaceID.NotFound" {
		t.Errorf("launched on no interface: %v", err)
	}
	both := onInterface("eni-none")
	both["SubnetId"] = "subnet-1"
	if _, err := b.Create(t.Context(), declared("Machine", "Instance", both)); code(err) != "InvalidParameterCombination" {
		t.Errorf("launched on an interface and in a subnet: %v", err)
	}
	out, err := b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	if err != nil || len(out.Reservations) != 0 {
		t.Errorf("left behind %+v, %v", out, err)
	}
}
