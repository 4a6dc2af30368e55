package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestCdkNagFindsNothingUnexplained reads the reports of cdk-nag's AwsSolutions rules.
func TestCdkNagFindsNothingUnexplained(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		reports := 0
		for _, dir := range []string{a.dir, filepath.Join(a.dir, "hosts")} {
			files, err := filepath.Glob(filepath.Join(dir, "AwsSolutions-*-NagReport.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				reports++
				checkNagReport(t, file)
			}
		}
		if reports != len(a.templates()) {
			t.Errorf("%d reports, want one for each of %d templates", reports, len(a.templates()))
		}
	})
}

func checkNagReport(t *testing.T, file string) {
	t.Helper()
	var report struct {
		Lines []struct{ RuleID, ResourceID, Compliance, ExceptionReason, RuleInfo string }
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	if len(report.Lines) == 0 {
		t.Errorf("%s checked nothing", file)
	}
	for _, line := range report.Lines {
		switch line.Compliance {
		case "Compliant", "N/A":
		case "Suppressed":
			if len(line.ExceptionReason) < 20 {
				t.Errorf("%s of %s is suppressed without a reason", line.RuleID, line.ResourceID)
			}
		default:
			t.Errorf("%s of %s: %s: %s", line.RuleID, line.ResourceID, line.Compliance, line.RuleInfo)
		}
	}
}

// TestAwsValidatesTheTemplates reads the report that AWS's own offline checks leave. They are set to
// fail the synthesis too; this notes when they were not run at all.
func TestAwsValidatesTheTemplates(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, dir := range []string{a.dir, filepath.Join(a.dir, "hosts")} {
			text, err := os.ReadFile(filepath.Join(dir, "validation-report.json"))
			if err != nil {
				t.Fatal(err)
			}
			var report struct {
				PluginReports []struct {
					Violations []any `json:"violations"`
				} `json:"pluginReports"`
			}
			if err := json.Unmarshal(text, &report); err != nil {
				t.Fatal(err)
			}
			for _, plugin := range report.PluginReports {
				for _, violation := range plugin.Violations {
					t.Errorf("%v", violation)
				}
			}
		}
	})
}
