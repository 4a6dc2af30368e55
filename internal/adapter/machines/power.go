package machines

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Reboot asks a machine that runs to start its system again: it stays where it is, and keeps its disks and its address.
// EC2 resets one that does not within some minutes ("Reboot your Amazon EC2 instance" in its user guide); nothing tells
// when that is done. pool.ErrInTransit when it does not run, pool.ErrNotFound when there is none. One that has ended
// already may be no error.
func (m *Machines) Reboot(ctx context.Context, id string) error {
	if _, err := m.Client.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: []string{id}}); err != nil {
		return fmt.Errorf("reboot machine %s: %w", id, meaning(err))
	}
	return nil
}

// Stop asks a machine to shut itself down; look for when it is stopped. It is never forced, so its system may write
// what it has not written yet. One that is stopped, or stopping, is no error. pool.ErrInTransit when it has not started
// yet, or has ended; pool.ErrNotFound when there is none.
func (m *Machines) Stop(ctx context.Context, id string) error {
	if _, err := m.Client.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		return fmt.Errorf("stop machine %s: %w", id, meaning(err))
	}
	return nil
}

// Start asks for a machine that is stopped to be started, maybe elsewhere in its zone; look for when it runs. It may
// then be found stopped again, as when the key of a disk can't be used. One that runs, or is starting, is no error.
// pool.ErrInTransit when it is stopping, or has ended; pool.ErrNoCapacity when EC2 has no room for it now; pool.ErrNotFound
// when there is none. Without a volume at the root's device it can't be started.
func (m *Machines) Start(ctx context.Context, id string) error {
	if _, err := m.Client.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		return fmt.Errorf("start machine %s: %w", id, meaning(err))
	}
	return nil
}
