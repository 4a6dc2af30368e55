package local_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
)

// shareHostTemplate is the template of share hosts, as stage dev has it.
const shareHostTemplate = "../../infra/testdata/dev/share-host.template.json"

// surroundings are what a share host's stack is given.
const surroundings = `{"Resources":{
	"Vpc":{"Type":"AWS::EC2::VPC","Properties":{"CidrBlock":"10.0.0.0/16"}},
	"Subnet":{"Type":"AWS::EC2::Subnet","Properties":{"VpcId":{"Ref":"Vpc"},"CidrBlock":"10.0.0.0/24","AvailabilityZone":"eu-west-1b"}},
	"Zone":{"Type":"AWS::Route53::HostedZone","Properties":{"Name":"headroom.internal"}},
	"Key":{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Statement":[]}}},
	"Clients":{"Type":"AWS::EC2::SecurityGroup","Properties":{"GroupDescription":"clients","VpcId":{"Ref":"Vpc"}}},
	"Boundary":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}}},
	"Outputs":{"VpcId":{"Value":{"Ref":"Vpc"}},"SubnetId":{"Value":{"Ref":"Subnet"}},"ZoneId":{"Value":{"Ref":"Zone"}},
	"KeyArn":{"Value":{"Fn::GetAtt":["Key","Arn"]}},"ClientSecurityGroupId":{"Value":{"Ref":"Clients"}},"BoundaryArn":{"Value":{"Ref":"Boundary"}}}}`

// host is a share host's stack.
type host struct {
	*local.Cloud
	stacks     *cloudformation.Client
	ec2        *ec2.Client
	url        *string
	parameters map[string]string
}

func newHost(t *testing.T) *host { return newHostOf(t, options(t)) }

func newHostOf(t *testing.T, o local.Options) *host {
	t.Helper()
	cloud := start(t, o)
	ctx, cfg := t.Context(), cloud.Config()
	h := &host{Cloud: cloud, stacks: cloudformation.NewFromConfig(cfg), ec2: ec2.NewFromConfig(cfg), parameters: map[string]string{
		"Tier": "standard", "HostId": "share-standard-1", "OrderMark": "mark", "Stage": "dev", "Slots": "2", "AvailabilityZone": "eu-west-1b",
		"ZoneName": "headroom.internal", "ImageId": "ami-1", "HasMachine": "true", "Fence": "off", "Side": "A",
	}}
	capabilities := []types.Capability{types.CapabilityCapabilityIam}
	must[*cloudformation.CreateStackOutput](t)(h.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("around"), TemplateBody: aws.String(surroundings), Capabilities: capabilities,
	}))
	for _, output := range h.await(t, "around", types.StackStatusCreateComplete).Outputs {
		h.parameters[*output.OutputKey] = *output.OutputValue
	}
	document, err := os.ReadFile(shareHostTemplate)
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	must[*s3.CreateBucketOutput](t)(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("templates")}))
	must[*s3.PutObjectOutput](t)(client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("templates"), Key: aws.String("share.json"), Body: bytes.NewReader(document)}))
	h.url = aws.String("https://s3.eu-west-1.amazonaws.com/templates/share.json")
	must[*cloudformation.CreateStackOutput](t)(h.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("host"), TemplateURL: h.url, Capabilities: capabilities, Parameters: h.given(),
		Tags: []types.Tag{{Key: aws.String("headroom:host"), Value: aws.String("share-standard-1")}},
	}))
	return h
}

// given are the stack's parameters. Some are given again, and the others keep their values.
func (h *host) given(again ...string) (list []types.Parameter) {
	for name, value := range h.parameters {
		p := types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)}
		if len(again) > 0 && !slices.Contains(again, name) {
			p.ParameterValue, p.UsePreviousValue = nil, aws.Bool(true)
		}
		list = append(list, p)
	}
	return list
}

func (h *host) await(t *testing.T, stack string, want types.StackStatus) (found types.Stack) {
	t.Helper()
	eventually(t, stack+" is "+string(want), func() bool {
		out := must[*cloudformation.DescribeStacksOutput](t)(h.stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}))
		found = out.Stacks[0]
		return found.StackStatus == want
	})
	return found
}

// update changes one parameter, and returns the stack's outputs once the update is over.
func (h *host) update(t *testing.T, name, value string, want types.StackStatus) map[string]string {
	t.Helper()
	return h.updateAll(t, map[string]string{name: value}, want)
}

// updateAll changes several parameters at once.
func (h *host) updateAll(t *testing.T, values map[string]string, want types.StackStatus) map[string]string {
	t.Helper()
	maps.Copy(h.parameters, values)
	must[*cloudformation.UpdateStackOutput](t)(h.stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("host"), UsePreviousTemplate: aws.Bool(true), Parameters: h.given(slices.Collect(maps.Keys(values))...), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	}))
	return outputsOf(h.await(t, "host", want))
}

func outputsOf(s types.Stack) map[string]string {
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return outputs
}

func (h *host) machines(t *testing.T) (found []ec2types.Instance) {
	t.Helper()
	for _, r := range must[*ec2.DescribeInstancesOutput](t)(h.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})).Reservations {
		for _, i := range r.Instances {
			if i.State.Name != ec2types.InstanceStateNameTerminated {
				found = append(found, i)
			}
		}
	}
	return found
}

// freed waits until an interface can serve the next machine, which is a moment after the end of the last.
func (h *host) freed(t *testing.T, id string) {
	t.Helper()
	eventually(t, "interface "+id+" is free", func() bool {
		out := must[*ec2.DescribeNetworkInterfacesOutput](t)(h.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}}))
		return out.NetworkInterfaces[0].Status == ec2types.NetworkInterfaceStatusAvailable
	})
}

func (h *host) volumes(t *testing.T) map[string]ec2types.VolumeState {
	t.Helper()
	states := map[string]ec2types.VolumeState{}
	for _, v := range must[*ec2.DescribeVolumesOutput](t)(h.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})).Volumes {
		states[*v.VolumeId] = v.State
	}
	return states
}

// A gateway's machine goes and another comes, on the same interface, at the same address, and its disks stay.
func TestAShareHostsMachineIsReplacedByTwoUpdates(t *testing.T) {
	h := newHost(t)
	before := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))
	first := h.machines(t)[0]
	root := *first.InstanceId
	if before["MachineId"] != root || len(h.volumes(t)) != 2 {
		t.Fatalf("outputs %v, volumes %v", before, h.volumes(t))
	}
	must[*ec2.AttachVolumeOutput](t)(h.ec2.AttachVolume(t.Context(), &ec2.AttachVolumeInput{
		VolumeId: aws.String(before["CacheVolumeId"]), InstanceId: &root, Device: aws.String("/dev/sdf"),
	}))

	eventually(t, "the cache is attached", func() bool { return h.volumes(t)[before["CacheVolumeId"]] == ec2types.VolumeStateInUse })
	without := h.update(t, "HasMachine", "false", types.StackStatusUpdateComplete)
	if id, there := without["MachineId"]; there {
		t.Errorf("there is no machine, but an output of one: %s", id)
	}
	eventually(t, "the machine is told to have ended", func() bool { return len(h.machines(t)) == 0 })
	h.freed(t, before["InterfaceId"])
	for id, state := range h.volumes(t) {
		if state != ec2types.VolumeStateAvailable {
			t.Errorf("volume %s is %s", id, state)
		}
	}
	if len(h.volumes(t)) != 2 {
		t.Errorf("volumes %v", h.volumes(t))
	}

	after := h.update(t, "HasMachine", "true", types.StackStatusUpdateComplete)
	second := h.machines(t)[0]
	if after["MachineId"] != *second.InstanceId || *second.InstanceId == root || *second.PrivateIpAddress != *first.PrivateIpAddress {
		t.Errorf("outputs %v, the machine was %v and is %v", after, first, second)
	}
	for _, same := range []string{"ApplianceAddress", "InterfaceId", "CacheVolumeId", "SecurityGroupId", "DnsName", "Bucket01", "Role02"} {
		if before[same] == "" || after[same] != before[same] {
			t.Errorf("%s was %q and is %q", same, before[same], after[same])
		}
	}
	if len(h.volumes(t)) != 3 || h.volumes(t)[before["CacheVolumeId"]] != ec2types.VolumeStateAvailable {
		t.Errorf("volumes %v", h.volumes(t))
	}
}

// CloudFormation makes a machine before it ends the old one, which has the interface.
func TestAShareHostsMachineCannotBeReplacedAtOnce(t *testing.T) {
	h := newHost(t)
	before := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))
	machine := *h.machines(t)[0].InstanceId
	after := h.update(t, "ImageId", "ami-2", types.StackStatusUpdateRollbackComplete)
	if after["MachineId"] != before["MachineId"] || len(h.machines(t)) != 1 || *h.machines(t)[0].InstanceId != machine || *h.machines(t)[0].ImageId != "ami-1" {
		t.Errorf("outputs %v, machines %v", after, h.machines(t))
	}
	events := must[*cloudformation.DescribeStackEventsOutput](t)(h.stacks.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("host")}))
	for _, e := range events.StackEvents {
		if *e.LogicalResourceId == "Machine" && strings.Contains(aws.ToString(e.ResourceStatusReason), "InvalidNetworkInterface.InUse") {
			return
		}
	}
	t.Errorf("no event says why: %v", events.StackEvents)
}

// A machine that has failed is seen by EC2's checks, which alarms can watch.
func TestAShareHostsMachineIsChecked(t *testing.T) {
	o := options(t)
	o.Speed = 600
	h := newHostOf(t, o)
	machine := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))["MachineId"]
	client := cloudwatch.NewFromConfig(h.Config())
	failed := func(metric string) (worst float64, known bool) {
		now := h.Clock.Now()
		out := must[*cloudwatch.GetMetricStatisticsOutput](t)(client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("AWS/EC2"), MetricName: &metric, Period: aws.Int32(60), Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticMaximum},
			Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("InstanceId"), Value: &machine}},
			StartTime:  aws.Time(now.Add(-24 * time.Hour)), EndTime: aws.Time(now.Add(time.Hour)),
		}))
		for _, datum := range out.Datapoints {
			worst = max(worst, *datum.Maximum)
		}
		return worst, len(out.Datapoints) > 0
	}
	eventually(t, "it is checked", func() bool { _, known := failed("StatusCheckFailed"); return known })
	if worst, _ := failed("StatusCheckFailed"); worst != 0 {
		t.Error("it failed from the beginning")
	}
	if err := h.Machines.Fail(machine, appliance.Fault{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its own check fails", func() bool { worst, _ := failed("StatusCheckFailed_Instance"); return worst == 1 })
	if worst, _ := failed("StatusCheckFailed_System"); worst != 0 {
		t.Error("its host's check fails")
	}
}

// What is new about the tags of a stack is known to EC2, S3 and the policies of roles.
func TestAShareHostIsTaggedAnew(t *testing.T) {
	h := newHost(t)
	before := outputsOf(h.await(t, "host", types.StackStatusCreateComplete))
	must[*cloudformation.UpdateStackOutput](t)(h.stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("host"), UsePreviousTemplate: aws.Bool(true), Parameters: h.given("HasMachine"), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("us")}},
	}))
	h.await(t, "host", types.StackStatusUpdateComplete)
	tags := must[*s3.GetBucketTaggingOutput](t)(s3.NewFromConfig(h.Config()).GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{
		Bucket: aws.String(strings.TrimPrefix(before["Bucket01"], "arn:aws:s3:::")),
	}))
	owned := false
	for _, tag := range tags.TagSet {
		owned = owned || *tag.Key == "owner"
		if *tag.Key == "headroom:host" {
			t.Error("the old tag is still there")
		}
	}
	if machine := h.Network.Tags("arn:aws:ec2:eu-west-1:1:instance/" + before["MachineId"]); !owned || machine["owner"] != "us" || machine["headroom:host"] != "share-standard-1" {
		t.Errorf("the bucket is tagged %v, the machine %v", tags.TagSet, machine)
	}
}
