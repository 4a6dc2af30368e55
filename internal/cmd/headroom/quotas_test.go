package main

import (
	"strings"
	"testing"

	"headroom/internal/operator"
)

// Each quota says how much of it is used, or why that is not known.
func TestQuotasAreShown(t *testing.T) {
	p := &page{}
	const then = "2026-11-02T09:00:00Z"
	showQuotas(p, []operator.Quota{
		{Name: "alarms", Most: 5000, Assumed: true, Used: 60, Percent: 1, Grown: 400, Read: then, Counts: true},
		{Name: "ec2-vcpus", Used: 16, Grown: 200, Read: then},
		{Name: "rds-instances", Most: 40, Used: 38, Percent: 95, Grown: 41, Read: then, Counts: true, Why: "AccessDenied: not authorized"},
		{Name: "iam-roles", Most: 1000, Read: then},
		{Name: "stacks", Why: "Throttling: Rate exceeded"},
	})
	got := strings.Join(strings.Fields(strings.ReplaceAll(p.String(), "\n", " | ")), " ")
	for _, want := range []string{
		"| alarms 5000 (assumed) 60 1 % 400 " + then, "| ec2-vcpus - 16 - 200 " + then + " AWS names none", "| rds-instances 40 38 95 % 41 " + then,
		"| iam-roles 1000 - - - " + then + " does not count", "| stacks - - - - never does not count",
		"rds-instances can't be read: AccessDenied: not authorized", "stacks can't be read: Throttling: Rate exceeded",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q: %s", want, got)
		}
	}
}
