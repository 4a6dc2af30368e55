package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// overdueGrace is how long past its deadline a record is before that is told: the pool check looks after it each minute.
const overdueGrace = 5 * time.Minute

// Status is how a deployment is.
type Status struct {
	Stage   string    `json:"stage"`
	Region  string    `json:"region"`
	At      time.Time `json:"at"`
	Pools   []Pool    `json:"pools"`
	Waiting []Waiting `json:"waiting,omitempty"` // tiers with tenants on their waiting lists
	Queues  []Queue   `json:"queues"`
	Alarms  []Alarm   `json:"alarmsOn,omitempty"`
	Stops   *Stops    `json:"stops,omitempty"` // what is stopped; left out: nothing is
	Needs   []Need    `json:"needs"`           // what a person should look at
}

// Waiting is a tier's waiting list.
type Waiting struct {
	Tier    pool.Tier     `json:"tier"`
	Tenants int           `json:"tenants"`
	First   pool.TenantID `json:"first"`
	Since   time.Time     `json:"since"` // the first one's signup
}

// String is how a waiting list is told of.
func (w Waiting) String() string {
	return fmt.Sprintf("%s of tier %s %s, the first since %s", count(w.Tenants, "tenant"), w.Tier, be(w.Tenants, "waits", "wait"), w.Since.Format(time.RFC3339))
}

// explain is the command that says what its first one waits for.
func (w Waiting) explain() string { return "headroom tenant explain " + string(w.First) }

// Need is something that a person should look at.
type Need struct {
	What     string `json:"what"`
	Do       string `json:"do"`                 // the next command
	Severity string `json:"severity,omitempty"` // of an alarm: "page" or "ticket"; of what is in AWS "note" as well
	Verdict  string `json:"verdict,omitempty"`  // of what is in AWS: "missing", "orphaned", "foreign", "drifted", "aging" or "unlooked"
	Runbook  string `json:"runbook,omitempty"`  // address of its section, of an alarm
}

// Status reads how the deployment is.
func (o *Operator) Status(ctx context.Context) (Status, error) {
	s := Status{Stage: o.Stage, Region: o.Region}
	policy, err := o.Policy(ctx)
	if err != nil {
		return s, err
	}
	if warning := policy.Warning(); warning != "" {
		s.Needs = append(s.Needs, Need{What: warning, Do: "headroom pool policy get"})
	}
	if s.Pools, err = o.Pools(ctx); err != nil {
		return s, err
	}
	if s.Waiting, err = o.waiting(ctx); err != nil {
		return s, err
	}
	if s.Queues, err = o.QueueStates(ctx); err != nil {
		return s, err
	}
	if s.Alarms, err = o.alarmsOn(ctx); err != nil {
		return s, err
	}
	stops, err := o.Ledger.Stops(ctx)
	if err != nil {
		return s, err
	}
	if on := stopsOf(stops); len(on.Levels) > 0 {
		s.Stops = &on
	}
	s.At = o.Now()
	overdue, err := o.overdue(ctx)
	if err != nil {
		return s, err
	}
	hosts, err := o.hosts(ctx, "")
	if err != nil {
		return s, err
	}
	lost, err := o.lostNeeds(ctx, hosts)
	if err != nil {
		return s, err
	}
	if err := o.setAside(ctx, s.Alarms, hosts, len(lost) > 0); err != nil {
		return s, err
	}
	unfinished, err := o.unfinished(ctx)
	if err != nil {
		return s, err
	}
	s.Needs = slices.Concat(s.Needs, lost, s.needs(hosts), unclean(hosts), unfinished, overdue)
	if s.Needs == nil {
		s.Needs = []Need{}
	}
	return s, nil
}

func (o *Operator) waiting(ctx context.Context) ([]Waiting, error) {
	tiers, err := o.Ledger.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	var lists []Waiting
	for _, tier := range tiers {
		waiters, err := o.Ledger.Waiting(ctx, tier, ledger.WaitingSeen)
		if err != nil {
			return nil, err
		}
		if len(waiters) == 0 {
			continue
		}
		list := Waiting{Tier: tier, Tenants: len(waiters), First: waiters[0].Tenant}
		first, err := o.Ledger.Tenants(ctx, []pool.TenantID{list.First})
		if err != nil {
			return nil, err
		}
		if t, ok := first[list.First]; ok {
			list.Since = t.RequestedAt.UTC()
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// needs are what a person should look at, by what was read.
func (s Status) needs(hosts []pool.Host) []Need {
	needs := ringing(s.Stage, s.Alarms, s.Waiting)
	need := func(do, format string, args ...any) {
		needs = append(needs, Need{What: fmt.Sprintf(format, args...), Do: do})
	}
	if !slices.ContainsFunc(s.Alarms, func(a Alarm) bool { return a.tellsOfWaiting(s.Stage) }) {
		for _, w := range s.Waiting {
			need(w.explain(), "%s", w)
		}
	}
	for _, p := range s.Pools {
		if p.Hosts.Quarantined > 0 {
			need("headroom host list --state quarantined --pool "+p.Pool, "%s of pool %s %s in quarantine", count(p.Hosts.Quarantined, "host"), p.Pool, be(p.Hosts.Quarantined, "is", "are"))
		}
		if n := out(hosts, p.Pool); n > 0 {
			need("headroom host list --state cordoned --pool "+p.Pool, "%s of pool %s %s cordoned", count(n, "host"), p.Pool, be(n, "is", "are"))
		}
		for _, held := range p.Plan.Held {
			need("headroom pool show "+p.Pool, "%s of pool %s %s wanted and held back by %s", count(held.Hosts, "host"), p.Pool, be(held.Hosts, "is", "are"), held.Limit)
		}
	}
	for _, q := range s.Queues {
		if q.DeadLetters > 0 {
			need("headroom dlq show "+q.Queue, "%s of queue %s could not be handled", count(q.DeadLetters, "message"), q.Queue)
		}
	}
	if s.Stops != nil {
		needs = append(needs, s.Stops.needs()...)
	}
	return needs
}

// out counts the hosts of a pool that are cordoned, those aside that come back by themselves: they are being mended (of which a
// repair that asks, or gets stuck, is a need of its own), or what ailed them is over.
func out(hosts []pool.Host, of string) (n int) {
	for _, h := range hosts {
		if h.Key().String() == of && h.State == pool.HostCordoned && h.Repair == 0 && h.Calm.IsZero() {
			n++
		}
	}
	return n
}

// overdue names what is past its deadline for so long that nobody seems to look after it, or was given up.
func (o *Operator) overdue(ctx context.Context) ([]Need, error) {
	at := o.Now().Add(-overdueGrace)
	var needs []Need
	late := func(do, what string, ids []string) {
		for _, id := range ids {
			needs = append(needs, Need{What: what + " " + id + " is past its deadline", Do: do + id})
		}
	}
	hosts, err := o.Ledger.OverdueHosts(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	late("headroom host show ", "the step of host", texts(hosts))
	tenants, err := o.Ledger.OverdueTenants(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	late("headroom tenant explain ", "the step of tenant", texts(tenants))
	departures, err := o.Ledger.OverdueDepartures(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	for _, id := range departures {
		needs = append(needs, Need{What: "the step of departure " + string(id) + " is past its deadline", Do: "headroom tenant explain " + string(id.Tenant())})
	}
	clearances, err := o.Ledger.OverdueClearances(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	for _, id := range clearances {
		departure, _, _ := strings.Cut(string(id), "/")
		needs = append(needs, Need{What: "the step of clearance " + string(id) + " is past its deadline", Do: "headroom tenant explain " + string(pool.DepartureID(departure).Tenant())})
	}
	repairs, err := o.Ledger.OverdueRepairs(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	late("headroom host show ", "the repair of host", texts(repairs))
	restorations, err := o.Ledger.OverdueRestorations(ctx, at, dueSeen)
	if err != nil {
		return nil, err
	}
	late("headroom tenant explain ", "the restoration of tenant", texts(restorations))
	return needs, nil
}

func texts[T ~string](ids []T) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}
