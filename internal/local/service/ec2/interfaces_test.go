package ec2

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// interfaces asks for interfaces by a filter and its value, for none without one.
func (b bench) interfaces(t *testing.T, filter ...string) []types.NetworkInterface {
	t.Helper()
	in := &sdk.DescribeNetworkInterfacesInput{}
	if len(filter) > 0 {
		in.Filters = []types.Filter{{Name: &filter[0], Values: filter[1:]}}
	}
	out, err := b.client.DescribeNetworkInterfaces(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.NetworkInterfaces
}

func TestInterfacesAreDescribed(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"AvailabilityZone": "eu-west-1b", "VpcId": "vpc-1"}).PhysicalID
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g", "GroupName": "gateways"}).PhysicalID
	id := b.make(t, "Interface", "NetworkInterface", map[string]any{
		"SubnetId": subnet, "GroupSet": []any{group}, "Description": "a gateway's",
		"Tags": []any{map[string]any{"Key": "headroom:stage", "Value": "dev"}},
	}).PhysicalID
	if all := b.interfaces(t); len(all) != 1 || all[0].Status != types.NetworkInterfaceStatusAvailable || all[0].Attachment != nil {
		t.Errorf("without a machine: %+v", all)
	}
	machine := b.make(t, "Machine", "Instance", onInterface(id)).PhysicalID
	own := b.make(t, "Other", "Instance", nil).PhysicalID

	all := b.interfaces(t)
	if len(all) != 2 {
		t.Fatalf("%d interfaces, want that of the template, and the one that was born with a machine", len(all))
	}
	for _, want := range []struct {
		filter  []string
		machine string
	}{
		{[]string{"network-interface-id", id}, machine},
		{[]string{"private-ip-address", "127.10.0.1"}, machine},
		{[]string{"addresses.private-ip-address", "127.10.0.1"}, machine},
		{[]string{"subnet-id", subnet}, machine},
		{[]string{"vpc-id", "vpc-1"}, machine},
		{[]string{"availability-zone", "eu-west-1b"}, machine},
		{[]string{"group-id", "sg-none", group}, machine},
		{[]string{"description", "a gateway's"}, machine},
		{[]string{"tag:headroom:stage", "dev"}, machine},
		{[]string{"tag-key", "headroom:stage"}, machine},
		{[]string{"attachment.instance-id", own}, own},
		{[]string{"tag:headroom:stage", "prod"}, ""},
		{[]string{"status", "available"}, ""},
	} {
		found := b.interfaces(t, want.filter...)
		if want.machine == "" {
			if len(found) > 0 {
				t.Errorf("%v finds %+v", want.filter, found)
			}
			continue
		}
		if len(found) != 1 || aws.ToString(found[0].Attachment.InstanceId) != want.machine {
			t.Errorf("%v finds %+v, want that of %s", want.filter, found, want.machine)
		}
	}
	of := b.interfaces(t, "network-interface-id", id)[0]
	if of.Status != types.NetworkInterfaceStatusInUse || of.Attachment.Status != types.AttachmentStatusAttached || aws.ToBool(of.Attachment.DeleteOnTermination) ||
		!of.Attachment.AttachTime.Equal(*b.now.Load()) {
		t.Errorf("in use: %+v", of)
	}
	if len(of.Groups) != 1 || aws.ToString(of.Groups[0].GroupName) != "gateways" || len(of.PrivateIpAddresses) != 1 || !aws.ToBool(of.PrivateIpAddresses[0].Primary) {
		t.Errorf("described as %+v", of)
	}

	_, err := b.client.DescribeNetworkInterfaces(t.Context(), &sdk.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id, "eni-0"}})
	if code(err) != "InvalidNetworkInterfaceID.NotFound" {
		t.Errorf("one that is not there: %v", err)
	}
	_, err = b.client.DescribeNetworkInterfaces(t.Context(), &sdk.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"red"}}}})
	if code(err) != "InvalidParameterValue" {
		t.Errorf("a filter that there is not: %v", err)
	}
}
