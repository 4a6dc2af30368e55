package operator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Alarm is an alarm that is on: of the control plane, which is for people, or of a host, which the functions hear.
type Alarm struct {
	Alarm    string    `json:"alarm"`
	Since    time.Time `json:"since"`
	Why      string    `json:"why"`
	Severity string    `json:"severity,omitempty"` // "page" or "ticket"; left out: it is a host's
	What     string    `json:"what,omitempty"`     // what it is that is so, in words; the control plane's
	Runbook  string    `json:"runbook,omitempty"`  // address of its section; the control plane's
	Aside    string    `json:"aside,omitempty"`    // why nobody has to do anything about it; left out: somebody has
}

// alarmsOn lists the alarms of the stage that are on, by name.
func (o *Operator) alarmsOn(ctx context.Context) ([]Alarm, error) {
	var on []Alarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(o.Alarms, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String("headroom-" + o.Stage + "-"), StateValue: types.StateValueAlarm,
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("look at the alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			on = append(on, o.alarm(a.AlarmName, a.AlarmDescription, a.StateReason, a.StateUpdatedTimestamp))
		}
		for _, a := range page.CompositeAlarms {
			on = append(on, o.alarm(a.AlarmName, a.AlarmDescription, a.StateReason, a.StateUpdatedTimestamp))
		}
	}
	slices.SortFunc(on, func(a, b Alarm) int { return compareText(a.Alarm, b.Alarm) })
	return on, nil
}

// alarm reads what the control plane's alarms say of themselves: the severity in the name, the rest in the description, which is
// "[page] What is so. Runbook: https://…#section".
func (o *Operator) alarm(name, description, why *string, since *time.Time) Alarm {
	a := Alarm{Alarm: aws.ToString(name), Since: aws.ToTime(since).UTC(), Why: aws.ToString(why)}
	severity, _ := a.part(o.Stage)
	if severity == "" {
		return a
	}
	a.Severity = severity
	a.What, a.Runbook, _ = strings.Cut(strings.TrimPrefix(aws.ToString(description), "["+severity+"] "), " Runbook: ")
	return a
}

// part reads a control plane's alarm's name: "headroom-dev-page-no-pool-check" is a page, of no-pool-check. A host's begins
// with its kind where the severity stands, and is none.
func (a Alarm) part(stage string) (severity, what string) {
	rest := strings.TrimPrefix(a.Alarm, "headroom-"+stage+"-")
	for _, severity := range []string{"page", "ticket"} {
		if what, ok := strings.CutPrefix(rest, severity+"-"); ok {
			return severity, what
		}
	}
	return "", ""
}

// tellsOfWaiting reports whether it is the alarm that customers wait.
func (a Alarm) tellsOfWaiting(stage string) bool {
	_, what := a.part(stage)
	return what == "customers-waiting"
}

// ringing are the needs that alarms are which call people, pages first. A host's alarm is the functions' to act on: what they
// could not do stands in the host's state. That tenants wait and the alarm on that are one need.
func ringing(stage string, on []Alarm, waiting []Waiting) []Need {
	var needs []Need
	for _, a := range on {
		severity, what := a.part(stage)
		if severity == "" || a.Aside != "" {
			continue
		}
		_, section, _ := strings.Cut(a.Runbook, "#")
		if a.tellsOfWaiting(stage) && len(waiting) > 0 {
			var lists []string
			for _, w := range waiting {
				lists = append(lists, w.String())
			}
			needs = append(needs, Need{
				What: fmt.Sprintf("%s; alarm %s is on since %s", strings.Join(lists, "; "), a.Alarm, a.Since.Format(time.RFC3339)),
				Do:   waiting[0].explain(), Severity: severity, Runbook: a.Runbook,
			})
			continue
		}
		needs = append(needs, Need{
			What: fmt.Sprintf("alarm %s is on since %s: %s", a.Alarm, a.Since.Format(time.RFC3339), cmp.Or(a.What, a.Why)),
			Do:   AfterAlarm(stage, section, what), Severity: severity, Runbook: a.Runbook,
		})
	}
	slices.SortStableFunc(needs, func(a, b Need) int { return compareText(a.Severity, b.Severity) })
	return needs
}

// AfterAlarm is the command to begin with once an alarm of the control plane rings, by its runbook's section and by what ends
// its name: it shows which host, tenant, queue or quota it is about. The runbook says how to go on.
func AfterAlarm(stage, section, what string) string {
	logs := func(function, pattern string) string {
		return "aws logs filter-log-events --log-group-name /aws/lambda/headroom-" + stage + "-" + function + " --filter-pattern '" + pattern + "'"
	}
	switch section {
	case "dead-letters":
		return "headroom dlq show " + strings.TrimSuffix(what, "-dead-letters")
	case "function-errors":
		return logs(strings.TrimSuffix(what, "-errors"), `?panic ?ERROR ?"Task timed out"`)
	case "function-throttles":
		return "aws lambda get-account-settings"
	case "no-pool-check":
		return logs("poolcheck", "ERROR")
	case "policy-invalid":
		return "headroom pool policy get"
	case "customers-waiting", "signup-stuck":
		return "headroom tenant list"
	case "pool-low", "wait-near", "ceiling-near", "money-near", "orders-fail":
		return "headroom pool list"
	case "hosts-quarantined":
		return "headroom host list --state quarantined"
	case "repair-asks", "repair-stuck", "zone-fails", "step-overdue":
		return "headroom host list"
	case "quota-near", "quotas-unknown":
		return "headroom quotas"
	case "audit-behind":
		return "headroom audit --days 0"
	case "audit-lost":
		return "headroom audit --days 400 --verify"
	case "stopped-long":
		return "headroom audit --days 3 --of stage"
	}
	return "headroom doctor" // it looks at all there is, such as the slots that are quarantined and what AWS has
}
