package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// expressionOf is what an alarm compares with its threshold, and the metrics that it calls by their ids.
func expressionOf(t *testing.T, alarm resource) (expression string, metrics map[string]any) {
	t.Helper()
	metrics = map[string]any{}
	queries, _ := alarm.Properties["Metrics"].([]any)
	for _, q := range queries {
		if text, ok := at(q, "Expression").(string); ok && at(q, "ReturnData") == true {
			expression = text
			continue
		}
		metrics[at(q, "Id").(string)] = at(q, "MetricStat", "Metric")
	}
	return expression, metrics
}

// dimensionsOf are a metric's, by name.
func dimensionsOf(metric any) map[string]any {
	list, _ := at(metric, "Dimensions").([]any)
	values := map[string]any{}
	for _, d := range list {
		values[at(d, "Name").(string)] = at(d, "Value")
	}
	return values
}

// With SERVICE_QUOTA of a quota that CloudWatch doesn't know, an alarm has no data and never rings. Of these, it knows
// the vCPUs only.
func TestQuotasThatAWSCountsAreWarnedOf(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for what, want := range map[string]struct{ service, resource, class, expression string }{
			"quota-rds-instances":        {"RDS", "DBInstances", "None", fmt.Sprintf("100 * m / %d", a.stage.Quotas.Instances)},
			"quota-rds-parameter-groups": {"RDS", "DBParameterGroups", "None", fmt.Sprintf("100 * m / %d", a.stage.Quotas.InstanceGroups)},
			"quota-rds-subnet-groups":    {"RDS", "DBSubnetGroups", "None", fmt.Sprintf("100 * m / %d", a.stage.Quotas.InstanceGroups)},
			"quota-ec2-vcpus":            {"EC2", "vCPU", "Standard/OnDemand", "100 * m / SERVICE_QUOTA(m)"},
			"quota-fargate-vcpus":        {"Fargate", "vCPU", "Standard/OnDemand", "100 * m / SERVICE_QUOTA(m)"},
		} {
			alarm := alarmNamed(t, a, Ticket, what)
			expression, metrics := expressionOf(t, alarm)
			if expression != want.expression || at(metrics["m"], "Namespace") != "AWS/Usage" || at(metrics["m"], "MetricName") != "ResourceCount" {
				t.Errorf("%s: %s of %v", what, expression, metrics)
			}
			if d := dimensionsOf(metrics["m"]); d["Service"] != want.service || d["Resource"] != want.resource || d["Class"] != want.class || d["Type"] != "Resource" || len(d) != 4 {
				t.Errorf("%s watches %v", what, d)
			}
			if !breaks(t, alarm.Properties, 80) || breaks(t, alarm.Properties, 79) {
				t.Errorf("%s: %v", what, alarm.Properties)
			}
		}
	})
}

var reckoning = regexp.MustCompile(`^100 \* \((\d+) \+ (\d+) \* m \+ (\d+) \* s\) / (\d+)$`)

// counted is what an alarm reckons with: what the control plane takes, a host of each kind, and the quota.
func counted(t *testing.T, a assembly, what string) (stage, database, share, quota int) {
	t.Helper()
	alarm := alarmNamed(t, a, Ticket, what)
	expression, metrics := expressionOf(t, alarm)
	parts := reckoning.FindStringSubmatch(expression)
	if parts == nil {
		t.Fatalf("%s: %s", what, expression)
	}
	for id, kind := range map[string]pool.Kind{"m": pool.Database, "s": pool.Share} {
		d := dimensionsOf(metrics[id])
		if d[telemetry.Stage] != a.stage.Name || d[telemetry.Kind] != string(kind) || len(d) != len(telemetry.HostsOfKind.Dimensions) ||
			at(metrics[id], "MetricName") != telemetry.HostsOfKind.Name {
			t.Errorf("%s takes for %s hosts %v", what, kind, metrics[id])
		}
	}
	if !breaks(t, alarm.Properties, 80) || breaks(t, alarm.Properties, 79) {
		t.Errorf("%s: %v", what, alarm.Properties)
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(parts[i+1]) // the pattern has digits only
	}
	return n[0], n[1], n[2], n[3]
}

// What is reckoned for a host, and for the control plane, is what their templates have.
func TestQuotasThatAWSDoesNotCountAreReckonedFromTheHosts(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		instanceInterfaces := 1 // RDS makes them: one in each zone with an instance
		if a.stage.Databases.MultiZone {
			instanceInterfaces = 2
		}
		endpoints := 0
		for _, e := range a.control.of("AWS::EC2::VPCEndpoint") {
			subnets, _ := e.Properties["SubnetIds"].([]any)
			endpoints += len(subnets)
		}
		gib := 0.0
		for _, volume := range a.share.of("AWS::EC2::Volume") {
			size, _ := volume.Properties["Size"].(float64)
			gib += size
		}
		for _, machine := range a.share.of("AWS::EC2::Instance") {
			for _, disk := range machine.Properties["BlockDeviceMappings"].([]any) {
				size, _ := at(disk, "Ebs", "VolumeSize").(float64)
				gib += size
			}
		}
		number := func(tpl template, kind string) int { return len(tpl.of(kind)) }
		q := a.stage.Quotas
		for what, has := range map[string]struct{ stage, database, share, quota int }{
			"quota-iam-roles":       {number(a.control, "AWS::IAM::Role"), number(a.database, "AWS::IAM::Role"), number(a.share, "AWS::IAM::Role"), q.Roles},
			"quota-ebs-storage":     {0, 0, int(gib), q.StorageTiB * 1024},
			"quota-stacks":          {1, 1, 1, q.Stacks},
			"quota-interfaces":      {endpoints, instanceInterfaces, number(a.share, "AWS::EC2::NetworkInterface"), q.Interfaces},
			"quota-security-groups": {number(a.control, "AWS::EC2::SecurityGroup"), number(a.database, "AWS::EC2::SecurityGroup"), number(a.share, "AWS::EC2::SecurityGroup"), q.SecurityGroups},
			"quota-alarms":          {number(a.control, "AWS::CloudWatch::Alarm"), number(a.database, "AWS::CloudWatch::Alarm"), number(a.share, "AWS::CloudWatch::Alarm"), q.Alarms},
		} {
			stage, database, share, quota := counted(t, a, what)
			if database != has.database || share != has.share || quota != has.quota {
				t.Errorf("%s reckons with %d a database host, %d a share host, of %d; there are %+v", what, database, share, quota, has)
			}
			if stage < has.stage || stage > 2*has.stage+30 {
				t.Errorf("%s reckons with %d of the control plane, which has %d", what, stage, has.stage)
			}
		}
	})
}

// Where the handbook says that a default ends, people were told at four fifths of it, and the alarm is named there.
func TestTheHandbookNamesTheQuotasAlarms(t *testing.T) {
	text := handbook(t)
	_, quotas, _ := strings.Cut(text, "## Limits and quotas")
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, r := range reckonedQuotas(a.stage) {
			if !strings.Contains(quotas, "`"+r.what+"`") {
				t.Errorf("among the quotas there is no %s", r.what)
			}
		}
		for _, u := range usages(a.stage.Quotas) {
			if !strings.Contains(quotas, "`"+u.what+"`") {
				t.Errorf("among the quotas there is no %s", u.what)
			}
		}
	})
}
