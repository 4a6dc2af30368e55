package pool

import (
	"slices"
	"time"
)

// Record is what is kept of a pool as a whole.
type Record struct {
	Key      Key
	Seq      int // number of the last host that was ordered
	Counters Counters

	Failures     int       // hosts that failed in a row
	BackoffUntil time.Time // no order before this; zero: none
	Leads        []Lead    // the last LeadLimit lead times, the oldest first
	Owed         []Owed    // hosts that failed and have no replacement yet, the earliest decision first
	Coming       []Coming  // hosts on their way into service, the earliest order first
	Size         int       // slots of the last host that was ordered
	Counted      int       // number up to which hosts are counted in what is spent; those of before there were prices were not
	Noted        int64     // counts what was noted of the pool: orders and outcomes
}

// Coming is a host on its way into service.
type Coming struct {
	Host      HostID
	DecidedAt time.Time // when it was found to be missing; zero: when it was ordered
	OrderedAt time.Time
	Slots     int // that it will bring
}

func (c Coming) decidedAt() time.Time {
	if c.DecidedAt.IsZero() {
		return c.OrderedAt
	}
	return c.DecidedAt
}

// Lead is one lead time: from the decision that a host is missing to its slots being available, the
// tries included that failed in between.
type Lead struct {
	At   time.Time     // when the host came into service
	Took time.Duration // in whole seconds
}

// Owed is a host that failed: its replacement inherits when it was decided on, so that a lead time counts
// the tries that failed.
type Owed struct {
	DecidedAt time.Time
	FailedAt  time.Time
}

const (
	// LeadLimit bounds the lead times that a pool keeps.
	LeadLimit = 30
	// owedLimit bounds the hosts that a pool owes.
	owedLimit = 100
	// owedFor is how long a host is owed: a pool that wants a replacement orders it when its backoff is
	// over. What is ordered later is wanted for another reason.
	owedFor = 2 * backoffMax
)

// Outcome is what a host's change of state means for its pool.
type Outcome int

const (
	// Neutral leaves the pool's record as it is.
	Neutral Outcome = iota
	// Succeeded ends the backoff, and notes the host's lead time.
	Succeeded
	// Failed counts a failure and lengthens the backoff; the host is owed a replacement.
	Failed
	// PassedOver is an order that was given up because its name is somebody else's: no failure, but owed.
	PassedOver
	// Recovered is a host of which the ledger had not heard what became: it is not on its way any more, and that is no
	// outcome of its making.
	Recovered
)

// Note is a pool's record after a host's outcome. The counters are not its business.
func (r Record) Note(o Outcome, h Host, now time.Time) Record {
	switch o {
	case Succeeded:
		r.Failures, r.BackoffUntil = 0, time.Time{}
		lead := Lead{At: now, Took: max(0, now.Sub(h.DecidedAt)).Truncate(time.Second)}
		r.Leads = last(append(slices.Clone(r.Leads), lead), LeadLimit)
	case Failed:
		r.Failures++
		r.BackoffUntil = now.Add(Backoff(r.Failures))
		r.Owed = r.owing(h, now)
	case PassedOver:
		r.Owed = r.owing(h, now)
	case Recovered:
	default:
		return r
	}
	r.Coming = slices.DeleteFunc(slices.Clone(r.Coming), func(c Coming) bool { return c.Host == h.ID })
	r.Noted++
	return r
}

// owing is what is owed with a host more.
func (r Record) owing(h Host, now time.Time) []Owed {
	owed := append(r.owed(now), Owed{DecidedAt: h.DecidedAt, FailedAt: now})
	slices.SortStableFunc(owed, func(a, b Owed) int { return a.DecidedAt.Compare(b.DecidedAt) })
	return last(owed, owedLimit)
}

// Ordered is a pool's record after an order: its number is used up, and a host that failed has its
// replacement.
func (r Record) Ordered(h Host) Record {
	counted := r.Counted == r.Seq && h.Price > 0
	_, n, _ := h.ID.Parse()
	r.Seq = max(r.Seq, n) // one that is adopted may have any number
	if counted {
		r.Counted = r.Seq
	}
	r.Owed = r.owed(h.OrderedAt)
	if len(r.Owed) > 0 && r.Owed[0].DecidedAt.Equal(h.DecidedAt) {
		r.Owed = r.Owed[1:]
	}
	r.Size = h.Size
	r.Noted++
	if !h.State.Provisioning() {
		return r // it is adopted, and stands
	}
	r.Coming = append(slices.Clone(r.Coming), Coming{Host: h.ID, DecidedAt: h.DecidedAt, OrderedAt: h.OrderedAt, Slots: h.Size})
	return r
}

// decidedAt is when the next host was decided on: now, or when the host was that it replaces.
func (r Record) decidedAt(now time.Time) time.Time {
	if owed := r.owed(now); len(owed) > 0 && owed[0].DecidedAt.Before(now) {
		return owed[0].DecidedAt
	}
	return now
}

// owed is a copy of what is still owed.
func (r Record) owed(now time.Time) []Owed {
	var still []Owed
	for _, o := range r.Owed {
		if now.Sub(o.FailedAt) <= owedFor {
			still = append(still, o)
		}
	}
	return still
}

// last is the end of a list, at most n long.
func last[E any](list []E, n int) []E { return list[max(0, len(list)-n):] }

// backoffBase and backoffMax bound the wait after failed hosts.
const (
	backoffBase = time.Minute
	backoffMax  = time.Hour
)

// Backoff is how long the next order waits after a number of failures in a row: one minute, doubled
// with each, one hour at most.
func Backoff(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	d := backoffBase
	for range failures - 1 {
		if d *= 2; d >= backoffMax {
			return backoffMax
		}
	}
	return d
}
