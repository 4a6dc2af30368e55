package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"headroom/internal/local/machine"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// instance is a running machine.
type instance struct {
	id, image, kind, subnet, vpc, zone string
	address                            netip.Addr
	groups                             []string
	tags                               map[string]string
	launched                           time.Time
}

// set is an instance as DescribeInstances answers it.
func (i *instance) set() map[string]any {
	groups := []any{}
	for _, id := range i.groups {
		groups = append(groups, map[string]any{"groupId": id})
	}
	return map[string]any{
		"instanceId": i.id, "imageId": i.image, "instanceType": i.kind, "subnetId": i.subnet,
		"privateIpAddress": i.address.String(), "launchTime": i.launched.UTC().Format(time.RFC3339),
		"instanceState": map[string]any{"code": 16, "name": "running"},
		"placement":     map[string]any{"availabilityZone": i.zone},
		"groupSet":      groups, "tagSet": tagSet(i.tags),
	}
}

// volume is an EBS volume.
type volume struct {
	id      string
	sizeGiB int
}

// instanceProperties is the part of AWS::EC2::Instance that makes a difference here.
type instanceProperties struct {
	ImageID           string         `json:"ImageId"`
	InstanceType      string         `json:"InstanceType"`
	SubnetID          string         `json:"SubnetId"`
	AvailabilityZone  string         `json:"AvailabilityZone"`
	SecurityGroupIDs  weakjson.Texts `json:"SecurityGroupIds"`
	NetworkInterfaces []struct {
		SubnetID string         `json:"SubnetId"`
		GroupSet weakjson.Texts `json:"GroupSet"`
	} `json:"NetworkInterfaces"`
	BlockDeviceMappings []struct {
		DeviceName string `json:"DeviceName"`
		Ebs        struct {
			VolumeSize weakjson.Int `json:"VolumeSize"`
		} `json:"Ebs"`
	} `json:"BlockDeviceMappings"`
	Tags []weakjson.Tag `json:"Tags"`
}

func (e *EC2) createInstance(ctx context.Context, r resource.Resource) (resource.Created, error) {
	var properties instanceProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	for _, network := range properties.NetworkInterfaces {
		properties.SecurityGroupIDs = append(properties.SecurityGroupIDs, network.GroupSet...)
		properties.SubnetID = network.SubnetID
	}
	i, err := e.launch(ctx, r, properties)
	if err != nil {
		return resource.Created{}, err
	}
	if err := pause(ctx, e.cfg.Launch); err != nil {
		return resource.Created{}, err
	}
	address := i.address.String()
	return resource.Created{PhysicalID: i.id, Attributes: map[string]any{
		"InstanceId": i.id, "PrivateIp": address, "AvailabilityZone": i.zone, "VpcId": i.vpc,
		"PrivateDnsName": "ip-" + strings.ReplaceAll(address, ".", "-") + "." + e.cfg.Region + ".compute.internal",
	}}, nil
}

// launch starts the machine of an instance, at the first address that is free: of this cloud, and of
// others on the same computer.
func (e *EC2) launch(ctx context.Context, r resource.Resource, properties instanceProperties) (*instance, error) {
	for {
		i, isNew, err := e.register(r, properties)
		if err != nil || !isNew {
			return i, err
		}
		err = e.cfg.Machines.Start(ctx, machine.Machine{
			InstanceID: i.id, ImageID: i.image, Address: i.address, Disks: disksOf(i.id, properties),
			Permits: func(port int, from netip.Addr) bool { return e.Permits(i.groups, port, from) },
		})
		if err == nil {
			return i, nil
		}
		e.forget(r, i.id)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("start instance %s at %s: %w", i.id, i.address, err)
		}
		e.mu.Lock()
		e.foreign[i.address] = true
		e.mu.Unlock()
	}
}

// register notes an instance and gives it its address, unless it is there already.
func (e *EC2) register(r resource.Resource, properties instanceProperties) (*instance, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.idLocked(r, "i")
	if there := e.instances[id]; there != nil {
		return there, false, nil
	}
	i := &instance{
		id: id, image: properties.ImageID, kind: properties.InstanceType, subnet: properties.SubnetID,
		zone: properties.AvailabilityZone, groups: properties.SecurityGroupIDs,
		tags: weakjson.Tags(r.Tags, properties.Tags), launched: e.cfg.Now(),
	}
	if i.zone == "" {
		i.zone = e.cfg.Region + "a"
	}
	for _, groupID := range i.groups {
		g := e.groups[groupID]
		if g == nil {
			return nil, false, noGroup(groupID)
		}
		i.vpc = g.vpc
	}
	taken := func(address netip.Addr) bool {
		for _, other := range e.instances {
			if other.address == address {
				return true
			}
		}
		return e.foreign[address]
	}
	for address := e.cfg.Network.Addr().Next(); e.cfg.Network.Contains(address); address = address.Next() {
		if last := address.As4()[3]; last == 0 || last == 255 || taken(address) {
			continue
		}
		i.address = address
		e.instances[id] = i
		return i, true, nil
	}
	return nil, false, fmt.Errorf("InsufficientFreeAddressesInSubnet: %s has no free address left", e.cfg.Network)
}

// disksOf lists the volumes that an instance is born with; the first is its root.
func disksOf(instanceID string, properties instanceProperties) []machine.Disk {
	var disks []machine.Disk
	for n, mapping := range properties.BlockDeviceMappings {
		disks = append(disks, machine.Disk{
			VolumeID: fmt.Sprintf("vol-%s%02d", strings.TrimPrefix(instanceID, "i-")[:15], n),
			Device:   mapping.DeviceName, SizeGiB: int(mapping.Ebs.VolumeSize), Root: n == 0,
		})
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

func (e *EC2) forget(r resource.Resource, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.instances, id)
	delete(e.made, r.StackID+"/"+r.LogicalID)
}

func (e *EC2) createVolume(r resource.Resource) (resource.Created, error) {
	var properties struct {
		Size weakjson.Int `json:"Size"`
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.idLocked(r, "vol")
	e.volumes[id] = &volume{id: id, sizeGiB: int(properties.Size)}
	return resource.Created{PhysicalID: id, Attributes: map[string]any{"VolumeId": id}}, nil
}

func (e *EC2) attachVolume(ctx context.Context, r resource.Resource) (resource.Created, error) {
	var properties struct {
		Device     string `json:"Device"`
		InstanceID string `json:"InstanceId"`
		VolumeID   string `json:"VolumeId"`
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	v, i := e.volumes[properties.VolumeID], e.instances[properties.InstanceID]
	e.mu.Unlock()
	if v == nil {
		return resource.Created{}, fmt.Errorf("InvalidVolume.NotFound: the volume '%s' does not exist", properties.VolumeID)
	}
	if i == nil {
		return resource.Created{}, fmt.Errorf("InvalidInstanceID.NotFound: the instance ID '%s' does not exist", properties.InstanceID)
	}
	disk := machine.Disk{VolumeID: v.id, Device: properties.Device, SizeGiB: v.sizeGiB}
	if err := e.cfg.Machines.Attach(ctx, i.id, disk); err != nil {
		return resource.Created{}, fmt.Errorf("attach volume %s to instance %s: %w", v.id, i.id, err)
	}
	return resource.Created{PhysicalID: v.id + "|" + i.id}, nil
}
