// Package memory is the ledger in memory: what internal/ledger/dynamo does, for tests and simulations. It
// keeps the rules of pool, the conditions of every write, and an index that lags; and it can be made
// to fail before or after a write takes effect.
package memory

import (
	"context"
	"sync"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/pool/recovery"
)

// Options change how a ledger behaves.
type Options struct {
	// Lag is by how many writes the answers of the indexes are late. With no more writes, each answer is by one less.
	Lag int
	// Fault is asked before each write; operation is the ledger's method. An error makes the write
	// fail: with applied it takes effect all the same, and only its reply is lost.
	Fault func(operation string) (applied bool, err error)
	// Contended has each save of a host with an outcome conflict once, as on DynamoDB when what came of
	// another host is noted in the pool's record at the same time.
	Contended bool
	// Lend has hosts, tenants, shelves and outlooks go in and come out as they are, not as copies: for simulations, in which copying
	// is most of the work. Who reads one must not change it, and who has written one neither.
	Lend bool
}

// Ledger is safe for use by many at once. Everything goes in and comes out as a copy, if Options.Lend does not say otherwise.
type Ledger struct {
	options Options

	mu         sync.Mutex
	tenants    map[pool.TenantID]pool.Tenant
	addresses  map[string]pool.TenantID
	shelves    map[pool.Tier]pool.Shelf
	waiting    map[pool.Tier][]pool.Waiter
	pools      map[pool.Key]pool.Record
	hosts      map[pool.HostID]pool.Host
	departures map[pool.DepartureID]pool.Departure
	clearances map[pool.ClearanceID]pool.Clearance
	repairs    map[pool.HostID]pool.Repair
	restored   map[pool.TenantID]pool.Restoration
	wards      map[pool.Key]pool.Ward
	outlooks   map[pool.Tier]pool.Outlook
	money      map[string]pool.Cents // what is spent besides hosts, by name
	spent      pool.Cents            // by all
	stops      pool.Stops
	sightings  inventory.Sightings
	storm      pool.Storm
	recovery   recovery.Record
	quotas     pool.Quotas
	audits     []pool.Audit
	copies     pool.AuditCopies
	rejections map[string]pool.Rejection // by message
	bays       pool.Bays
	contended  map[pool.HostID]int64 // the version that a host had when its save was refused
	index      index
}

// New makes an empty ledger.
func New(o Options) *Ledger {
	return &Ledger{
		options:    o,
		contended:  map[pool.HostID]int64{},
		tenants:    map[pool.TenantID]pool.Tenant{},
		addresses:  map[string]pool.TenantID{},
		shelves:    map[pool.Tier]pool.Shelf{},
		waiting:    map[pool.Tier][]pool.Waiter{},
		pools:      map[pool.Key]pool.Record{},
		hosts:      map[pool.HostID]pool.Host{},
		departures: map[pool.DepartureID]pool.Departure{},
		clearances: map[pool.ClearanceID]pool.Clearance{},
		repairs:    map[pool.HostID]pool.Repair{},
		restored:   map[pool.TenantID]pool.Restoration{},
		wards:      map[pool.Key]pool.Ward{},
		outlooks:   map[pool.Tier]pool.Outlook{},
		money:      map[string]pool.Cents{},
		rejections: map[string]pool.Rejection{},
		index:      newIndex(o.Lag),
	}
}

// clonable is a record that is copied.
type clonable[R any] interface{ Clone() R }

// copied is what goes in or comes out of the ledger for a record.
func copied[R clonable[R]](l *Ledger, r R) R {
	if l.options.Lend {
		return r
	}
	return r.Clone()
}

// write runs one write under the lock. The fault hook is asked first; a write that fails by itself
// answers with its own error.
func (l *Ledger) write(ctx context.Context, operation string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.options.Fault != nil {
		if applied, err := l.options.Fault(operation); err != nil {
			if applied {
				_ = do() // whether it took effect is what the caller cannot know
			}
			return err
		}
	}
	return do()
}

// many reads copies of several records at once; those that there are not are left out.
func many[ID comparable, R clonable[R]](ctx context.Context, l *Ledger, stored map[ID]R, ids []ID) (map[ID]R, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(map[ID]R, len(ids))
	for _, id := range ids {
		if r, ok := stored[id]; ok {
			found[id] = copied(l, r)
		}
	}
	return found, nil
}

// second keeps of a moment what DynamoDB keeps of those that are stored as Unix seconds.
func second(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return time.Unix(at.Unix(), 0).UTC()
}
