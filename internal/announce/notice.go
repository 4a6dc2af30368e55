package announce

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// cordonNotice is what support needs to act on a host that is cordoned.
func (a *Announcer) cordonNotice(h pool.Host, use []events.TenantUse, unread error) []string {
	lines := []string{
		fmt.Sprintf("Host %s takes no more tenants: %s.", h.ID, h.Barriers()),
		"",
		"Stack:    " + h.Stack.Name,
		"Since:    " + h.Since.UTC().Format(time.RFC3339),
		"Reason:   " + h.Why,
		fmt.Sprintf("Tenants:  %d of %d slots; they stay, and feel it", len(tenantsOf(h)), len(h.Slots)),
		"",
	}
	lines = append(lines, useLines(use, unread)...)
	lines = append(lines, a.links(h)...)
	lines = append(lines, "")
	if h.Kind == pool.Share && len(h.Alarmed()) > 0 {
		lines = append(lines, "What to do: each alarm says what it means, and what is done about it:")
		for _, alarm := range h.Alarmed() {
			lines = append(lines, "- "+alarm+": "+gatewayAlarm(alarm))
		}
	}
	if h.Kind != pool.Share && len(h.Alarmed()) > 0 {
		lines = append(lines,
			"What to do: look at the alarm's graph and at the instance's Database Insights for the tenant that causes it;",
			"add storage or a larger class where that is what lacks, or have a tenant move to another host: headroom tenant move TENANT.")
	}
	if h.Doubt != "" {
		lines = append(lines,
			"What to do: look at the host. Signups that had slots of it and could not open them are given others. Headroom",
			"looks at the host every minute, and it is out of doubt when it answers several times in a row.")
	}
	return append(lines,
		"Done already: the host is cordoned, its free slots don't count, and a pool check was asked for, which orders other capacity",
		"where that is low. The host goes back into service by itself when nothing of this has been so for a while, and that is told too.")
}

// backNotice tells that a host takes tenants again.
func backNotice(h pool.Host) []string {
	return []string{
		fmt.Sprintf("Host %s is back in service: it takes tenants again. Nothing is to be done.", h.ID),
		"",
		"Stack:    " + h.Stack.Name,
		"Since:    " + h.Since.UTC().Format(time.RFC3339),
		"Reason:   " + h.Why,
	}
}

// gatewayAlarms are what the alarms of a share host mean, by the ends of their names.
var gatewayAlarms = map[string]string{
	"status":       "the machine fails a status check of EC2's, or sends none. Headroom repairs it.",
	"availability": "the gateway was not reachable for Storage Gateway, or started anew. Headroom repairs it if it does not come back.",
	"health":       "the gateway says that it is not well. Headroom repairs it; what is wrong is in its health log group, if it has one.",
	"dirty":        "more is written than is uploaded: from 90 % on it refuses writes. Look at what its tenants write, and give the machine another size.",
	"iowait":       "it waits for its disks. Give the machine another size, or the cache disk more throughput.",
	"uploads":      "files can't be uploaded, and are on the cache disk alone. `aws storagegateway start-cache-report` names them: mend what keeps them (a role, a key); never evict them.",
}

// gatewayAlarm says what an alarm of a share host means.
func gatewayAlarm(name string) string {
	if means, ok := gatewayAlarms[name[strings.LastIndex(name, "-")+1:]]; ok {
		return means
	}
	return "it is none that Headroom made: look at it."
}

// links lead to a host and its alarms in AWS's console.
func (a *Announcer) links(h pool.Host) []string {
	console := "https://" + a.Region + ".console.aws.amazon.com/"
	host := "Instance: " + console + "rds/home?region=" + a.Region + "#database:id=" + url.QueryEscape(h.Stack.Name)
	if h.Kind == pool.Share {
		host = "Gateway:  " + console + "storagegateway/home?region=" + a.Region + "#/gateways/" + url.PathEscape(h.Access.GatewayID())
	}
	links := []string{host}
	for _, alarm := range h.Alarmed() {
		links = append(links, "Alarm:    "+console+"cloudwatch/home?region="+a.Region+"#alarmsV2:alarm/"+url.PathEscape(alarm))
	}
	return links
}

// lostNotice tells whose storage is gone, and what is left of it.
func lostNotice(h pool.Host) []string {
	left := "The instance is deleted. What its template retained, and its automated backups, are in RDS."
	if h.Kind == pool.Share {
		left = "The gateway's machine is deleted. Buckets, and the disks that bear the tags headroom:stage and headroom:host, are kept."
	}
	lines := []string{
		fmt.Sprintf("The stack of host %s, %s, was deleted, and not by Headroom. The host is out of the pool for good.", h.ID, h.Stack.Name),
		"",
		"Since:    " + h.Since.UTC().Format(time.RFC3339),
		"Reason:   " + h.Why,
		"Stack:    " + h.Stack.ID,
		left,
		"",
		"A replacement is ordered if the pool runs low. Signups that had slots of it are given others. These tenants had",
		"their storage there, and have none now:",
	}
	return append(lines, orNobody(tenantsOf(h))...)
}

func orNobody(tenants []string) []string {
	if len(tenants) == 0 {
		return []string{"(nobody)"}
	}
	return tenants
}

// orderNotice tells why an order came to nothing.
func orderNotice(h pool.Host) []string {
	return []string{
		fmt.Sprintf("Host %s could not be ordered: CloudFormation made no stack %s. There is nothing to clean up.", h.ID, h.Stack.Name),
		"",
		"Reason:  " + h.Why,
		"Ordered: " + h.OrderedAt.UTC().Format(time.RFC3339),
		"",
		"The pool orders its next host when its backoff is over.",
	}
}

// untoldNotice tells of a host that could not be made, and that is deleted by now, because it could not be told before.
func untoldNotice(h pool.Host) []string {
	return []string{
		fmt.Sprintf("Host %s could not be made, and is deleted.", h.ID),
		"",
		"Reason:  " + failure(h),
		"Ordered: " + h.OrderedAt.UTC().Format(time.RFC3339),
		"Stack:   " + h.Stack.ID,
		"",
		"This could not be announced when it happened. What failed is in the stack's events, in the CloudFormation console",
		"under deleted stacks.",
	}
}

// failureNotice tells why a host could not be made, and what happens next.
func (a *Announcer) failureNotice(h pool.Host, r pool.Record) []string {
	stack := h.Stack.ID
	if stack == "" {
		stack = h.Stack.Name
	}
	return []string{
		fmt.Sprintf("Host %s could not be made and is being deleted.", h.ID),
		"",
		"Reason:   " + h.Why,
		"Ordered:  " + h.OrderedAt.UTC().Format(time.RFC3339),
		"Stack:    " + stack,
		fmt.Sprintf("Failures: %d in a row in pool %s", r.Failures, r.Key),
		"",
		fmt.Sprintf("The pool orders its next host after %s. What failed is in the stack's events, in the", r.BackoffUntil.UTC().Format(time.RFC3339)),
		"CloudFormation console under deleted stacks.",
	}
}

// passedOverNotice tells whose name an order could not have.
func passedOverNotice(h pool.Host) []string {
	return []string{
		fmt.Sprintf("Host %s is passed over: a stack of its name, %s, is there already, and does not bear the mark of its order.", h.ID, h.Stack.Name),
		"",
		"Reason: " + h.Why,
		"",
		"Nothing of that stack is touched: it may hold the data of tenants that the table does not know any more, as",
		"after the table was lost or put back. The pool goes on with the next number.",
	}
}

// quarantineNotice tells why a host is given up, and all that led to it.
func quarantineNotice(h pool.Host) []string {
	lines := []string{
		fmt.Sprintf("Host %s (stack %s) is quarantined: %s.", h.ID, h.Stack.Name, h.Why),
		"It takes no tenants and counts against the pool's ceiling until a person looks at it.",
		"",
		"Its history:",
	}
	for _, entry := range h.History {
		lines = append(lines, fmt.Sprintf("%s %s: %s", entry.At.UTC().Format(time.RFC3339), entry.What, entry.Why))
	}
	return lines
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
