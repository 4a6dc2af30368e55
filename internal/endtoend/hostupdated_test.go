package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"headroom/internal/local"
	"headroom/internal/pool"
)

// older has a standing host's stack be of an earlier template, and waits until it is.
func (s *system) older(t *testing.T, id pool.HostID, change func(resources map[string]any)) {
	t.Helper()
	s.alterStack(t, stackOf(id), change)
	s.await(t, stackOf(id)+" is of an earlier template", func() bool { return s.status(t, stackOf(id)) == types.StackStatusUpdateComplete })
}

// updates has a person want a host's stack as that of a new one, and returns the repair by which that is done, once it has ended.
func (s *system) updates(t *testing.T, id pool.HostID) pool.Repair {
	t.Helper()
	before, _ := s.ledger.Repair(t.Context(), id)
	s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"update","requestedBy":"jo","reason":"a new template"}`, id))
	var r pool.Repair
	s.awaitFor(t, mendPatience, string(id)+" is updated, or not", func() bool {
		var err error
		r, err = s.ledger.Repair(t.Context(), id)
		return err == nil && r.Number > before.Number && r.State.Ended()
	})
	s.await(t, string(id)+" is in service", func() bool { return s.host(t, id).State == pool.HostInService })
	return r
}

// alarmsOf are the thresholds of a stack's alarms of these ends, by those that there are.
func (s *system) alarmsOf(t *testing.T, stack string, ends ...string) map[string]float64 {
	t.Helper()
	in := &cloudwatch.DescribeAlarmsInput{}
	for _, end := range ends {
		in.AlarmNames = append(in.AlarmNames, stack+end)
	}
	out, err := cloudwatch.NewFromConfig(s.AWS()).DescribeAlarms(t.Context(), in)
	must(t, err)
	found := map[string]float64{}
	for _, a := range out.MetricAlarms {
		found[strings.TrimPrefix(*a.AlarmName, stack)] = aws.ToFloat64(a.Threshold)
	}
	return found
}

// TestAStandingHostIsUpdated has hosts be of an earlier template, which lacks an alarm, has another threshold, and has an alarm that
// new ones have not: a person's word brings them to the template of new hosts, and what that would take away is refused.
func TestAStandingHostIsUpdated(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 4, Floor: 1, Ceiling: 1}, pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 1}), func(o *local.Options) { o.Speed = mendSpeed })
	s.awaitInService(t, 1, 1)
	database, share := pool.Key{Kind: pool.Database, Tier: tier}.Host(1), pool.Key{Kind: pool.Share, Tier: tier}.Host(1)
	new := s.alarmsOf(t, stackOf(database), "-cpu", "-silence", "-extra")
	s.alterAlarm(t, stackOf(database), 77)
	s.await(t, "its stack is updated", func() bool { return s.status(t, stackOf(database)) == types.StackStatusUpdateComplete })
	s.older(t, database, func(resources map[string]any) { delete(resources, "SilenceAlarm") })
	if was := s.alarmsOf(t, stackOf(database), "-cpu", "-silence", "-extra"); len(was) != 2 || was["-cpu"] != 77 || was["-extra"] == 0 {
		t.Fatalf("of an earlier template it has %v", was)
	}
	r := s.updates(t, database)
	if is := s.alarmsOf(t, stackOf(database), "-cpu", "-silence", "-extra"); r.State != pool.RepairMended || fmt.Sprint(is) != fmt.Sprint(new) {
		t.Errorf("its update is %s (%v), and it has %v, not %v", r.State, r.Tried, is, new)
	}
	machine := s.host(t, share).Access.Machine
	s.older(t, share, func(resources map[string]any) { delete(resources, "UploadsAlarm") })
	r = s.updates(t, share)
	if is := s.alarmsOf(t, stackOf(share), "-uploads"); len(is) != 1 || s.host(t, share).Access.Machine != machine {
		t.Errorf("its update is %s (%v), and it has %v", r.State, r.Tried, is)
	}
	s.older(t, database, func(resources map[string]any) {
		resources["OldLogs"] = map[string]any{"Type": "AWS::Logs::LogGroup", "Properties": map[string]any{"LogGroupName": "/aws/rds/instance/" + stackOf(database) + "/old"}}
		delete(resources, "SilenceAlarm")
	})
	r = s.updates(t, database)
	if is := s.alarmsOf(t, stackOf(database), "-silence"); len(r.Tried) != 1 || !strings.Contains(r.Tried[0].Came, "refused: OldLogs (AWS::Logs::LogGroup): Remove") || len(is) > 0 {
		t.Errorf("of what would be removed came %v, and it has %v", r.Tried, is)
	}
}
