package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// nic is an elastic network interface. The address and the groups are its own: the next machine on it
// has them too.
type nic struct {
	id, subnet, vpc, zone, description string
	address                            netip.Addr
	groups                             []string
	tags                               map[string]string
	instance                           string    // that it is attached to; empty: none
	since                              time.Time // when it was attached
	born                               bool      // with its instance, whose end is its own
	guest                              bool      // made by another service, see Lend
}

// subnet is a part of a VPC in one zone.
type subnet struct{ id, vpc, zone string }

func (e *EC2) createSubnet(r resource.Resource) (resource.Created, error) {
	var properties struct {
		AvailabilityZone string `json:"AvailabilityZone"`
		CidrBlock        string `json:"CidrBlock"`
		VpcID            string `json:"VpcId"`
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if properties.AvailabilityZone == "" {
		properties.AvailabilityZone = e.defaultZone()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := subnet{id: e.idLocked(r, "subnet"), vpc: properties.VpcID, zone: properties.AvailabilityZone}
	e.subnets[s.id] = s
	return s.created(properties.CidrBlock), nil
}

func (s subnet) created(block any) resource.Created {
	return resource.Created{PhysicalID: s.id, Attributes: map[string]any{
		"SubnetId": s.id, "VpcId": s.vpc, "AvailabilityZone": s.zone, "CidrBlock": block,
	}}
}

// defaultZone is where things are that nobody places.
func (e *EC2) defaultZone() string { return e.cfg.Region + "a" }

// interfaceProperties is the part of AWS::EC2::NetworkInterface that makes a difference here.
type interfaceProperties struct {
	Description string         `json:"Description"`
	SubnetID    string         `json:"SubnetId"`
	GroupSet    weakjson.Texts `json:"GroupSet"`
	Tags        []weakjson.Tag `json:"Tags"`
}

func (e *EC2) createInterface(r resource.Resource) (resource.Created, error) {
	var properties interfaceProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	id := e.idLocked(r, "eni")
	in, ok := e.subnets[properties.SubnetID]
	e.mu.Unlock()
	if !ok {
		return resource.Created{}, fmt.Errorf("InvalidSubnetID.NotFound: the subnet ID '%s' does not exist", properties.SubnetID)
	}
	n, err := e.newInterface(nic{
		id: id, subnet: in.id, vpc: in.vpc, zone: in.zone, groups: properties.GroupSet, description: properties.Description,
		tags: weakjson.Tags(r.Tags, properties.Tags),
	})
	if err != nil {
		return resource.Created{}, err
	}
	return n.created(), nil
}

func (n *nic) created() resource.Created {
	return resource.Created{PhysicalID: n.id, Attributes: map[string]any{
		"Id": n.id, "PrimaryPrivateIpAddress": n.address.String(), "VpcId": n.vpc,
	}}
}

// newInterface makes an interface, unless it is there already, with the first address that is free: of
// this cloud, and of others on the same computer.
func (e *EC2) newInterface(wanted nic) (*nic, error) {
	for {
		n, isNew, err := e.register(wanted)
		if err != nil || !isNew {
			return n, err
		}
		if err = e.cfg.Machines.Hold(n.address); err == nil {
			return n, nil
		}
		e.mu.Lock()
		delete(e.nics, n.id)
		e.foreign[n.address] = true
		e.mu.Unlock()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("give interface %s the address %s: %w", n.id, n.address, err)
		}
	}
}

// register notes an interface and chooses its address, unless it is there already.
func (e *EC2) register(wanted nic) (n *nic, isNew bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if there := e.nics[wanted.id]; there != nil {
		return there, false, nil
	}
	if err := e.mayConnect(); err != nil {
		return nil, false, err
	}
	for _, id := range wanted.groups {
		g := e.groups[id]
		if g == nil {
			return nil, false, noGroup(id)
		}
		if wanted.vpc == "" {
			wanted.vpc = g.vpc
		}
	}
	taken := map[netip.Addr]bool{}
	for _, other := range e.nics {
		taken[other.address] = true
	}
	for address := e.cfg.Network.Addr().Next(); e.cfg.Network.Contains(address); address = address.Next() {
		if last := address.As4()[3]; last == 0 || last == 255 || taken[address] || e.foreign[address] {
			continue
		}
		wanted.address = address
		e.nics[wanted.id] = &wanted
		return &wanted, true, nil
	}
	return nil, false, fmt.Errorf("InsufficientFreeAddressesInSubnet: %s has no free address left", e.cfg.Network)
}

// seize attaches an interface to an instance. The caller holds the lock.
func (e *EC2) seize(interfaceID, instanceID string) (*nic, error) {
	n := e.nics[interfaceID]
	switch {
	case n == nil:
		return nil, noInterface(interfaceID)
	case n.instance != "" && n.instance != instanceID:
		return nil, inUse(interfaceID)
	}
	n.instance, n.since = instanceID, e.cfg.Now()
	return n, nil
}

func noInterface(id string) error {
	return &endpoint.Error{
		Code: "InvalidNetworkInterfaceID.NotFound", Message: fmt.Sprintf("The networkInterface ID '%s' does not exist", id),
	}
}

func inUse(interfaceID string) error {
	return &endpoint.Error{
		Code: "InvalidNetworkInterface.InUse", Message: fmt.Sprintf("Interface: [%s] in use.", interfaceID),
	}
}

// CheckNetwork refuses subnets and groups that there are not.
func (e *EC2) CheckNetwork(subnets, groups []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range subnets {
		if _, ok := e.subnets[id]; !ok {
			return &endpoint.Error{Code: "InvalidSubnetID.NotFound", Message: fmt.Sprintf("The subnet ID '%s' does not exist", id)}
		}
	}
	for _, id := range groups {
		if e.groups[id] == nil {
			return noGroup(id)
		}
	}
	return nil
}

// Lend makes an interface for another service, as ECS has one made for each task. GiveBack ends it.
func (e *EC2) Lend(subnetID string, groups []string) (machine.Interface, error) {
	e.mu.Lock()
	in, ok := e.subnets[subnetID]
	e.mu.Unlock()
	if !ok {
		return machine.Interface{}, fmt.Errorf("InvalidSubnetID.NotFound: the subnet ID '%s' does not exist", subnetID)
	}
	n, err := e.newInterface(nic{id: newID("eni"), subnet: in.id, vpc: in.vpc, zone: in.zone, groups: groups, guest: true})
	if err != nil {
		return machine.Interface{}, err
	}
	return machine.Interface{ID: n.id, Subnet: n.subnet, Zone: n.zone, Address: n.address}, nil
}

// GiveBack ends an interface that was lent; its address is free.
func (e *EC2) GiveBack(id string) error { return e.deleteInterface(id) }

func (e *EC2) deleteInterface(id string) error {
	e.mu.Lock()
	n := e.nics[id]
	if n == nil {
		e.mu.Unlock()
		return nil
	}
	if n.instance != "" {
		e.mu.Unlock()
		return inUse(id)
	}
	delete(e.nics, id)
	e.mu.Unlock()
	e.cfg.Machines.Release(n.address)
	return nil
}

// deleteFreed deletes an interface as a stack does: one whose instance has ended a moment ago is waited for.
func (e *EC2) deleteFreed(ctx context.Context, id string) error {
	for {
		err := e.deleteInterface(id)
		e.mu.Lock()
		ending := false
		if n := e.nics[id]; err != nil && n != nil {
			holder := e.instances[n.instance]
			ending = n.instance == "" || holder != nil && holder.state.over()
		}
		e.mu.Unlock()
		if !ending {
			return err
		}
		if err := pause(ctx, e.cfg.Release/4); err != nil {
			return fmt.Errorf("wait for interface %s: %w", id, err)
		}
	}
}
