package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"headroom/internal/telemetry"
)

// alarmNamed is an alarm of the control plane, by how badly it calls and by the end of its name.
func alarmNamed(t *testing.T, a assembly, s Severity, what string) resource {
	t.Helper()
	for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"} {
		for _, r := range a.control.of(kind) {
			if r.Properties["AlarmName"] == "headroom-"+a.stage.Name+"-"+string(s)+"-"+what {
				return r
			}
		}
	}
	t.Fatalf("there is no alarm %s", what)
	return resource{}
}

func TestPeopleHearOfWhatNeedsThem(t *testing.T) {
	tests := []struct {
		severity  Severity
		what      string
		metric    telemetry.Metric
		rings     float64 // a value at which it rings
		stays     float64 // a value at which it does not
		missing   string
		atMinutes float64
	}{
		{Page, "tenants-waiting", telemetry.TenantsWaiting, 1, 0, "notBreaching", 5},
		{Page, "no-pool-check", telemetry.PoolChecks, 0, 1, "breaching", 5},
		{Page, "repair-asks", telemetry.RepairsAsking, 1, 0, "notBreaching", 1},
		{Page, "zone-fails", telemetry.ZonesFailing, 1, 0, "notBreaching", 1},
		{Page, "inventory-grave", telemetry.InventoryGrave, 1, 0, "notBreaching", 30},
		{Ticket, "pool-low", telemetry.BufferFree, 24, 25, "missing", 5},
		{Ticket, "hosts-quarantined", telemetry.HostsQuarantined, 1, 0, "notBreaching", 1},
		{Ticket, "slots-quarantined", telemetry.SlotsQuarantined, 1, 0, "notBreaching", 1},
		{Ticket, "policy-invalid", telemetry.PolicyInvalid, 1, 0, "notBreaching", 1},
		{Ticket, "wait-near", telemetry.WaitRisk, 50, 49, "missing", 5},
		{Ticket, "money-near", telemetry.MoneyCapUsed, 80, 79, "missing", 5},
		{Ticket, "ceiling-near", telemetry.CeilingUsed, 80, 79, "missing", 5},
		{Ticket, "orders-fail", telemetry.FailuresInARow, 3, 2, "missing", 1},
		{Ticket, "inventory-differs", telemetry.InventoryDiffers, 1, 0, "notBreaching", 30},
		{Ticket, "audit-behind", telemetry.AuditBehind, 45*60 + 1, 45 * 60, "breaching", 60},
		{Ticket, "audit-lost", telemetry.AuditLost, 1, 0, "notBreaching", 30},
		{Ticket, "step-overdue", telemetry.StepsOverdue, 1, 0, "notBreaching", 5},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, test := range tests {
			p := alarmNamed(t, a, test.severity, test.what).Properties
			if p["Namespace"] != telemetry.Namespace || p["MetricName"] != test.metric.Name || p["TreatMissingData"] != test.missing {
				t.Errorf("%s watches %v %v, missing data is %v", test.what, p["Namespace"], p["MetricName"], p["TreatMissingData"])
			}
			dimensions, _ := p["Dimensions"].([]any)
			if len(dimensions) != 1 || at(dimensions[0], "Name") != telemetry.Stage || at(dimensions[0], "Value") != a.stage.Name {
				t.Errorf("%s watches %v", test.what, dimensions)
			}
			if !test.metric.AlsoOfStage && len(test.metric.Dimensions) != 1 {
				t.Errorf("%s watches a metric that is not written by its stage alone", test.what)
			}
			if !breaks(t, p, test.rings) || breaks(t, p, test.stays) {
				t.Errorf("%s: %v %v", test.what, p["ComparisonOperator"], p["Threshold"])
			}
			period, _ := p["Period"].(float64)
			if times, _ := p["EvaluationPeriods"].(float64); times*period != 60*test.atMinutes {
				t.Errorf("%s rings after %v times %v s", test.what, times, period)
			}
		}
	})
}

func breaks(t *testing.T, properties map[string]any, value float64) bool {
	t.Helper()
	threshold, _ := properties["Threshold"].(float64)
	switch properties["ComparisonOperator"] {
	case "GreaterThanThreshold":
		return value > threshold
	case "GreaterThanOrEqualToThreshold":
		return value >= threshold
	case "LessThanThreshold":
		return value < threshold
	case "LessThanOrEqualToThreshold":
		return value <= threshold
	}
	t.Fatalf("comparison %v", properties["ComparisonOperator"])
	return false
}

// Each alarm calls by the topic that its name says, and says how badly, and where to read on; one that calls nobody is part
// of one that does. Five may page.
func TestEveryAlarmOfTheControlPlaneCallsPeople(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		composite := a.control.of("AWS::CloudWatch::CompositeAlarm")
		all := a.control.of("AWS::CloudWatch::Alarm")
		maps.Copy(all, composite)
		pages := 0
		for id, alarm := range all {
			name, _ := alarm.Properties["AlarmName"].(string)
			severity, _, _ := strings.Cut(strings.TrimPrefix(name, "headroom-"+a.stage.Name+"-"), "-")
			if calls, _ := alarm.Properties["AlarmActions"].([]any); severity == string(Page) && len(calls) > 0 {
				pages++ // the parts of a composite alarm call nobody
			}
			topic := map[string]string{"page": "Pages", "ticket": "Notifications"}[severity]
			description := string(mustJSON(t, alarm.Properties["AlarmDescription"]))
			if !strings.Contains(description, `[`+severity+`] `) || !strings.Contains(description, `"RunbooksUrl"`) || !strings.Contains(description, `"#`) {
				t.Errorf("%s says %s", name, description)
			}
			part := false
			for _, c := range composite {
				part = part || strings.Contains(fmt.Sprint(c.Properties["AlarmRule"]), `ALARM("`+name+`")`)
			}
			for _, actions := range []string{"AlarmActions", "OKActions"} {
				list, _ := alarm.Properties[actions].([]any)
				switch {
				case part && len(list) == 0:
				case len(list) != 1 || topic == "" || !strings.HasPrefix(referred(list[0]), topic) || a.control.Resources[referred(list[0])].Type != "AWS::SNS::Topic":
					t.Errorf("%s (%s): %s %v", id, name, actions, list)
				}
			}
		}
		if pages == 0 || pages > 5 {
			t.Errorf("%d alarms page", pages)
		}
	})
}

// RDS grows the storage when a tenth of what there is at the time is free. At every size that it may have, the
// alarm is below that, and not below a twentieth.
func TestTheStorageAlarmIsAShareOfTheStorageThatThereIs(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		threshold, _ := a.database.Resources["StorageAlarm"].Properties["Threshold"].(float64)
		for _, gib := range []int{a.stage.Databases.StorageGiB, a.stage.Databases.MaxStorageGiB} {
			has := float64(gib) * (1 << 30)
			if threshold > has/10 || threshold < has/20 {
				t.Errorf("of %d GiB it rings at %.1f %% free", gib, 100*threshold/has)
			}
		}
	})
}

// An instance that is down sends no metrics. One alarm of it rings then, and only then: not when it idles, and not by
// what it waits for, so that nothing in the host's template has to wait for the instance.
func TestAHostThatSendsNothingRings(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		breaching := 0
		for id, alarm := range a.database.of("AWS::CloudWatch::Alarm") {
			p := alarm.Properties
			if p["TreatMissingData"] != "breaching" {
				continue
			}
			breaching++
			if p["MetricName"] != "DatabaseConnections" || p["Statistic"] != "SampleCount" || breaks(t, p, 1) || !breaks(t, p, 0) {
				t.Errorf("%s watches %v of %v: %v %v", id, p["Statistic"], p["MetricName"], p["ComparisonOperator"], p["Threshold"])
			}
			if p["Period"] != 60.0 || p["EvaluationPeriods"] != 5.0 || p["AlarmActions"] != nil {
				t.Errorf("%s: %v", id, p)
			}
			if text := string(mustJSON(t, alarm)); strings.Contains(text, `"Instance"`) {
				t.Errorf("%s waits for the instance: %s", id, text)
			}
		}
		if breaching != 1 {
			t.Errorf("%d alarms ring when nothing is sent", breaching)
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
