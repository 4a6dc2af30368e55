package ec2

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/local/machine"
)

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

func (b bench) instance(t *testing.T, id string) types.Instance {
	t.Helper()
	out, err := b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil || len(out.Reservations) != 1 {
		t.Fatalf("instances %+v: %v", out, err)
	}
	return out.Reservations[0].Instances[0]
}

// reaches waits until an instance is in a state.
func (b bench) reaches(t *testing.T, id string, state types.InstanceStateName) {
	t.Helper()
	eventually(t, id+" is "+string(state), func() bool { return b.instance(t, id).State.Name == state })
}

func (b bench) stopInstance(t *testing.T, id string) error {
	t.Helper()
	_, err := b.client.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}})
	return err
}

func (b bench) startInstance(t *testing.T, id string) error {
	t.Helper()
	_, err := b.client.StartInstances(t.Context(), &sdk.StartInstancesInput{InstanceIds: []string{id}})
	return err
}

func (b bench) rebootInstance(t *testing.T, id string) error {
	t.Helper()
	_, err := b.client.RebootInstances(t.Context(), &sdk.RebootInstancesInput{InstanceIds: []string{id}})
	return err
}

func (b bench) terminateInstance(t *testing.T, id string) error {
	t.Helper()
	_, err := b.client.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
	return err
}

func (b bench) detach(t *testing.T, volume string, force bool) error {
	t.Helper()
	_, err := b.client.DetachVolume(t.Context(), &sdk.DetachVolumeInput{VolumeId: &volume, Force: aws.Bool(force)})
	return err
}

// root is the root volume of an instance.
func (b bench) root(t *testing.T, id string) string {
	t.Helper()
	i := b.instance(t, id)
	for _, mapping := range i.BlockDeviceMappings {
		if *mapping.DeviceName == *i.RootDeviceName {
			return *mapping.Ebs.VolumeId
		}
	}
	t.Fatalf("%s has no root: %+v", id, i.BlockDeviceMappings)
	return ""
}

func wanted(t *testing.T, what string, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// born is what a machine is made with whose root is kept.
func born(image string) map[string]any {
	return map[string]any{
		"ImageId":             image,
		"BlockDeviceMappings": []any{map[string]any{"DeviceName": "/dev/xvda", "Ebs": map[string]any{"VolumeSize": 80, "DeleteOnTermination": false}}},
	}
}

func TestAMachineStopsAndStartsAfterAWhile(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	release := b.bays.hold()
	out, err := b.client.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	change := out.StoppingInstances[0]
	if change.PreviousState.Name != types.InstanceStateNameRunning || change.CurrentState.Name != types.InstanceStateNameStopping {
		t.Errorf("stopping it answers %+v", change)
	}
	wanted(t, "start it meanwhile", b.startInstance(t, id), "IncorrectInstanceState")
	wanted(t, "reboot it meanwhile", b.rebootInstance(t, id), "IncorrectInstanceState")
	release()
	b.reaches(t, id, types.InstanceStateNameStopped)
	if _, runs := b.bays.machine(id); runs {
		t.Error("what runs on it runs on")
	}
	if i := b.instance(t, id); aws.ToString(i.StateReason.Code) != "Client.UserInitiatedShutdown" || len(i.NetworkInterfaces) != 1 || len(i.BlockDeviceMappings) != 1 {
		t.Errorf("stopped, it is %+v", i)
	}
	wanted(t, "stop it again", b.stopInstance(t, id), "")
	wanted(t, "start it", b.startInstance(t, id), "")
	b.reaches(t, id, types.InstanceStateNameRunning)
	m, runs := b.bays.machine(id)
	if !runs || len(m.Disks) != 1 || !m.Disks[0].Root {
		t.Errorf("started with %+v, %v", m, runs)
	}
	wanted(t, "start it again", b.startInstance(t, id), "")
	wanted(t, "stop what is not there", b.stopInstance(t, "i-0123456789abcdef0"), "InvalidInstanceID.NotFound")
}

func TestChangesOfMachinesShowLater(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	b.set(func(c *Config) { c.Lag = time.Hour })
	_, err := b.client.ModifyInstanceAttribute(t.Context(), &sdk.ModifyInstanceAttributeInput{
		InstanceId: &id, BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
			DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
		}},
	})
	wanted(t, "keep its disk", err, "")
	wanted(t, "stop it", b.stopInstance(t, id), "")
	if i := b.instance(t, id); i.State.Name != types.InstanceStateNameRunning || !*i.BlockDeviceMappings[0].Ebs.DeleteOnTermination {
		t.Errorf("it is told at once that it is %s, and %v: reads are eventually consistent", i.State.Name, i.BlockDeviceMappings)
	}
}

func TestARebootStartsTheMachineAnewUnderTheSameState(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	wanted(t, "reboot", b.rebootInstance(t, id), "")
	eventually(t, "it has started again", func() bool { return b.bays.started() == 2 })
	if got := b.instance(t, id).State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("it is %s", got)
	}
	if m, _ := b.bays.machine(id); !m.Reboot {
		t.Error("it was stopped and started instead")
	}
}

func TestATerminatedMachineLeavesItsDisksAndLaterItsInterface(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"VpcId": "vpc-1"}).PhysicalID
	nic := b.make(t, "Interface", "NetworkInterface", map[string]any{"SubnetId": subnet}).PhysicalID
	properties := onInterface(nic)
	properties["BlockDeviceMappings"] = born("")["BlockDeviceMappings"]
	id := b.make(t, "Machine", "Instance", properties).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	root := b.root(t, id)
	release := b.bays.hold()
	wanted(t, "terminate", b.terminateInstance(t, id), "")
	b.reaches(t, id, types.InstanceStateNameShuttingDown)
	if _, err := b.Create(t.Context(), declared("Next", "Instance", onInterface(nic))); code(err) != "InvalidNetworkInterface.InUse" {
		t.Errorf("another machine on its interface: %v", err)
	}
	release()
	b.reaches(t, id, types.InstanceStateNameTerminated)
	if i := b.instance(t, id); len(i.NetworkInterfaces) != 0 || i.PrivateIpAddress != nil || len(i.BlockDeviceMappings) != 0 {
		t.Errorf("it has ended, and has %+v", i)
	}
	if v := b.described(t, root); v.State != types.VolumeStateAvailable {
		t.Errorf("its root is %s", v.State)
	}
	b.freed(t, nic)
	b.make(t, "Next", "Instance", onInterface(nic))
	wanted(t, "terminate it again", b.terminateInstance(t, id), "")
	wanted(t, "reboot it, which is ignored", b.rebootInstance(t, id), "")
	wanted(t, "start it", b.startInstance(t, id), "IncorrectInstanceState")
	wanted(t, "stop it", b.stopInstance(t, id), "IncorrectInstanceState")
}

func TestWhetherADiskEndsWithItsMachineCanBeChanged(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	root := b.root(t, id)
	keep := func(device string) error {
		_, err := b.client.ModifyInstanceAttribute(t.Context(), &sdk.ModifyInstanceAttributeInput{
			InstanceId: &id, BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
				DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
			}},
		})
		return err
	}
	flag := func() bool { return *b.instance(t, id).BlockDeviceMappings[0].Ebs.DeleteOnTermination }
	eventually(t, "it is said to end with it", flag)
	wanted(t, "keep it", keep("/dev/xvda"), "")
	eventually(t, "it is said to be kept", func() bool { return !flag() })
	wanted(t, "keep what is not there", keep("/dev/sdz"), "InvalidInstanceAttributeValue")
	wanted(t, "terminate", b.terminateInstance(t, id), "")
	b.reaches(t, id, types.InstanceStateNameTerminated)
	if v := b.described(t, root); v.State != types.VolumeStateAvailable {
		t.Errorf("the root is %s", v.State)
	}
	wanted(t, "keep it afterwards", keep("/dev/xvda"), "IncorrectInstanceState")
}

func TestAProtectedMachineIsNotTerminated(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	protect := func(on bool) {
		_, err := b.client.ModifyInstanceAttribute(t.Context(), &sdk.ModifyInstanceAttributeInput{
			InstanceId: &id, DisableApiTermination: &types.AttributeBooleanValue{Value: &on},
		})
		wanted(t, "protect", err, "")
	}
	protect(true)
	wanted(t, "terminate", b.terminateInstance(t, id), "OperationNotPermitted")
	protect(false)
	wanted(t, "terminate", b.terminateInstance(t, id), "")
}

func TestWithoutRoomNoMachineStarts(t *testing.T) {
	b := newBench(t)
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"VpcId": "vpc-1"}).PhysicalID
	nic := b.make(t, "Interface", "NetworkInterface", map[string]any{"SubnetId": subnet}).PhysicalID
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	wanted(t, "stop", b.stopInstance(t, id), "")
	b.reaches(t, id, types.InstanceStateNameStopped)
	b.Shortage(true)
	wanted(t, "start", b.startInstance(t, id), "InsufficientInstanceCapacity")
	if _, err := b.Create(t.Context(), declared("Next", "Instance", onInterface(nic))); code(err) != "InsufficientInstanceCapacity" {
		t.Errorf("launched: %v", err)
	}
	b.Shortage(false)
	b.make(t, "Next", "Instance", onInterface(nic))
	wanted(t, "start", b.startInstance(t, id), "")
}

func TestAClosedZoneStartsNoMachine(t *testing.T) {
	b := newBench(t)
	in := func(name, zone string) (nic string) {
		subnet := b.make(t, name+"Subnet", "Subnet", map[string]any{"VpcId": "vpc-1", "AvailabilityZone": zone}).PhysicalID
		return b.make(t, name+"Interface", "NetworkInterface", map[string]any{"SubnetId": subnet}).PhysicalID
	}
	id := b.make(t, "Machine", "Instance", onInterface(in("One", "eu-west-1a"))).PhysicalID
	b.reaches(t, id, types.InstanceStateNameRunning)
	beside := in("Beside", "eu-west-1a")
	if got := b.CloseZone("eu-west-1a"); len(got) != 1 || got[0] != id {
		t.Errorf("the zone has %v", got)
	}
	if _, err := b.Create(t.Context(), declared("Next", "Instance", onInterface(beside))); code(err) != "InsufficientInstanceCapacity" {
		t.Errorf("launched: %v", err)
	}
	elsewhere := b.make(t, "Other", "Instance", onInterface(in("Two", "eu-west-1b"))).PhysicalID
	b.reaches(t, elsewhere, types.InstanceStateNameRunning)
	b.OpenZone("eu-west-1a")
	b.make(t, "Next", "Instance", onInterface(beside))
	b.reaches(t, id, types.InstanceStateNameRunning)
}

func TestARehearsalDoesNothing(t *testing.T) {
	b := newBench(t)
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	_, err := b.client.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}, DryRun: aws.Bool(true)})
	wanted(t, "rehearse", err, "DryRunOperation")
	b.reaches(t, id, types.InstanceStateNameRunning)
}

func TestStatusChecksTellWhatIsWrongWithAMachine(t *testing.T) {
	b := newBench(t)
	b.set(func(c *Config) { c.Checks = time.Hour })
	id := b.make(t, "Machine", "Instance", nil).PhysicalID
	look := func(all bool) (system, instance types.SummaryStatus) {
		out, err := b.client.DescribeInstanceStatus(t.Context(), &sdk.DescribeInstanceStatusInput{IncludeAllInstances: &all})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.InstanceStatuses) == 0 {
			return "", ""
		}
		return out.InstanceStatuses[0].SystemStatus.Status, out.InstanceStatuses[0].InstanceStatus.Status
	}
	b.reaches(t, id, types.InstanceStateNameRunning)
	if system, instance := look(false); system != types.SummaryStatusInitializing || instance != types.SummaryStatusInitializing {
		t.Errorf("just started: %s, %s", system, instance)
	}
	b.set(func(c *Config) { c.Checks = time.Millisecond })
	eventually(t, "it is well", func() bool {
		system, instance := look(false)
		return system == types.SummaryStatusOk && instance == types.SummaryStatusOk
	})
	b.bays.fails(machine.Health{Instance: true})
	if system, instance := look(false); system != types.SummaryStatusOk || instance != types.SummaryStatusImpaired {
		t.Errorf("its own check fails: %s, %s", system, instance)
	}
	reports := map[string]machine.Health{}
	b.Check(func(id string, health machine.Health) { reports[id] = health })
	if want := (machine.Health{System: true}); len(reports) != 1 || reports[id] != want {
		t.Errorf("reported %v", reports)
	}
	wanted(t, "stop", b.stopInstance(t, id), "")
	b.reaches(t, id, types.InstanceStateNameStopped)
	if system, _ := look(false); system != "" {
		t.Errorf("a stopped one is listed: %s", system)
	}
	if system, _ := look(true); system != types.SummaryStatusNotApplicable {
		t.Errorf("a stopped one is %s", system)
	}
}
