package ec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// instance is a machine, on its primary network interface.
type instance struct {
	id, image, kind string
	nic             *nic
	running         bool // else pending
	tags            map[string]string
	launched        time.Time
}

// set is an instance as DescribeInstances answers it.
func (i *instance) set() map[string]any {
	groups := []any{}
	for _, id := range i.nic.groups {
		groups = append(groups, map[string]any{"groupId": id})
	}
	state := map[string]any{"code": 0, "name": "pending"}
	if i.running {
		state = map[string]any{"code": 16, "name": "running"}
	}
	return map[string]any{
		"instanceId": i.id, "imageId": i.image, "instanceType": i.kind, "subnetId": i.nic.subnet,
		"privateIpAddress": i.nic.address.String(), "launchTime": i.launched.UTC().Format(time.RFC3339),
		"instanceState": state, "placement": map[string]any{"availabilityZone": i.nic.zone},
		"networkInterfaceSet": []any{map[string]any{
			"networkInterfaceId": i.nic.id, "privateIpAddress": i.nic.address.String(),
			"attachment": map[string]any{"deviceIndex": 0, "status": "attached", "deleteOnTermination": i.nic.born},
		}},
		"groupSet": groups, "tagSet": tagSet(i.tags),
	}
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
	i.running = true
	e.mu.Unlock()
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
		id: id, image: properties.ImageID, kind: cmp.Or(properties.InstanceType, "m1.small"),
		tags: weakjson.Tags(r.Tags, properties.Tags), launched: e.cfg.Now(),
	}
	e.mu.Lock()
	if i.nic, err = e.seize(interfaceID, id); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	e.instances[id] = i
	disks := e.bornWith(i, properties)
	e.mu.Unlock()
	err = e.cfg.Machines.Start(ctx, machine.Machine{
		InstanceID: id, ImageID: i.image, Address: i.nic.address, Disks: disks,
		Permits: func(port int, from netip.Addr) bool { return e.Permits(e.groupsOf(i), port, from) },
	})
	if err != nil {
		e.forget(r, id)
		return nil, fmt.Errorf("start instance %s at %s: %w", id, i.nic.address, err)
	}
	return i, nil
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

// bornWith makes the volumes that an instance is born with; the first is its root. They bear the
// instance's own tags if it says so, and never its stack's. The caller holds the lock.
func (e *EC2) bornWith(i *instance, properties instanceProperties) []machine.Disk {
	var disks []machine.Disk
	for n, mapping := range properties.BlockDeviceMappings {
		v := &volume{
			id:   fmt.Sprintf("vol-%s%02d", strings.TrimPrefix(i.id, "i-")[:15], n),
			zone: i.nic.zone, key: mapping.Ebs.KmsKeyID, sizeGiB: int(mapping.Ebs.VolumeSize), made: i.launched,
			at: &attachment{instance: i.id, device: mapping.DeviceName, since: i.launched, done: true, dies: true},
		}
		if keep := mapping.Ebs.DeleteOnTermination; keep != nil {
			v.at.dies = bool(*keep)
		}
		if properties.PropagateTags {
			v.tags = weakjson.Tags(nil, properties.Tags)
		}
		e.volumes[v.id] = v
		disks = append(disks, machine.Disk{VolumeID: v.id, Device: mapping.DeviceName, SizeGiB: v.sizeGiB, Root: n == 0})
	}
	return disks
}

func (e *EC2) deleteInstance(ctx context.Context, r resource.Resource) error {
	if err := e.cfg.Machines.Stop(ctx, r.PhysicalID); err != nil {
		return fmt.Errorf("stop instance %s: %w", r.PhysicalID, err)
	}
	e.forget(r, r.PhysicalID)
	return nil
}

// forget ends an instance: its interface is free for another one, its volumes are available, and what
// was born to go with it goes.
func (e *EC2) forget(r resource.Resource, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.made, r.Key())
	e.detachAll(id)
	i := e.instances[id]
	if i == nil {
		return
	}
	delete(e.instances, id)
	i.nic.instance = ""
	if i.nic.born {
		delete(e.nics, i.nic.id)
		e.cfg.Machines.Release(i.nic.address)
	}
}

func noInstance(id string) error {
	return &endpoint.Error{Code: "InvalidInstanceID.NotFound", Message: fmt.Sprintf("The instance ID '%s' does not exist", id)}
}
