package pool

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"headroom/internal/pool/forecast"
)

// ActionKind is what an action does.
type ActionKind string

// OrderHost orders one host.
const OrderHost ActionKind = "order"

// Action is one thing to do about a pool, now.
type Action struct {
	Kind   ActionKind
	Reason string // in words, with the numbers
}

// Limit bounds how many hosts may be ordered now.
type Limit struct {
	Name string // such as "ceiling"
	Most int    // hosts that may be ordered under it
	Why  string // in words, with the numbers
	Note string // what a plan says of it even when it holds nothing back; may be empty
}

// HeldBack is what a limit holds back.
type HeldBack struct {
	Limit string
	Hosts int
}

// Plan is what to do about a pool, and why. Its actions are taken one at a time: each is planned anew,
// from what is so by then.
type Plan struct {
	Buffer  int // slots that are to be free or coming, beside those for who waits
	Actions []Action
	Held    []HeldBack // hosts that are wanted and not ordered, by the limit that holds them back
	Reason  string     // in words, with the numbers
}

// Missing is how many hosts are wanted beyond those that are ordered now.
func (p Plan) Missing() int {
	n := 0
	for _, held := range p.Held {
		n += held.Hosts
	}
	return n
}

// Decide plans a pool: how many hosts to order, from what was observed, the policy, further limits and the
// time.
//
// Wanted are the free slots of the buffer and one for each waiting tenant. What is free and what is coming is subtracted,
// hosts that are late aside; what is missing is ordered in whole hosts: the (r, nQ) policy. The floor asks for hosts
// too. Orders are held back by the backoff after failed hosts, the ceiling, the most orders at once, and by
// further, which are limits that more than this pool has to keep.
func Decide(o Observed, p Policy, further []Limit, now time.Time) Plan {
	return decide(o, p, further, o.lasts(), now)
}

// lasts is how long the tier's free pairs last: the median.
func (o Observed) lasts() time.Duration { return o.Demand.Lasts(o.Pairs) }

func decide(o Observed, p Policy, further []Limit, lasts time.Duration, now time.Time) Plan {
	leads := o.Record.LeadTimes(p, now)
	late, lateSlots := o.Record.Late(p, now)
	free, coming := o.Free(p), o.provisioning(p, late, lateSlots)+o.resting(leads, now)
	want := o.wanted(p, leads, now)
	hosts := ceilDiv(max(0, want.Slots+o.Waiting-free-coming), p.Brings())
	plan := Plan{Buffer: want.Slots}
	reason := string(p.Kind) + " " + string(p.Tier) + ": " + strconv.Itoa(free) + " free + " + strconv.Itoa(coming) + " coming; wanted " + want.why
	if o.Waiting > 0 {
		reason += fmt.Sprintf(" + %d waiting", o.Waiting)
	}
	if late > 0 {
		reason += fmt.Sprintf("; %d provisioning for more than %s min: not counted on", late, inMinutes(o.Record.LateAfter(p)))
	}
	if c := o.Record.Counters; p.Floor-(c.InService+c.Provisioning-late) > hosts {
		hosts = p.Floor - (c.InService + c.Provisioning - late)
		reason += fmt.Sprintf("; floor %d hosts, there are %d", p.Floor, c.InService+c.Provisioning-late)
	}
	if p.ServeAtOnce > 0 {
		reason += "; time to empty " + span(lasts)
	}
	limits := further
	if hosts > 0 { // else there is nothing to hold back
		limits = append(poolLimits(o.Record, p, now), further...)
	}
	reason += o.order(&plan, hosts, limits)
	plan.Reason = reason
	for i := range plan.Actions {
		plan.Actions[i].Reason = reason
	}
	return plan
}

// order puts orders of hosts into a plan, as far as limits allow, and says so in words.
func (o Observed) order(plan *Plan, hosts int, limits []Limit) string {
	said := ""
	for _, limit := range limits {
		if most := max(0, limit.Most); hosts > most {
			plan.Held = append(plan.Held, HeldBack{Limit: limit.Name, Hosts: hosts - most})
			said += fmt.Sprintf("; %d held back: %s", hosts-most, limit.Why)
			hosts = most
		}
	}
	plan.Actions = slices.Repeat([]Action{{Kind: OrderHost}}, hosts)
	switch {
	case hosts > 0:
		said = fmt.Sprintf("; %d ordered", hosts) + said
	case len(plan.Held) > 0:
		said = "; none ordered" + said
	default:
		said = "; enough"
	}
	for _, limit := range limits {
		if limit.Note != "" {
			said += "; " + limit.Note
		}
	}
	return said
}

// wanted is how many slots are to be free or coming, and why, in words.
type wanted struct {
	Slots int
	why   string
}

// wanted is the largest of what the forecast, the policy's number and percentage, and the schedule ask for.
func (o Observed) wanted(p Policy, leads forecast.Leads, now time.Time) wanted {
	most := wanted{Slots: p.BufferSlots, why: strconv.Itoa(p.BufferSlots)}
	larger := func(slots int, format string, args ...any) {
		if slots > most.Slots {
			most = wanted{Slots: slots, why: strconv.Itoa(slots) + " " + fmt.Sprintf(format, args...)}
		}
	}
	larger(ceilDiv(o.Assigned()*p.BufferPercent, 100), "(%d %% of %d assigned)", p.BufferPercent, o.Assigned())
	if p.ServeAtOnce > 0 {
		need := o.Demand.Needs(leads, p.Brings(), p.ServeAtOnce/100)
		if need.Buffer >= most.Slots {
			most = wanted{Slots: need.Buffer, why: strconv.Itoa(need.Buffer) + " for " + number(p.ServeAtOnce) +
				" % over lead " + inMinutes(leads.Median()) + " (p99 " + inMinutes(leads.P99()) + ") min at " +
				number(o.Demand.PerHour()) + "/h, spread " + number(o.Demand.C()) + because(need)}
		}
	}
	if free, until := p.scheduled(now, leads.P99()); free > 0 {
		larger(free, "(scheduled until %s)", until.UTC().Format(time.RFC3339))
	}
	return most
}

// because says in words what made a forecast want more than the rate alone does.
func because(need forecast.Need) string {
	why := ""
	if need.Surge {
		why += ", surge"
	}
	if need.Hour {
		why += ", as at this hour of weeks or days before"
	}
	return why
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
