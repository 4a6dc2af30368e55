package machinestest

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Fault is why an instance fails its status checks, and what mends that.
type Fault struct {
	System  bool // its system's check fails, else its own
	Reboot  bool // it is mended by a reboot
	Restart bool // it is mended by being stopped and started, as a fault of the machine below it is
}

// health is what the status checks of an instance find, and what they tell, which is older.
type health struct {
	fault *Fault
	told  *Fault // nil: all is well
	known bool   // else they are initializing
	due   int    // looks until what is found is told
}

// begin is what checks know of an instance that was started just now.
func (h *health) begin(late int) { h.told, h.known, h.due = nil, false, late }

// look is one look at the checks.
func (h *health) look() {
	if h.due--; h.due < 0 {
		h.told, h.known, h.due = h.fault, true, 0
	}
}

// Fail has an instance fail its status checks, which tell so some looks later, until it is mended. A fault does not
// change its state: it goes on running.
func (c *Cloud) Fail(id string, f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[id].fault, c.machines[id].due = &f, c.Late
}

// Mend ends a fault by itself.
func (c *Cloud) Mend(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[id].fault, c.machines[id].due = nil, c.Late
}

// DescribeInstanceStatus is EC2's: of instances that run, unless it is asked for all.
func (c *Cloud) DescribeInstanceStatus(ctx context.Context, in *ec2.DescribeInstanceStatusInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range in.InstanceIds {
		if c.machines[id] == nil {
			return nil, noMachine(id)
		}
	}
	out := &ec2.DescribeInstanceStatusOutput{}
	for _, id := range slices.Sorted(maps.Keys(c.machines)) {
		m := c.machines[id]
		runs := m.state == types.InstanceStateNameRunning
		if len(in.InstanceIds) > 0 && !slices.Contains(in.InstanceIds, id) || !runs && !aws.ToBool(in.IncludeAllInstances) {
			continue
		}
		status := types.InstanceStatus{InstanceId: &id, InstanceState: &types.InstanceState{Name: m.state}}
		if runs {
			m.look()
		}
		status.SystemStatus, status.InstanceStatus = m.summary(true), m.summary(false)
		out.InstanceStatuses = append(out.InstanceStatuses, status)
	}
	return out, nil
}

func (m *machine) summary(system bool) *types.InstanceStatusSummary {
	is := types.SummaryStatusOk
	switch {
	case m.state != types.InstanceStateNameRunning && m.state != types.InstanceStateNamePending:
		is = types.SummaryStatusNotApplicable
	case m.state == types.InstanceStateNamePending || !m.known:
		is = types.SummaryStatusInitializing
	case m.told != nil && m.told.System == system:
		is = types.SummaryStatusImpaired
	}
	return &types.InstanceStatusSummary{Status: is}
}
