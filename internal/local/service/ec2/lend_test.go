package ec2

import (
	"errors"
	"net/netip"
	"testing"

	"headroom/internal/local/endpoint"
)

func TestALentInterfaceIsAMemberOfItsGroup(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"AvailabilityZone": "eu-west-1b", "VpcId": "vpc-1"}).PhysicalID
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "tasks, and functions"}).PhysicalID
	share := b.make(t, "Share", "SecurityGroup", map[string]any{"GroupDescription": "share"}).PhysicalID
	b.make(t, "Rule", "SecurityGroupIngress", map[string]any{
		"GroupId": share, "IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "SourceSecurityGroupId": group,
	})
	b.propagate()
	lent, err := b.Lend(subnet, []string{group})
	if err != nil {
		t.Fatal(err)
	}
	if lent.Subnet != subnet || lent.Zone != "eu-west-1b" || !b.Permits([]string{share}, 2049, lent.Address) {
		t.Errorf("lent %+v, and kept it out", lent)
	}
	if !b.Permits([]string{share}, 2049, netip.MustParseAddr("127.0.0.1")) {
		t.Error("functions are kept out while a task runs")
	}
	other, err := b.Lend(subnet, nil)
	if err != nil || other.Address == lent.Address || b.Permits([]string{share}, 2049, other.Address) {
		t.Errorf("lent %+v too, %v", other, err)
	}
	if err := b.Delete(t.Context(), withID(declared("Group", "SecurityGroup", nil), group)); err == nil {
		t.Error("deleted a group that a lent interface is in")
	}
	for range 2 {
		if err := b.GiveBack(lent.ID); err != nil {
			t.Error(err)
		}
	}
	if b.Permits([]string{share}, 2049, lent.Address) {
		t.Error("the address of a task that has ended is let in")
	}
	if next, err := b.Lend(subnet, []string{group}); err != nil || next.Address != lent.Address {
		t.Errorf("the next has %+v, %v", next, err)
	}
}

func TestAnInterfaceIsLentWhereThereIsANetwork(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"AvailabilityZone": "eu-west-1b"}).PhysicalID
	if _, err := b.Lend("subnet-none", nil); err == nil {
		t.Error("lent in no subnet")
	}
	if _, err := b.Lend(subnet, []string{"sg-none"}); err == nil {
		t.Error("lent in no group")
	}
	for _, test := range []struct {
		subnets, groups []string
		want            string
	}{
		{[]string{subnet, "subnet-none"}, nil, "InvalidSubnetID.NotFound"},
		{[]string{subnet}, []string{"sg-none"}, "InvalidGroup.NotFound"},
		{[]string{subnet}, nil, ""},
	} {
		if err := b.CheckNetwork(test.subnets, test.groups); (err == nil) != (test.want == "") || refusal(err) != test.want {
			t.Errorf("%v, %v: %v", test.subnets, test.groups, err)
		}
	}
}

// refusal is the code of a refusal by the service itself.
func refusal(err error) string {
	var refused *endpoint.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
