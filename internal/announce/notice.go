package announce

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"headroom/internal/pool"
)

// cordonNotice is what support needs to act on an alarm.
func (a *Announcer) cordonNotice(h pool.Host) string {
	tenants := 0
	for _, slot := range h.Slots {
		if slot.State == pool.SlotAssigned {
			tenants++
		}
	}
	console := "https://" + a.Region + ".console.aws.amazon.com/"
	lines := []string{
		fmt.Sprintf("Host %s takes no more tenants: an alarm is on.", h.ID),
		"",
		"Instance: " + h.Stack.Name + " (RDS)",
		"Since:    " + h.Since.UTC().Format(time.RFC3339),
		"Reason:   " + h.Why,
		fmt.Sprintf("Tenants:  %d of %d slots; they stay, and feel it", tenants, len(h.Slots)),
		"",
		"Instance: " + console + "rds/home?region=" + a.Region + "#database:id=" + url.QueryEscape(h.Stack.Name),
	}
	for _, alarm := range h.Alarmed() {
		lines = append(lines, "Alarm:    "+console+"cloudwatch/home?region="+a.Region+"#alarmsV2:alarm/"+url.PathEscape(alarm))
	}
	return strings.Join(append(lines,
		"",
		"What to do: look at the alarm's graph and at the instance's Performance Insights for the tenant that",
		"causes it; add storage or a larger class where that is what lacks. Headroom orders other capacity by",
		"itself, and puts the host back into service when all of its alarms are OK.",
	), "\n")
}

// failureNotice tells why a host could not be made, and what happens next.
func (a *Announcer) failureNotice(h pool.Host, r pool.Record) string {
	stack := h.Stack.ID
	if stack == "" {
		stack = h.Stack.Name
	}
	return strings.Join([]string{
		fmt.Sprintf("Host %s could not be made and is being deleted.", h.ID),
		"",
		"Reason:   " + h.Why,
		"Ordered:  " + h.OrderedAt.UTC().Format(time.RFC3339),
		"Stack:    " + stack,
		fmt.Sprintf("Failures: %d in a row in pool %s", r.Failures, r.Key),
		"",
		fmt.Sprintf("The pool orders its next host after %s. What failed is in the stack's events, in the", r.BackoffUntil.UTC().Format(time.RFC3339)),
		"CloudFormation console under deleted stacks.",
	}, "\n")
}

// passedOverNotice tells whose name an order could not have.
func passedOverNotice(h pool.Host) string {
	return strings.Join([]string{
		fmt.Sprintf("Host %s is passed over: a stack of its name, %s, is there already, and does not bear the mark of its order.", h.ID, h.Stack.Name),
		"",
		"Reason: " + h.Why,
		"",
		"Nothing of that stack is touched: it may hold the data of tenants that the table does not know any more, as",
		"after the table was lost or put back. The pool goes on with the next number.",
	}, "\n")
}

// quarantineNotice tells why a host is given up, and all that led to it.
func quarantineNotice(h pool.Host) string {
	lines := []string{
		fmt.Sprintf("Host %s (stack %s) is quarantined: %s.", h.ID, h.Stack.Name, h.Why),
		"It takes no tenants and counts against the pool's ceiling until a person looks at it.",
		"",
		"Its history:",
	}
	for _, entry := range h.History {
		lines = append(lines, fmt.Sprintf("%s %s: %s", entry.At.UTC().Format(time.RFC3339), entry.What, entry.Why))
	}
	return strings.Join(lines, "\n")
}

// stuckNotice tells where to look for what keeps a signup from being finished.
func stuckNotice(t pool.Tenant) string {
	why := "Its messages are in the dead-letter queues of signup; the function's log says why."
	if t.State == pool.TenantReady {
		why = fmt.Sprintf("It has its storage, and StorageReady was not published: its history says why. If its share does not serve it, look at the gateway of %s; then send its signup again.", t.Share.Host)
	}
	if t.Error != "" {
		why += " Its last error: " + t.Error
	}
	return fmt.Sprintf("Step %s of tenant %s was tried %d times and did not finish. %s", t.Stuck, t.ID, pool.MaxTries+1, why)
}
