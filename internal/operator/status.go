package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

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
	Needs   []Need    `json:"needs,omitempty"` // what a person should look at
}

// Waiting is a tier's waiting list.
type Waiting struct {
	Tier    pool.Tier     `json:"tier"`
	Tenants int           `json:"tenants"`
	First   pool.TenantID `json:"first"`
	Since   time.Time     `json:"since"` // the first one's signup
}

// Alarm is an alarm that is on.
type Alarm struct {
	Alarm string    `json:"alarm"`
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Stops is the stop switch.
type Stops struct {
	Order   bool      `json:"order"`
	Repair  bool      `json:"repair"`
	Destroy bool      `json:"destroy"`
	By      string    `json:"by,omitempty"`
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// Need is something that a person should look at.
type Need struct {
	What string `json:"what"`
	Do   string `json:"do"` // the next command
}

// Status reads how the deployment is.
func (o *Operator) Status(ctx context.Context) (Status, error) {
	s := Status{Stage: o.Stage, Region: o.Region}
	policy, err := o.Policy(ctx)
	if err != nil {
		return s, err
	}
	if policy.Invalid != nil {
		s.Needs = append(s.Needs, Need{What: "the policy document can't be meant, and an older one is in force: " + oneLine(policy.Invalid.Error()), Do: "headroom pool policy get"})
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
	if stops.Order || stops.Repair || stops.Destroy {
		s.Stops = &Stops{Order: stops.Order, Repair: stops.Repair, Destroy: stops.Destroy, By: stops.By, Why: stops.Why, At: stops.At.UTC()}
	}
	s.At = o.Now()
	overdue, err := o.overdue(ctx)
	if err != nil {
		return s, err
	}
	s.Needs = append(append(s.Needs, s.needs()...), overdue...)
	return s, nil
}

func (o *Operator) waiting(ctx context.Context) ([]Waiting, error) {
	tiers, err := o.Ledger.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	var lists []Waiting
	for _, tier := range tiers {
		waiters, err := o.Ledger.Waiting(ctx, tier, waitingSeen)
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
			on = append(on, Alarm{Alarm: aws.ToString(a.AlarmName), Since: aws.ToTime(a.StateUpdatedTimestamp).UTC(), Why: aws.ToString(a.StateReason)})
		}
		for _, a := range page.CompositeAlarms {
			on = append(on, Alarm{Alarm: aws.ToString(a.AlarmName), Since: aws.ToTime(a.StateUpdatedTimestamp).UTC(), Why: aws.ToString(a.StateReason)})
		}
	}
	slices.SortFunc(on, func(a, b Alarm) int { return compareText(a.Alarm, b.Alarm) })
	return on, nil
}

// needs are what a person should look at, by what was read.
func (s Status) needs() []Need {
	var needs []Need
	need := func(do, format string, args ...any) {
		needs = append(needs, Need{What: fmt.Sprintf(format, args...), Do: do})
	}
	for _, w := range s.Waiting {
		need("headroom tenant explain "+string(w.First), "%s of tier %s %s, the first since %s", count(w.Tenants, "tenant"), w.Tier, be(w.Tenants, "waits", "wait"), w.Since.Format(time.RFC3339))
	}
	for _, p := range s.Pools {
		if p.Hosts.Quarantined > 0 {
			need("headroom host list --state quarantined --pool "+p.Pool, "%s of pool %s %s in quarantine", count(p.Hosts.Quarantined, "host"), p.Pool, be(p.Hosts.Quarantined, "is", "are"))
		}
		if p.Hosts.Cordoned > 0 {
			need("headroom host list --state cordoned --pool "+p.Pool, "%s of pool %s %s cordoned", count(p.Hosts.Cordoned, "host"), p.Pool, be(p.Hosts.Cordoned, "is", "are"))
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
		need("headroom status --json", "something is stopped: %s, by %s: %s", s.Stops.what(), s.Stops.By, s.Stops.Why)
	}
	return needs
}

func (s Stops) what() string {
	var what []string
	for name, on := range map[string]bool{"ordering": s.Order, "repairing": s.Repair, "destroying": s.Destroy} {
		if on {
			what = append(what, name)
		}
	}
	slices.Sort(what)
	return strings.Join(what, ", ")
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
	return needs, nil
}

func texts[T ~string](ids []T) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}
