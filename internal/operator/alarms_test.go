package operator

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// ring is CloudWatch with alarms that are on, of which each page has one.
type ring []string

func (r ring) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	at := 0
	if in.NextToken != nil {
		at = len(*in.NextToken)
	}
	name := aws.String(r[at])
	severity := "ticket"
	if strings.Contains(r[at], "-page-") {
		severity = "page"
	}
	description := aws.String("[" + severity + "] Something is so. Runbook: https://runs.example/books.md#" + r[at][strings.LastIndex(r[at], severity+"-")+len(severity)+1:])
	since, why := aws.Time(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)), aws.String("a threshold was crossed")
	out := &cloudwatch.DescribeAlarmsOutput{}
	if slices.Contains(in.AlarmTypes, types.AlarmTypeCompositeAlarm) && strings.HasSuffix(r[at], "customers-waiting") {
		out.CompositeAlarms = []types.CompositeAlarm{{AlarmName: name, AlarmDescription: description, StateReason: why, StateUpdatedTimestamp: since}}
	} else {
		out.MetricAlarms = []types.MetricAlarm{{AlarmName: name, AlarmDescription: description, StateReason: why, StateUpdatedTimestamp: since}}
	}
	if at+1 < len(r) {
		out.NextToken = aws.String(strings.Repeat("x", at+1))
	}
	return out, nil
}

func TestAnAlarmThatRingsIsANeed(t *testing.T) {
	o := Operator{Deployment: Deployment{Stage: "dev"}, Alarms: ring{
		"headroom-dev-ticket-policy-invalid", "headroom-dev-page-no-pool-check", "headroom-dev-database-standard-1-cpu", "headroom-dev-page-customers-waiting",
	}}
	on, err := o.alarmsOn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	needs := Status{Stage: "dev", Alarms: on}.needs(nil)
	want := []Need{
		{
			What: "alarm headroom-dev-page-customers-waiting is on since 2026-01-05T09:00:00Z: Something is so.", Do: "headroom tenant list",
			Severity: "page", Runbook: "https://runs.example/books.md#customers-waiting",
		}, {
			What: "alarm headroom-dev-page-no-pool-check is on since 2026-01-05T09:00:00Z: Something is so.", Severity: "page",
			Do:      "aws logs filter-log-events --log-group-name /aws/lambda/headroom-dev-poolcheck --filter-pattern 'ERROR'",
			Runbook: "https://runs.example/books.md#no-pool-check",
		}, {
			What: "alarm headroom-dev-ticket-policy-invalid is on since 2026-01-05T09:00:00Z: Something is so.", Do: "headroom pool policy get",
			Severity: "ticket", Runbook: "https://runs.example/books.md#policy-invalid",
		},
	}
	if !slices.Equal(needs, want) {
		t.Errorf("needs are %+v, want %+v", needs, want)
	}
	if len(on) != 4 {
		t.Errorf("%d alarms are shown", len(on))
	}
}

func TestThatTenantsWaitAndTheAlarmOnItAreOneNeed(t *testing.T) {
	since := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	s := Status{
		Stage: "dev", Waiting: []Waiting{{Tier: "standard", Tenants: 2, First: "acme", Since: since}, {Tier: "gold", Tenants: 1, First: "globex", Since: since}},
		Alarms: []Alarm{{Alarm: "headroom-dev-page-customers-waiting", Since: since, What: "Customers wait.", Runbook: "https://runs.example/books.md#customers-waiting"}},
	}
	want := []Need{{
		What:     "2 tenants of tier standard wait, the first since 2026-01-05T09:00:00Z; 1 tenant of tier gold waits, the first since 2026-01-05T09:00:00Z; alarm headroom-dev-page-customers-waiting is on since 2026-01-05T09:00:00Z",
		Severity: "page", Do: "headroom tenant explain acme", Runbook: "https://runs.example/books.md#customers-waiting",
	}}
	if needs := s.needs(nil); !slices.Equal(needs, want) {
		t.Errorf("needs are %+v, want %+v", needs, want)
	}
	s.Alarms = nil
	if needs := s.needs(nil); len(needs) != 2 || needs[1].Do != "headroom tenant explain globex" {
		t.Errorf("before the alarm rings, needs are %+v", needs)
	}
}
