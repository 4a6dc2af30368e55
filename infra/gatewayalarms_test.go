package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

// dimensionsOfAlarm are the dimensions of an alarm on one metric, as a template words their values.
func dimensionsOfAlarm(p map[string]any) map[string]string {
	d := map[string]string{}
	for _, one := range list(p["Dimensions"]) {
		d[fmt.Sprint(at(one, "Name"))] = plain(at(one, "Value"))
	}
	return d
}

func TestEveryGatewayIsWatchedAsAWSRecommends(t *testing.T) {
	want := map[string]struct { // alarm: its metric, what breaks it, what does not, after how many times five minutes
		metric                string
		rings, stays, periods float64
	}{
		"iowait": {"IoWaitPercent", 20, 19, 3}, "dirty": {"CachePercentDirty", 81, 80, 4}, "availability": {"AvailabilityNotifications", 1, 0, 1},
		"health": {"HealthNotifications", 1, 0, 1}, "uploads": {"FilesFailingUpload", 1, 0, 1},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		found := 0
		for id, alarm := range a.share.of("AWS::CloudWatch::Alarm") {
			p := alarm.Properties
			name := plain(p["AlarmName"])
			w, gateways := want[strings.TrimPrefix(name, "headroom-<Stage>-<HostId>-")]
			if !gateways {
				continue
			}
			found++
			if p["Namespace"] != "AWS/StorageGateway" || p["MetricName"] != w.metric || p["Period"] != 300.0 || p["EvaluationPeriods"] != w.periods {
				t.Errorf("%s watches %v", id, p)
			}
			if !breaks(t, p, w.rings) || breaks(t, p, w.stays) {
				t.Errorf("%s: %v %v", id, p["ComparisonOperator"], p["Threshold"])
			}
			if diff := cmp.Diff(map[string]string{"GatewayId": "<GatewayId>", "GatewayName": "headroom-<Stage>-<HostId>"}, dimensionsOfAlarm(p)); diff != "" {
				t.Errorf("%s watches (-want +got):\n%s", id, diff)
			}
		}
		if found != len(want) {
			t.Errorf("%d alarms on a gateway, want %d", found, len(want))
		}
		for parameters, n := range map[string]int{"": 1, "sgw-12A3456B": shareAlarms} { // its machine's stands by itself
			got := made(t, a.share, "AWS::CloudWatch::Alarm", map[string]string{"HasMachine": "true", "GatewayId": parameters, "Slots": "1"})
			if got != n {
				t.Errorf("with gateway %q there are %d alarms, want %d", parameters, got, n)
			}
		}
	})
}

// A machine that is stopped, or gone, has no metrics.
func TestAMachineThatSendsNothingRings(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		alarm := a.share.Resources["StatusAlarm"]
		p := alarm.Properties
		if p["Namespace"] != "AWS/EC2" || p["MetricName"] != "StatusCheckFailed" || p["TreatMissingData"] != "breaching" || p["Period"] != 60.0 || p["EvaluationPeriods"] != 5.0 {
			t.Errorf("it watches %v", p)
		}
		if !breaks(t, p, 1) || breaks(t, p, 0) {
			t.Errorf("it is %v %v", p["ComparisonOperator"], p["Threshold"])
		}
		if diff := cmp.Diff(map[string]string{"InstanceId": "<Machine>"}, dimensionsOfAlarm(p)); diff != "" || alarm.Condition != a.share.Resources["Machine"].Condition {
			t.Errorf("under %s it watches (-want +got):\n%s", alarm.Condition, diff)
		}
	})
}

// The rule, the function and the pool check know a host by the name of an alarm.
func TestAlarmsOfAShareHostAreCalledByIt(t *testing.T) {
	const host = "share-standard-3"
	forEachStage(t, func(t *testing.T, a assembly) {
		prefix, mend := "headroom-"+a.stage.Name+"-", map[string]bool{}
		for id, alarm := range a.share.of("AWS::CloudWatch::Alarm") {
			name := strings.NewReplacer("<Stage>", a.stage.Name, "<HostId>", host).Replace(plain(alarm.Properties["AlarmName"]))
			if !strings.HasPrefix(name, prefix+host+"-") {
				t.Errorf("%s is called %s", id, name)
			}
			h := pool.Host{ID: host, Kind: pool.Share, State: pool.HostCordoned, Alarms: map[string]pool.AlarmMark{name: {On: true}}}
			_, mend[id] = pool.Ailing(h)
			if alarm.Properties["AlarmActions"] != nil {
				t.Errorf("%s has actions", id)
			}
		}
		want := map[string]bool{
			"StatusAlarm": true, "AvailabilityAlarm": true, "HealthAlarm": true, "DirtyAlarm": false, "IoWaitAlarm": false, "UploadsAlarm": false,
		}
		if diff := cmp.Diff(want, mend); diff != "" {
			t.Errorf("what a repair may mend (-want +got):\n%s", diff)
		}
	})
}
