package local_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// writes reports whether a role may write a bucket.
func (h *host) writes(role, bucket string) bool {
	if _, there := h.Policies.Role(role); !there {
		return false
	}
	return h.Policies.Allowed(role, "s3:PutObject", bucket+"/file", nil) == nil
}

// sided is how an output of a share host's stack is called on a side: the first side's have no letter.
func sided(name, side string) string { return name + strings.TrimPrefix(side, "A") }

// TestAShareHostIsFencedAndChangesSides has a stack have no machine and roles that may do nothing, and then a machine, a cache
// disk and roles of its other side, over the same buckets and at the same address.
func TestAShareHostIsFencedAndChangesSides(t *testing.T) {
	h := newHost(t)
	before := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))
	role, bucket, other := before["Role01"], before["Bucket01"], before["Bucket02"]
	if !h.writes(role, bucket) || h.writes(role, other) {
		t.Fatalf("outputs %v", before)
	}
	fenced := h.updateAll(t, map[string]string{"HasMachine": "false", "Fence": "on"}, types.StackStatusUpdateComplete)
	if h.writes(role, bucket) || fenced["Role01"] != role || fenced["MachineId"] != "" || fenced["CacheVolumeId"] != before["CacheVolumeId"] {
		t.Errorf("fenced, its role may write: %t; outputs %v", h.writes(role, bucket), fenced)
	}
	eventually(t, "the machine is told to have ended", func() bool { return len(h.machines(t)) == 0 })
	h.freed(t, before["InterfaceId"])

	for n, side := range []string{"B", "A"} {
		left := map[string]string{"A": "B", "B": "A"}[side]
		after := h.updateAll(t, map[string]string{"HasMachine": "true", "Fence": "off", "Side": side}, types.StackStatusUpdateComplete)
		cache, renewed := after[sided("CacheVolumeId", side)], after[sided("Role01", side)]
		if h.writes(role, bucket) || !h.writes(renewed, bucket) || h.writes(renewed, other) || renewed == role {
			t.Errorf("side %s: the role was %s, and is %s", side, role, renewed)
		}
		if _, there := h.Policies.Role(role); there {
			t.Errorf("side %s: role %s is there still", side, role)
		}
		volumes := h.volumes(t)
		if cache == before["CacheVolumeId"] || volumes[cache] != ec2types.VolumeStateAvailable || volumes[before["CacheVolumeId"]] != ec2types.VolumeStateAvailable {
			t.Errorf("side %s: the cache disk is %s, volumes %v", side, cache, volumes)
		}
		for _, gone := range []string{sided("CacheVolumeId", left), sided("Role01", left)} {
			if after[gone] != "" {
				t.Errorf("side %s has output %s", side, gone)
			}
		}
		for _, same := range []string{"ApplianceAddress", "InterfaceId", "SecurityGroupId", "DnsName", "Bucket01", "Bucket02"} {
			if before[same] == "" || after[same] != before[same] {
				t.Errorf("side %s: %s was %q and is %q", side, same, before[same], after[same])
			}
		}
		if n == 0 {
			role = renewed
			h.updateAll(t, map[string]string{"HasMachine": "false", "Fence": "on"}, types.StackStatusUpdateComplete)
			eventually(t, "the machine is told to have ended", func() bool { return len(h.machines(t)) == 0 })
			h.freed(t, before["InterfaceId"])
		}
	}
}

// TestAnUpdateOfAHostOnItsOtherSideReplacesNothing has a change set to the template of new hosts do nothing to it, by what it
// says and by the refusals of an update.
func TestAnUpdateOfAHostOnItsOtherSideReplacesNothing(t *testing.T) {
	h := newHost(t)
	before := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))
	h.updateAll(t, map[string]string{"HasMachine": "false", "Fence": "on"}, types.StackStatusUpdateComplete)
	eventually(t, "the machine is told to have ended", func() bool { return len(h.machines(t)) == 0 })
	h.freed(t, before["InterfaceId"])
	h.updateAll(t, map[string]string{"HasMachine": "true", "Fence": "off", "Side": "B"}, types.StackStatusUpdateComplete)
	var parameters []types.Parameter
	for _, name := range []string{"Tier", "HostId", "OrderMark", "AvailabilityZone", "SubnetId", "ImageId", "Slots", "HasMachine", "Fence", "Side", "GatewayId", "InstanceType"} {
		parameters = append(parameters, types.Parameter{ParameterKey: aws.String(name), UsePreviousValue: aws.Bool(true)})
	}
	for _, p := range h.given() {
		known := false
		for _, q := range parameters {
			known = known || *q.ParameterKey == *p.ParameterKey
		}
		if !known { // the stage's, which an update brings along
			parameters = append(parameters, p)
		}
	}
	_, err := h.stacks.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("host"), ChangeSetName: aws.String("headroom-r1-0"), TemplateURL: h.url, Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change set says what it would do", func() bool {
		out := must[*cloudformation.DescribeChangeSetOutput](t)(h.stacks.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{
			StackName: aws.String("host"), ChangeSetName: aws.String("headroom-r1-0"),
		}))
		if len(out.Changes) > 0 {
			t.Fatalf("it would change %+v", out.Changes)
		}
		return out.Status == types.ChangeSetStatusFailed && strings.Contains(aws.ToString(out.StatusReason), "didn't contain changes")
	})
}
