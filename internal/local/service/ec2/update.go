package ec2

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// schemas say which properties a resource keeps for life. What EC2 changes of a machine's disks while it runs
// is one flag only: here a change of them takes a new machine in any case.
var schemas = map[string]resource.Schema{
	"AWS::EC2::Instance": {Tagged: true, CreateOnly: []string{
		"AvailabilityZone", "BlockDeviceMappings", "CpuOptions", "EnclaveOptions", "HibernationOptions", "ImageId", "Ipv6AddressCount",
		"Ipv6Addresses", "KeyName", "LaunchTemplate", "LicenseSpecifications", "NetworkInterfaces", "PlacementGroupName",
		"PrivateIpAddress", "SecurityGroups", "SubnetId",
	}},
	"AWS::EC2::LaunchTemplate":   {Name: "LaunchTemplateName"},
	"AWS::EC2::NetworkInterface": {Tagged: true, CreateOnly: []string{"InterfaceType", "PrivateIpAddress", "SubnetId"}},
	"AWS::EC2::SecurityGroup":    {Name: "GroupName", Tagged: true, CreateOnly: []string{"GroupDescription", "VpcId"}},
	"AWS::EC2::SecurityGroupEgress": {CreateOnly: []string{
		"CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId", "FromPort", "GroupId", "IpProtocol", "ToPort",
	}},
	"AWS::EC2::SecurityGroupIngress": {CreateOnly: []string{
		"CidrIp", "CidrIpv6", "FromPort", "GroupId", "GroupName", "IpProtocol", "SourcePrefixListId", "SourceSecurityGroupId",
		"SourceSecurityGroupName", "SourceSecurityGroupOwnerId", "ToPort",
	}},
	"AWS::EC2::Subnet": {Tagged: true, CreateOnly: []string{"AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6Native", "OutpostArn", "VpcId"}},
	"AWS::EC2::Volume": {Tagged: true},
}

// Schema says which properties a resource keeps for life.
func (e *EC2) Schema(resourceType string) resource.Schema { return schemas[resourceType] }

// Update changes a resource of one of Types.
func (e *EC2) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	if after.Type == "AWS::EC2::Instance" && slices.Contains(resource.Changed(before, after), "InstanceType") {
		if err := e.resize(ctx, after); err != nil {
			return resource.Created{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch after.Type {
	case "AWS::EC2::Instance":
		return e.updateInstance(before, after)
	case "AWS::EC2::LaunchTemplate":
		e.versions[after.PhysicalID]++
		return launchTemplate(after.PhysicalID, 1+e.versions[after.PhysicalID]), nil
	case "AWS::EC2::NetworkInterface":
		return e.updateInterface(after)
	case "AWS::EC2::SecurityGroup":
		return e.updateGroup(before, after)
	case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
		return e.describeRule(after)
	case "AWS::EC2::Volume":
		return e.updateVolume(before, after)
	default: // a subnet, of which nothing here changes
		s := e.subnets[after.PhysicalID]
		return s.created(after.Properties["CidrBlock"]), nil
	}
}

func launchTemplate(id string, version int) resource.Created {
	return resource.Created{PhysicalID: id, Attributes: map[string]any{
		"LaunchTemplateId": id, "LatestVersionNumber": strconv.Itoa(version), "DefaultVersionNumber": "1",
	}}
}

// updateInstance changes what can be changed of a machine while it runs. The caller holds the lock.
func (e *EC2) updateInstance(before, after resource.Resource) (resource.Created, error) {
	// EC2 stops the machine for these, and starts it again.
	err := resource.Fixed(before, after, "AdditionalInfo", "EbsOptimized", "KernelId", "RamdiskId", "Tenancy", "UserData")
	if err != nil {
		return resource.Created{}, err
	}
	var properties instanceProperties
	if err := weakjson.Decode(after.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	i := e.known(after.PhysicalID)
	if i == nil || i.state.over() {
		return resource.Created{}, noInstance(after.PhysicalID)
	}
	if slices.Contains(resource.Changed(before, after), "SecurityGroupIds") {
		if err := e.mayJoin(properties.SecurityGroupIDs); err != nil {
			return resource.Created{}, err
		}
		i.nic.groups = properties.SecurityGroupIDs
	}
	i.tags, i.protected = weakjson.Tags(after.Tags, properties.Tags), bool(properties.Protected)
	return e.created(i), nil
}

// resize gives an instance another type as CloudFormation does: it stops the instance, and starts it again.
func (e *EC2) resize(ctx context.Context, after resource.Resource) error {
	kind, _ := after.Properties["InstanceType"].(string)
	e.mu.Lock()
	i := e.known(after.PhysicalID)
	if i == nil || i.state.over() {
		e.mu.Unlock()
		return noInstance(after.PhysicalID)
	}
	if i.kind == kind {
		e.mu.Unlock()
		return nil
	}
	ran := i.state == running || i.state == pending
	if ran {
		e.stop(i)
	}
	e.mu.Unlock()
	if err := e.reach(ctx, i, stopped); err != nil {
		return err
	}
	e.mu.Lock()
	i.kind = kind
	if ran {
		e.start(i)
	}
	e.mu.Unlock()
	if !ran {
		return nil
	}
	return e.reach(ctx, i, running)
}

// reach waits until an instance is in a state.
func (e *EC2) reach(ctx context.Context, i *instance, to state) error {
	for {
		e.mu.Lock()
		is := i.state
		e.mu.Unlock()
		if is == to {
			return nil
		}
		if is.over() {
			return noInstance(i.id)
		}
		if to == running && is == stopped {
			return fmt.Errorf("start instance %s: it stopped again", i.id)
		}
		if err := pause(ctx, e.cfg.Stop/4); err != nil {
			return fmt.Errorf("wait until instance %s is %s: %w", i.id, to, err)
		}
	}
}

// updateInterface gives an interface its groups, description and tags. The caller holds the lock.
func (e *EC2) updateInterface(after resource.Resource) (resource.Created, error) {
	var properties interfaceProperties
	if err := weakjson.Decode(after.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	n := e.nics[after.PhysicalID]
	if n == nil {
		return resource.Created{}, noInterface(after.PhysicalID)
	}
	if err := e.mayJoin(properties.GroupSet); err != nil {
		return resource.Created{}, err
	}
	n.groups, n.description, n.tags = properties.GroupSet, properties.Description, weakjson.Tags(after.Tags, properties.Tags)
	return n.created(), nil
}

// mayJoin refuses groups that there are not. The caller holds the lock.
func (e *EC2) mayJoin(groups []string) error {
	for _, id := range groups {
		if e.groups[id] == nil {
			return noGroup(id)
		}
	}
	return nil
}

// updateGroup changes the rules that stand in a group's own properties: those that were added by calls, or by
// resources of their own, stay. The caller holds the lock.
func (e *EC2) updateGroup(before, after resource.Resource) (resource.Created, error) {
	var was, toBe groupProperties
	if err := weakjson.Decode(before.Properties, &was); err != nil {
		return resource.Created{}, err
	}
	if err := weakjson.Decode(after.Properties, &toBe); err != nil {
		return resource.Created{}, err
	}
	old, err := was.rules()
	if err != nil {
		return resource.Created{}, err
	}
	wanted, err := toBe.rules()
	if err != nil {
		return resource.Created{}, err
	}
	g := e.groups[after.PhysicalID]
	if g == nil {
		return resource.Created{}, noGroup(after.PhysicalID)
	}
	in := func(rules []rule) func(rule) bool {
		return func(r rule) bool { return slices.ContainsFunc(rules, r.same) }
	}
	gone := slices.DeleteFunc(old, func(r rule) bool { return in(wanted)(r) || !in(g.rules)(r) })
	added := slices.DeleteFunc(wanted, in(g.rules))
	inForce := e.cfg.Now().Add(e.cfg.Propagation)
	if _, err := g.authorize(added, inForce); err != nil {
		return resource.Created{}, err
	}
	if err := g.revoke(gone, inForce); err != nil {
		return resource.Created{}, err
	}
	g.tags = weakjson.Tags(after.Tags, toBe.Tags)
	return g.created(), nil
}

// describeRule changes a rule's description, which is all that can be changed of one. The caller holds the lock.
func (e *EC2) describeRule(after resource.Resource) (resource.Created, error) {
	for _, g := range e.groups {
		for n := range g.rules {
			if g.rules[n].id == after.PhysicalID {
				g.rules[n].description, _ = after.Properties["Description"].(string)
				return resource.Created{PhysicalID: after.PhysicalID, Attributes: map[string]any{"Id": after.PhysicalID}}, nil
			}
		}
	}
	return resource.Created{}, fmt.Errorf("InvalidSecurityGroupRuleId.NotFound: the security group rule ID '%s' does not exist", after.PhysicalID)
}

// updateVolume makes a volume larger. Its zone and key it keeps: CloudFormation supports no update of those. The
// caller holds the lock.
func (e *EC2) updateVolume(before, after resource.Resource) (resource.Created, error) {
	if err := resource.Fixed(before, after, "AvailabilityZone", "Encrypted", "KmsKeyId", "OutpostArn", "SnapshotId"); err != nil {
		return resource.Created{}, err
	}
	var properties volumeProperties
	if err := weakjson.Decode(after.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	v := e.volumes[after.PhysicalID]
	if v == nil {
		return resource.Created{}, noVolume(after.PhysicalID)
	}
	if int(properties.Size) < v.sizeGiB {
		return resource.Created{}, fmt.Errorf("InvalidParameterValue: new size cannot be smaller than existing size")
	}
	v.sizeGiB, v.tags = int(properties.Size), weakjson.Tags(after.Tags, properties.Tags)
	return v.created(), nil
}
