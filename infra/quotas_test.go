package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// dimensionsOf are a metric's, by name.
func dimensionsOf(metric any) map[string]any {
	list, _ := at(metric, "Dimensions").([]any)
	values := map[string]any{}
	for _, d := range list {
		values[at(d, "Name").(string)] = at(d, "Value")
	}
	return values
}

func TestEachQuotaIsWarnedOfByItself(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, name := range pool.QuotaNames {
			alarm := alarmNamed(t, a, Ticket, "quota-near-"+name)
			d := dimensionsOf(alarm.Properties)
			if alarm.Properties["MetricName"] != telemetry.QuotaUsed.Name || d[telemetry.Stage] != a.stage.Name || d[telemetry.Of] != name || len(d) != len(telemetry.QuotaUsed.Dimensions) {
				t.Errorf("%s watches %v %v", name, alarm.Properties["MetricName"], d)
			}
			if !breaks(t, alarm.Properties, 80) || breaks(t, alarm.Properties, 79) {
				t.Errorf("%s: %v", name, alarm.Properties)
			}
		}
		// CloudWatch knows the quota itself (SERVICE_QUOTA) of some only, and with one that it does not, an alarm never rings.
		tasks := alarmNamed(t, a, Ticket, "quota-near-fargate-vcpus")
		queries, _ := tasks.Properties["Metrics"].([]any)
		text := ""
		for _, q := range queries {
			one, _ := json.Marshal(q)
			text += string(one)
		}
		for _, want := range []string{`"100 * m / SERVICE_QUOTA(m)"`, `"AWS/Usage"`, `"ResourceCount"`, `"Fargate"`, `"vCPU"`, `"Standard/OnDemand"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the quota of tasks' vCPUs is not watched by %s: %s", want, text)
			}
		}
	})
}

// What is said that a host takes is what its template has, and what RDS makes for it.
func TestWhatAHostTakesOfQuotasIsWhatItsTemplateHas(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		instanceInterfaces := 1 // RDS makes them: one in each zone with an instance
		if a.stage.Databases.MultiZone {
			instanceInterfaces = 2
		}
		gib := 0.0
		for id, volume := range a.share.of("AWS::EC2::Volume") {
			if strings.HasSuffix(id, pool.SideB) {
				continue // a stack is on one side
			}
			size, _ := volume.Properties["Size"].(float64)
			gib += size
		}
		for _, machine := range a.share.of("AWS::EC2::Instance") {
			for _, disk := range machine.Properties["BlockDeviceMappings"].([]any) {
				size, _ := at(disk, "Ebs", "VolumeSize").(float64)
				gib += size
			}
			if kind, _ := machine.Properties["InstanceType"].(string); kind != "" && !strings.HasSuffix(kind, ".xlarge") {
				t.Errorf("a gateway's machine is a %s", kind)
			}
		}
		number := func(tpl template, kind string) (n int) {
			for id := range tpl.of(kind) {
				if !strings.HasPrefix(id, "ShareRole") || !strings.HasSuffix(id, pool.SideB) {
					n++
				}
			}
			return n
		}
		of := func(kind string) [2]int { return [2]int{number(a.database, kind), number(a.share, kind)} }
		has := map[string][2]int{
			"rds-instances": of("AWS::RDS::DBInstance"), "rds-parameter-groups": of("AWS::RDS::DBParameterGroup"), "rds-subnet-groups": of("AWS::RDS::DBSubnetGroup"),
			"ec2-vcpus": {0, 4}, "ebs-storage": {0, int(gib)}, "iam-roles": of("AWS::IAM::Role"), "stacks": {1, 1},
			"interfaces": {instanceInterfaces, number(a.share, "AWS::EC2::NetworkInterface")}, "security-groups": of("AWS::EC2::SecurityGroup"),
			"alarms": of("AWS::CloudWatch::Alarm"),
		}
		said := map[string][2]int{}
		for _, q := range hostQuotas(a.stage) {
			said[q.Name] = [2]int{q.Database, q.Share}
		}
		if diff := cmp.Diff(has, said); diff != "" {
			t.Errorf("what hosts take (-templates +said):\n%s", diff)
		}
		if names := slices.Sorted(maps.Keys(said)); !slices.Equal(names, slices.Sorted(slices.Values(pool.QuotaNames))) {
			t.Errorf("said of %v", names)
		}
	})
}

// Where the handbook says that a default ends, people were told at four fifths of it, and the alarm is named there.
func TestTheHandbookNamesTheQuotasAlarms(t *testing.T) {
	_, quotas, _ := strings.Cut(handbook(t), "## Limits and quotas")
	for _, name := range append(slices.Clone(pool.QuotaNames), "fargate-vcpus") {
		if !strings.Contains(quotas, "`quota-near-"+name+"`") {
			t.Errorf("among the quotas there is no quota-near-%s", name)
		}
	}
}
