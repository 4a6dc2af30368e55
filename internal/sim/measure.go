package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// tenantID is the n-th tenant's.
func tenantID(n int) string { return "t" + strconv.Itoa(n) }

// visit is what came of one signup.
type visit struct {
	came, ready time.Time // ready is zero: never served
	queued      bool      // it was told to wait
}

// Look is how things stood at one moment.
type Look struct {
	At      time.Time
	Free    map[pool.Kind]int // slots that nobody has, of hosts in service
	Hosts   map[pool.Kind]int // that there are, those that are being made and deleted included
	Ready   map[pool.Kind]int // hosts in service
	Waiting int
}

// measure is what is measured of a world.
type measure struct {
	w       *world
	visits  []visit
	looks   []Look
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

func (m *measure) waits(e events.StorageWaiting, _ time.Time) { m.of(e.TenantID).queued = true }

func (m *measure) ordered(k pool.Kind) { m.orders[k] = append(m.orders[k], m.w.line.now) }

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
	l := Look{At: m.w.line.now, Free: map[pool.Kind]int{}, Hosts: map[pool.Kind]int{}, Ready: map[pool.Kind]int{}, Waiting: len(waiting)}
	for _, k := range pool.Kinds {
		record, err := m.w.ledger.Pool(ctx, pool.Key{Kind: k, Tier: m.w.Tier})
		if err != nil {
			m.w.broken("measuring", err)
			return
		}
		l.Free[k], l.Hosts[k], l.Ready[k] = shelf.SetOut(k)+record.Counters.Reserve, record.Counters.Hosts, record.Counters.InService
	}
	m.looks = append(m.looks, l)
}
