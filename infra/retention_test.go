package main

import (
	"slices"
	"strings"
	"testing"
)

func TestABucketForgetsWhatNoRestoreNeeds(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, bucket := range a.share.of("AWS::S3::Bucket") {
			versions, marks, uploads := 0.0, false, 0.0
			rules, _ := at(bucket.Properties, "LifecycleConfiguration", "Rules").([]any)
			for _, rule := range rules {
				if at(rule, "Status") != "Enabled" {
					t.Errorf("%s: %v", id, rule)
				}
				if at(rule, "ExpirationInDays") != nil || at(rule, "Transitions") != nil {
					t.Errorf("%s: %v touches what is current", id, rule)
				}
				if days, ok := at(rule, "NoncurrentVersionExpiration", "NoncurrentDays").(float64); ok {
					versions, marks = days, at(rule, "ExpiredObjectDeleteMarker") == true
				}
				if days, ok := at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation").(float64); ok {
					uploads = days
				}
			}
			if versions != float64(a.stage.RestoreDays) || !marks || uploads != 7 {
				t.Errorf("%s: versions %v days, marks %t, uploads %v days", id, versions, marks, uploads)
			}
		}
		if days := a.database.Resources["Instance"].Properties["BackupRetentionPeriod"]; days != float64(a.stage.RestoreDays) {
			t.Errorf("a database can be put back %v days, a share %d", days, a.stage.RestoreDays)
		}
	})
}

func TestADatabasesLogsAreKeptForATime(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		exported, _ := a.database.Resources["Instance"].Properties["EnableCloudwatchLogsExports"].([]any)
		if !slices.Equal(exported, []any{"postgresql", "upgrade"}) {
			t.Errorf("logs %v are exported", exported)
		}
		var kept []string
		for id, group := range a.database.of("AWS::Logs::LogGroup") {
			name, _ := at(group.Properties, "LogGroupName", "Fn::Sub").(string)
			log, ok := strings.CutPrefix(name, "/aws/rds/instance/headroom-${Stage}-${HostId}/")
			if days, _ := group.Properties["RetentionInDays"].(float64); !ok || days == 0 {
				t.Errorf("%s: %v", id, group.Properties)
			}
			if !slices.Contains(a.database.Resources["Instance"].DependsOn, id) {
				t.Errorf("the instance does not wait for %s: RDS may be first, and keeps logs for ever", id)
			}
			kept = append(kept, log)
		}
		slices.Sort(kept)
		if !slices.Equal(kept, []string{"postgresql", "upgrade"}) {
			t.Errorf("groups for %v", kept)
		}
	})
}
