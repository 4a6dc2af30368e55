package ec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// instance is a machine, on its primary network interface.
type instance struct {
	id, image, kind string
	rootDevice      string // the name that its root volume is attached as
	nic             *nic
	state           state
	reason          *reason // of its state; nil: none
	protected       bool    // from being terminated
	tags            map[string]string
	launched        time.Time
	up              time.Time     // when its machine was started, by this computer's clock
	ended           time.Time     // likewise
	over            chan struct{} // closed once it has ended

	turn  int        // counts changes of its state
	power sync.Mutex // is held while its machine is started or stopped
	told  told
}

// reason is why an instance is in its state.
type reason struct{ code, message string }

// remembered is for how long an instance that has ended can be asked about.
const remembered = time.Hour

// known finds an instance, unless it has been forgotten. The caller holds the lock.
func (e *EC2) known(id string) *instance {
	i := e.instances[id]
	if i != nil && i.state == terminated && time.Since(i.ended) > remembered {
		delete(e.instances, id)
		return nil
	}
	return i
}

// instanceSet is an instance as DescribeInstances answers it. The caller holds the lock.
func (e *EC2) instanceSet(i *instance) map[string]any {
	set := map[string]any{
		"instanceId": i.id, "imageId": i.image, "instanceType": i.kind, "launchTime": i.launched.UTC().Format(time.RFC3339),
		"cpuOptions":    map[string]any{"coreCount": vcpus(i.kind) / threads, "threadsPerCore": threads},
		"instanceState": i.state.set(), "placement": map[string]any{"availabilityZone": i.nic.zone},
		"rootDeviceType": "ebs", "rootDeviceName": i.rootDevice, "tagSet": tagSet(i.tags),
	}
	if i.reason != nil {
		set["stateReason"] = map[string]any{"code": i.reason.code, "message": i.reason.message}
	}
	if i.state == terminated {
		return set
	}
	groups := []any{}
	for _, id := range i.nic.groups {
		groups = append(groups, map[string]any{"groupId": id})
	}
	address := i.nic.address.String()
	set["subnetId"], set["vpcId"], set["privateIpAddress"], set["groupSet"] = i.nic.subnet, i.nic.vpc, address, groups
	set["networkInterfaceSet"] = []any{map[string]any{
		"networkInterfaceId": i.nic.id, "privateIpAddress": address,
		"attachment": map[string]any{"deviceIndex": 0, "status": "attached", "deleteOnTermination": i.nic.born},
	}}
	mappings := []any{}
	for _, v := range e.on(i.id) {
		mappings = append(mappings, map[string]any{"deviceName": v.at.device, "ebs": map[string]any{
			"volumeId": v.id, "status": string(v.at.state), "deleteOnTermination": v.at.dies,
			"attachTime": v.at.since.UTC().Format(time.RFC3339),
		}})
	}
	set["blockDeviceMapping"] = mappings
	return set
}

// instanceProperties is the part of AWS::EC2::Instance that makes a difference here.
type instanceProperties struct {
	ImageID           string         `json:"ImageId"`
	InstanceType      string         `json:"InstanceType"`
	SubnetID          string         `json:"SubnetId"`
	AvailabilityZone  string         `json:"AvailabilityZone"`
	SecurityGroupIDs  weakjson.Texts `json:"SecurityGroupIds"`
	NetworkInterfaces []struct {
		DeviceIndex        weakjson.Int   `json:"DeviceIndex"`
		NetworkInterfaceID string         `json:"NetworkInterfaceId"`
		SubnetID           string         `json:"SubnetId"`
		GroupSet           weakjson.Texts `json:"GroupSet"`
	} `json:"NetworkInterfaces"`
	BlockDeviceMappings []struct {
		DeviceName string `json:"DeviceName"`
		Ebs        struct {
			VolumeSize          weakjson.Int   `json:"VolumeSize"`
			KmsKeyID            string         `json:"KmsKeyId"`
			DeleteOnTermination *weakjson.Bool `json:"DeleteOnTermination"`
		} `json:"Ebs"`
	} `json:"BlockDeviceMappings"`
	PropagateTags weakjson.Bool  `json:"PropagateTagsToVolumeOnCreation"`
	Protected     weakjson.Bool  `json:"DisableApiTermination"`
	Tags          []weakjson.Tag `json:"Tags"`
}

func (e *EC2) createInstance(ctx context.Context, r resource.Resource) (resource.Created, error) {
	var properties instanceProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if len(properties.NetworkInterfaces) > 0 && (properties.SubnetID != "" || len(properties.SecurityGroupIDs) > 0) {
		return resource.Created{}, &endpoint.Error{
			Code: "InvalidParameterCombination", Message: "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
		}
	}
	i, err := e.launch(ctx, r, properties)
	if err != nil {
		return resource.Created{}, err
	}
	if err := pause(ctx, e.cfg.Launch); err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i.state == pending {
		e.enter(i, running)
	}
	return e.created(i), nil
}

// created is an instance as Ref and Fn::GetAtt have it.
func (e *EC2) created(i *instance) resource.Created {
	address := i.nic.address.String()
	return resource.Created{PhysicalID: i.id, Attributes: map[string]any{
		"InstanceId": i.id, "PrivateIp": address, "AvailabilityZone": i.nic.zone, "VpcId": i.nic.vpc,
		"PrivateDnsName": "ip-" + strings.ReplaceAll(address, ".", "-") + "." + e.cfg.Region + ".compute.internal",
	}}
}

// launch starts the machine of an instance, unless it is there already.
func (e *EC2) launch(ctx context.Context, r resource.Resource, properties instanceProperties) (*instance, error) {
	e.mu.Lock()
	id := e.idLocked(r, "i")
	there := e.instances[id]
	e.mu.Unlock()
	if there != nil {
		return there, nil
	}
	interfaceID, err := e.primaryInterface(id, properties)
	if err != nil {
		return nil, err
	}
	i := &instance{
		id: id, image: properties.ImageID, kind: cmp.Or(properties.InstanceType, "m1.small"), state: pending,
		protected: bool(properties.Protected), tags: weakjson.Tags(r.Tags, properties.Tags), launched: e.cfg.Now(), over: make(chan struct{}),
	}
	e.mu.Lock()
	if i.nic, err = e.seize(interfaceID, id); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	if err := e.room(i.kind, i.nic.zone); err != nil {
		e.release(i)
		e.mu.Unlock()
		return nil, err
	}
	e.instances[id] = i
	e.bornWith(i, properties)
	turn := i.turn
	e.mu.Unlock()
	if err = e.powerOn(ctx, i, turn, false); err != nil {
		e.forget(r, i)
		return nil, fmt.Errorf("start instance %s at %s: %w", id, i.nic.address, err)
	}
	return i, nil
}

// machineOf is an instance as what runs on it is told of it. The caller holds the lock.
func (e *EC2) machineOf(i *instance) machine.Machine {
	m := machine.Machine{
		InstanceID: i.id, ImageID: i.image, Address: i.nic.address,
		Permits: func(port int, from netip.Addr) bool { return e.Permits(e.groupsOf(i), port, from) },
	}
	for _, v := range e.on(i.id) {
		if v.at.state == attaching {
			v.at.state = attached
		}
		m.Disks = append(m.Disks, e.disk(i, v))
	}
	i.up = time.Now()
	return m
}

// groupsOf are the groups that an instance is in now.
func (e *EC2) groupsOf(i *instance) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return i.nic.groups
}

// primaryInterface is the interface that an instance is launched on: the one that it is given, or one
// that is born with it.
func (e *EC2) primaryInterface(instanceID string, properties instanceProperties) (string, error) {
	wanted := nic{
		id: "eni-" + strings.TrimPrefix(instanceID, "i-"), subnet: properties.SubnetID, zone: properties.AvailabilityZone,
		groups: properties.SecurityGroupIDs, born: true,
	}
	for _, given := range properties.NetworkInterfaces {
		if given.NetworkInterfaceID != "" {
			return given.NetworkInterfaceID, nil
		}
		wanted.subnet, wanted.groups = given.SubnetID, append(wanted.groups, given.GroupSet...)
	}
	e.mu.Lock()
	if in, ok := e.subnets[wanted.subnet]; ok {
		wanted.vpc, wanted.zone = in.vpc, in.zone
	} else if wanted.zone == "" {
		wanted.zone = e.defaultZone()
	}
	e.mu.Unlock()
	n, err := e.newInterface(wanted)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

// imageGiB is the size of an image's root volume.
const imageGiB = 80

// bornWith makes the volumes that an instance is born with; the first is its root. They bear the
// instance's own tags if it says so, and never its stack's. The caller holds the lock.
func (e *EC2) bornWith(i *instance, properties instanceProperties) {
	i.rootDevice = "/dev/xvda"
	if len(properties.BlockDeviceMappings) == 0 { // then its root is as its image has it
		id := newID("vol")
		e.volumes[id] = &volume{
			id: id, zone: i.nic.zone, sizeGiB: imageGiB, made: i.launched,
			at: &attachment{instance: i.id, device: i.rootDevice, since: i.launched, state: attached, dies: true},
		}
	}
	for n, mapping := range properties.BlockDeviceMappings {
		v := &volume{
			id: newID("vol"), zone: i.nic.zone, key: mapping.Ebs.KmsKeyID, sizeGiB: int(mapping.Ebs.VolumeSize), made: i.launched,
			at: &attachment{instance: i.id, device: mapping.DeviceName, since: i.launched, state: attached, dies: true},
		}
		if n == 0 {
			i.rootDevice = mapping.DeviceName
		}
		if keep := mapping.Ebs.DeleteOnTermination; keep != nil {
			v.at.dies = bool(*keep)
		}
		if properties.PropagateTags {
			v.tags = weakjson.Tags(nil, properties.Tags)
		}
		e.volumes[v.id] = v
	}
}

// deleteInstance terminates an instance and waits until it has ended. Its interface may be in use for a moment more.
func (e *EC2) deleteInstance(ctx context.Context, r resource.Resource) error {
	e.mu.Lock()
	i := e.known(r.PhysicalID)
	if i == nil {
		e.mu.Unlock()
		return nil
	}
	if err := i.kept(); err != nil {
		e.mu.Unlock()
		return err
	}
	delete(e.made, r.Key())
	if !i.state.over() {
		e.terminate(i)
	}
	e.mu.Unlock()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of instance %s: %w", i.id, ctx.Err())
	case <-i.over:
		return nil
	}
}

// forget takes back an instance that never ran.
func (e *EC2) forget(r resource.Resource, i *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.made, r.Key())
	e.detachAll(i.id)
	e.release(i)
	delete(e.instances, i.id)
}

func noInstance(id string) error {
	return &endpoint.Error{Code: "InvalidInstanceID.NotFound", Message: fmt.Sprintf("The instance ID '%s' does not exist", id)}
}
