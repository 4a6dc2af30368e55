package machinestest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Full says that EC2 has no room for another instance, or has it again.
func (c *Cloud) Full(full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = full
}

// each does something to every instance that a call names, or to none of them.
func (c *Cloud) each(ctx context.Context, ids []string, refuse func(id string, m *machine) error, act func(id string, m *machine)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(ids) == 0 {
		return fault("MissingParameter", "The request must contain the parameter InstanceId")
	}
	for _, id := range ids {
		m := c.machines[id]
		if m == nil {
			return noMachine(id)
		}
		if err := refuse(id, m); err != nil {
			return err
		}
	}
	for _, id := range ids {
		act(id, c.machines[id])
	}
	return nil
}

func over(state types.InstanceStateName) bool {
	return state == types.InstanceStateNameShuttingDown || state == types.InstanceStateNameTerminated
}

// RebootInstances is EC2's: of those that have ended it says nothing. How it refuses one that is stopped is not
// documented.
func (c *Cloud) RebootInstances(ctx context.Context, in *ec2.RebootInstancesInput, _ ...func(*ec2.Options)) (*ec2.RebootInstancesOutput, error) {
	err := c.each(ctx, in.InstanceIds, func(id string, m *machine) error {
		if m.state != types.InstanceStateNameRunning && !over(m.state) {
			return fault("IncorrectState", "The instance '%s' is not in a state from which it can be rebooted.", id)
		}
		return nil
	}, func(id string, m *machine) {
		if over(m.state) {
			return
		}
		if m.fault != nil && m.fault.Reboot {
			m.fault = nil
		}
		m.due = c.Late // until then the checks tell what they told
		c.did("reboot %s", id)
	})
	if err != nil {
		return nil, err
	}
	return &ec2.RebootInstancesOutput{}, nil
}

// StopInstances is EC2's. By force it is logged as such.
func (c *Cloud) StopInstances(ctx context.Context, in *ec2.StopInstancesInput, _ ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error) {
	err := c.each(ctx, in.InstanceIds, func(id string, m *machine) error {
		switch {
		case m.state == types.InstanceStateNamePending:
			return fault("IncorrectInstanceState", "Instance '%s' cannot be stopped as it has never reached the 'running' state.", id)
		case over(m.state):
			return fault("IncorrectInstanceState", "This instance '%s' is not in a state from which it can be stopped.", id)
		}
		return nil
	}, func(id string, m *machine) {
		if m.state != types.InstanceStateNameRunning {
			return
		}
		c.enter(id, types.InstanceStateNameStopping)
		if aws.ToBool(in.Force) {
			c.did("stop %s by force", id)
			return
		}
		c.did("stop %s", id)
	})
	if err != nil {
		return nil, err
	}
	return &ec2.StopInstancesOutput{}, nil
}

// StartInstances is EC2's.
func (c *Cloud) StartInstances(ctx context.Context, in *ec2.StartInstancesInput, _ ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error) {
	err := c.each(ctx, in.InstanceIds, func(id string, m *machine) error {
		switch {
		case m.state == types.InstanceStateNameStopping || over(m.state):
			return fault("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", id)
		case m.state != types.InstanceStateNameStopped:
			return nil
		case c.atDevice(id, RootDevice) == nil:
			return fault("InvalidParameterValue", "Invalid value '%s' for instanceId. Instance does not have a volume attached at root (%s)", id, RootDevice)
		case c.full:
			return fault("InsufficientInstanceCapacity", "Insufficient capacity.")
		}
		return nil
	}, func(id string, m *machine) {
		if m.state != types.InstanceStateNameStopped {
			return
		}
		if m.fault != nil && (m.fault.Restart || m.fault.Reboot) {
			m.fault = nil
		}
		c.enter(id, types.InstanceStateNamePending)
		c.did("start %s", id)
	})
	if err != nil {
		return nil, err
	}
	return &ec2.StartInstancesOutput{}, nil
}

// ModifyInstanceAttribute is EC2's, of which volumes go with an instance.
func (c *Cloud) ModifyInstanceAttribute(ctx context.Context, in *ec2.ModifyInstanceAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error) {
	err := c.each(ctx, []string{aws.ToString(in.InstanceId)}, func(id string, m *machine) error {
		if over(m.state) {
			return fault("IncorrectInstanceState", "This instance '%s' is not in a state from which its attributes can be modified.", id)
		}
		if len(in.BlockDeviceMappings) == 0 {
			return fault("InvalidParameterCombination", "No attributes specified.")
		}
		for _, mapping := range in.BlockDeviceMappings {
			if c.atDevice(id, aws.ToString(mapping.DeviceName)) == nil {
				return fault("InvalidInstanceAttributeValue", "No device is currently mapped at %s", aws.ToString(mapping.DeviceName))
			}
		}
		return nil
	}, func(id string, m *machine) {
		if c.Stale {
			before := c.shown(id)
			m.before = &before
		}
		for _, mapping := range in.BlockDeviceMappings {
			dies := mapping.Ebs == nil || mapping.Ebs.DeleteOnTermination == nil || *mapping.Ebs.DeleteOnTermination // it is the default
			c.atDevice(id, *mapping.DeviceName).at.DeleteOnTermination = &dies
		}
	})
	if err != nil {
		return nil, err
	}
	return &ec2.ModifyInstanceAttributeOutput{}, nil
}
