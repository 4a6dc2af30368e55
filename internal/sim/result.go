package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// PerKind is a figure for each kind of hosts.
type PerKind struct {
	Database float64 `json:"database"`
	Share    float64 `json:"share"`
}

func (p *PerKind) of(k pool.Kind) *float64 {
	if k == pool.Share {
		return &p.Share
	}
	return &p.Database
}

// Result is what would have been, from Options.From until the series ends.
type Result struct {
	Policy       string    `json:"policy,omitempty"` // what it is called
	Seed         uint64    `json:"seed"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Signups      int       `json:"signups"`
	ServedAtOnce float64   `json:"served_at_once"` // share of the signups whose first claim succeeded, 0 to 1
	NeverServed  int       `json:"never_served"`   // a day after the series ends
	// Waits are from a signup until its storage is ready; of those who are never served, until the simulation ends.
	WaitMean float64 `json:"wait_mean_s"`
	WaitP50  float64 `json:"wait_p50_s"`
	WaitP99  float64 `json:"wait_p99_s"`
	WaitMost float64 `json:"wait_max_s"`
	// IdleSlots are slots of hosts in service that nobody has, on average over time.
	IdleSlots     PerKind `json:"idle_slots"`
	IdleCostMonth float64 `json:"idle_cost_month"` // what those cost a month, in the price's currency
	CostMonth     float64 `json:"cost_month"`      // what all hosts cost a month, on average
	HostsOrdered  int     `json:"hosts_ordered"`
	HostsRetired  int     `json:"hosts_retired"`
	// RetiredSaveMonth is what the hosts that were retired would have cost a month since, on average.
	RetiredSaveMonth float64 `json:"retired_save_month"`
	HostsFailed      int     `json:"hosts_failed"`
	// HostsExcess are hosts in service beyond the fewest that would hold the tenants there are, on average over time.
	HostsExcess PerKind `json:"hosts_excess"`
	HostsAtEnd  PerKind `json:"hosts_at_end"`

	// EmptyBeaten is how often the pairs that were free were gone sooner than the time to empty of 10 % said, of looks four
	// times an hour; EstimatesHeld how many of those who were told how long they wait at most, with 90 %, waited no longer.
	// Both are 0 where nothing was said.
	EmptyBeaten   float64 `json:"time_to_empty_beaten"`
	EstimatesHeld float64 `json:"wait_estimates_held"`
	Estimates     int     `json:"wait_estimates"` // that were told

	Looks []Look `json:"-"` // once a minute, for a picture
}

// waiting is how many are not served yet.
func (m *measure) waiting() int {
	n := 0
	for _, v := range m.visits {
		if v.ready.IsZero() {
			n++
		}
	}
	return n
}

// result sums up what was measured; to is when the series ended.
func (m *measure) result(to time.Time) (Result, error) {
	r, err := m.sums(to)
	if err != nil {
		return r, err
	}
	return r, m.ends(&r)
}

// sums is result without what the hosts' records say.
func (m *measure) sums(to time.Time) (Result, error) {
	r := Result{Seed: m.w.Seed, From: m.w.Demand.First(), To: to}
	if !m.w.From.IsZero() {
		r.From = m.w.From
	}
	if err := m.waits99(&r); err != nil {
		return r, err
	}
	for _, l := range m.looks {
		if !l.At.Before(r.From) {
			r.Looks = append(r.Looks, l)
		}
	}
	for _, k := range pool.Kinds {
		for _, at := range m.orders[k] {
			if !at.Before(r.From) && at.Before(to) {
				r.HostsOrdered++
			}
		}
	}
	m.holdings(&r)
	m.forecasts(&r)
	return r, nil
}

func (m *measure) waits99(r *Result) error {
	var waits []float64
	atOnce := 0
	for _, v := range m.visits {
		if v.came.Before(r.From) {
			continue
		}
		r.Signups++
		until := v.ready
		if v.ready.IsZero() {
			r.NeverServed++
			until = m.w.line.now
		}
		wait := until.Sub(v.came).Seconds()
		if !v.ready.IsZero() && wait == 0 {
			atOnce++
		}
		waits = append(waits, wait)
		r.WaitMean += wait
	}
	if r.Signups == 0 {
		return errors.New("nobody signs up from the time on that is measured")
	}
	slices.Sort(waits)
	r.ServedAtOnce = float64(atOnce) / float64(r.Signups)
	r.WaitMean /= float64(r.Signups)
	r.WaitP50, r.WaitP99, r.WaitMost = quantile(waits, 0.5), quantile(waits, 0.99), waits[len(waits)-1]
	return nil
}

// quantile is the least of sorted values that a share p of them does not exceed.
func quantile(sorted []float64, p float64) float64 {
	at := int(p * float64(len(sorted)))
	return sorted[min(at, len(sorted)-1)]
}

// holdings sums up what there was over time.
func (m *measure) holdings(r *Result) {
	if len(r.Looks) == 0 {
		return
	}
	n := float64(len(r.Looks))
	for _, k := range pool.Kinds {
		for _, l := range r.Looks {
			free, hosts, ready := float64(*l.Free.of(k)), float64(*l.Hosts.of(k)), float64(*l.Ready.of(k))
			p, _ := m.w.Policy(l.At).Pools.Of(pool.Key{Kind: k, Tier: m.w.Tier})
			slots := float64(max(1, p.Brings()))
			*r.IdleSlots.of(k) += free / n
			r.IdleCostMonth += price(p) * free / slots / n
			r.CostMonth += price(p) * hosts / n
			least := (ready*slots - free) / slots
			*r.HostsExcess.of(k) += max(0, ready-float64(int(least+0.999999))) / n
		}
		*r.HostsAtEnd.of(k) = float64(*r.Looks[len(r.Looks)-1].Hosts.of(k))
	}
}

// ends counts what became of the hosts.
func (m *measure) ends(r *Result) error {
	for _, k := range pool.Kinds {
		key := pool.Key{Kind: k, Tier: m.w.Tier}
		for n := 1; n <= len(m.orders[k]); n++ {
			h, err := m.w.ledger.Host(context.Background(), key.Host(n))
			if err != nil {
				return fmt.Errorf("read host %d: %w", n, err)
			}
			var failed time.Time
			for _, entry := range h.History {
				if entry.What == string(pool.HostDeleting) {
					failed = entry.At
				}
			}
			within := func(at time.Time) bool { return !at.IsZero() && !at.Before(r.From) && !at.After(r.To) }
			switch {
			case h.State == pool.HostDeleted && !h.Retire.At.IsZero():
				if within(h.Since) {
					r.HostsRetired++
					p, _ := m.w.Policy(h.Since).Pools.Of(key)
					r.RetiredSaveMonth += price(p) * r.To.Sub(h.Since).Hours() / max(1, r.To.Sub(r.From).Hours())
				}
			case within(failed):
				r.HostsFailed++
			}
		}
	}
	return nil
}

// forecasts holds what was forecast against what came.
func (m *measure) forecasts(r *Result) {
	held, looks, beaten := 0, 0, 0
	for _, v := range m.visits {
		if v.told.IsZero() || v.came.Before(r.From) {
			continue
		}
		r.Estimates++
		if !v.ready.IsZero() && v.ready.Sub(v.told) <= v.within {
			held++
		}
	}
	for _, e := range m.empties {
		ends := e.at.Add(e.tenth)
		if e.at.Before(r.From) || ends.After(r.To) {
			continue // what came later is not known
		}
		looks++
		if last := e.before + e.pairs - 1; last < len(m.visits) && m.visits[last].came.Before(ends) {
			beaten++
		}
	}
	if r.Estimates > 0 {
		r.EstimatesHeld = float64(held) / float64(r.Estimates)
	}
	if looks > 0 {
		r.EmptyBeaten = float64(beaten) / float64(looks)
	}
}
