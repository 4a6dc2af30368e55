package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// tenantID is the n-th tenant's.
func tenantID(n int) string { return "t" + strconv.Itoa(n) }

// visit is what came of one signup.
type visit struct {
	came, ready time.Time     // ready is zero: never served
	told        time.Time     // when it was told first how long it waits at most; zero: never
	within      time.Duration // what it was told, with 90 %
}

// Counts are counts of both kinds.
type Counts struct{ Database, Share int }

func (c *Counts) of(k pool.Kind) *int {
	if k == pool.Share {
		return &c.Share
	}
	return &c.Database
}

// Look is how things stood at one moment.
type Look struct {
	At      time.Time
	Free    Counts // slots that nobody has, of hosts in service
	Hosts   Counts // that there are, those that are being made and deleted included
	Ready   Counts // hosts in service
	Waiting int
}

// measure is what is measured of a world.
type measure struct {
	w       *world
	visits  []visit
	looks   []Look
	empties []empty
	orders  map[pool.Kind][]time.Time
	notices map[string]int // what people were told, by its subject
}

func newMeasure(w *world) *measure {
	return &measure{w: w, orders: map[pool.Kind][]time.Time{}, notices: map[string]int{}}
}

func (m *measure) came(id string, at time.Time) { m.visits = append(m.visits, visit{came: at}) }

// of finds the visit of a tenant.
func (m *measure) of(id string) *visit {
	n, err := strconv.Atoi(id[1:])
	if err != nil || n >= len(m.visits) {
		m.w.broken("events", fmt.Errorf("tenant %s never came", id))
		return &visit{}
	}
	return &m.visits[n]
}

func (m *measure) served(id string, at time.Time) {
	if v := m.of(id); v.ready.IsZero() {
		v.ready = at
	}
}

// waits hears what a tenant that waits was told first.
func (m *measure) waits(e events.StorageWaiting, at time.Time) {
	if v := m.of(e.TenantID); v.told.IsZero() && e.Estimate != nil {
		v.told, v.within = at, time.Duration(e.Estimate.P90Seconds)*time.Second
	}
}

func (m *measure) ordered(k pool.Kind) { m.orders[k] = append(m.orders[k], m.w.line.now) }

// empty is what was forecast of when the pairs are taken that are free, with nothing that is coming.
type empty struct {
	at     time.Time
	pairs  int
	tenth  time.Duration // they last longer than that, with 90 %
	before int           // tenants that had come
}

// emptyEvery is how often the time to empty is looked at: looks close to each other tell the same.
const emptyEvery = 15 * time.Minute

// forecast notes what is said of the time to empty; demand is what the last check noted.
func (m *measure) forecast(l Look, demand forecast.Demand) {
	if n := len(m.empties); n > 0 && l.At.Sub(m.empties[n-1].at) < emptyEvery {
		return
	}
	if pairs := min(l.Free.Database, l.Free.Share); pairs > 0 {
		_, early := demand.Empty(pairs)
		m.empties = append(m.empties, empty{l.At, pairs, early, len(m.visits)})
	}
}

// look notes how things stand.
func (m *measure) look() {
	ctx := context.Background()
	shelf, err := m.w.ledger.Shelf(ctx, m.w.Tier)
	if err != nil {
		m.w.broken("measuring", err)
		return
	}
	waiting, err := m.w.ledger.Waiting(ctx, m.w.Tier, 1<<30)
	if err != nil {
		m.w.broken("measuring", err)
		return
	}
	l := Look{At: m.w.line.now, Waiting: len(waiting)}
	for _, k := range pool.Kinds {
		record, err := m.w.ledger.Pool(ctx, pool.Key{Kind: k, Tier: m.w.Tier})
		if err != nil {
			m.w.broken("measuring", err)
			return
		}
		*l.Free.of(k), *l.Hosts.of(k), *l.Ready.of(k) = shelf.SetOut(k)+record.Counters.Reserve, record.Counters.Hosts, record.Counters.InService
	}
	m.looks = append(m.looks, l)
	outlook, err := m.w.ledger.Outlook(ctx, m.w.Tier)
	if err != nil {
		m.w.broken("measuring", err)
		return
	}
	m.forecast(l, outlook.Demand)
}
