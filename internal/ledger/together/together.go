// Package together has the claims of one process made together. The signups of a batch come to their claims at about
// the same time, and one update of a shelf costs the same for one tenant as for ten: so who is about to claim waits a
// moment for the others of its batch, and who comes while a claim is under way is claimed for after it.
package together

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// most is how many tenants are claimed for at once.
	most = 10
	// gathering is how long one who claims waits for others: by then those of its batch have written two records of
	// their own, as it had. A signup takes a second.
	gathering = 30 * time.Millisecond
	// respite is how long a shelf that was found busy is not asked again. What asks it meanwhile would be paid
	// for, and takes write units from those who make it less busy.
	respite = 2 * time.Second
)

// Ledger is a ledger whose claims are made together. It is safe for use by many at once.
type Ledger struct {
	ledger.Ledger
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu    sync.Mutex
	lines map[pool.Tier]*line
}

// New makes a ledger that claims from next. sleep ends early with its context.
func New(next ledger.Ledger, now func() time.Time, sleep func(context.Context, time.Duration) error) *Ledger {
	return &Ledger{Ledger: next, now: now, sleep: sleep, lines: map[pool.Tier]*line{}}
}

// line is who wants to claim from one shelf.
type line struct {
	turn chan struct{} // held by the one who claims

	mu    sync.Mutex
	queue []*claimant
	busy  time.Time // until then the shelf is taken for busy
}

type claimant struct {
	tenant  pool.TenantID
	done    bool // read and written by who holds the turn
	claimed pool.Claimed
	err     error
}

// Claim claims for a tenant, with the others who wait to claim. One who is on the waiting list claims alone.
func (l *Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	if waiting {
		return l.Ledger.Claim(ctx, tier, tenant, true)
	}
	line := l.line(tier)
	me, err := line.join(tenant, l.now())
	if err != nil {
		return pool.Claim{}, err
	}
	select {
	case line.turn <- struct{}{}:
	case <-ctx.Done():
		// Somebody may claim for this tenant all the same: claimed again, it gets what it holds.
		return pool.Claim{}, fmt.Errorf("wait to claim for tenant %s: %w", tenant, ctx.Err())
	}
	defer func() { <-line.turn }()
	if !me.done && line.length() < most {
		if err := l.sleep(ctx, gathering); err != nil {
			return pool.Claim{}, fmt.Errorf("wait to claim for tenant %s: %w", tenant, err) // as above
		}
	}
	for !me.done { // nobody has claimed for it meanwhile
		l.claim(ctx, tier, line)
	}
	if me.err != nil {
		return pool.Claim{}, me.err
	}
	return me.claimed.Claim, me.claimed.Err
}

// line is the line of a tier.
func (l *Ledger) line(tier pool.Tier) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[tier] == nil {
		l.lines[tier] = &line{turn: make(chan struct{}, 1)}
	}
	return l.lines[tier]
}

// join puts a tenant at the end of the line; pool.ErrBusy when the shelf was found busy a moment ago.
func (l *line) join(tenant pool.TenantID, now time.Time) (*claimant, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.busy) {
		return nil, fmt.Errorf("claim for tenant %s: %w", tenant, pool.ErrBusy)
	}
	me := &claimant{tenant: tenant}
	l.queue = append(l.queue, me)
	return me, nil
}

func (l *line) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// leave takes the first out of the line.
func (l *line) leave() []*claimant {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(most, len(l.queue))
	first := l.queue[:n:n]
	l.queue = l.queue[n:]
	return first
}

// claim claims for the first in the line.
func (l *Ledger) claim(ctx context.Context, tier pool.Tier, line *line) {
	first := line.leave()
	var tenants []pool.TenantID
	for _, c := range first {
		tenants = append(tenants, c.tenant)
	}
	claimed, err := l.ClaimAll(ctx, tier, tenants, false)
	for i, c := range first {
		if c.done, c.err = true, err; err == nil {
			c.claimed = claimed[i]
		}
		if err == nil && errors.Is(claimed[i].Err, pool.ErrBusy) {
			line.mu.Lock()
			line.busy = l.now().Add(respite)
			line.mu.Unlock()
		}
	}
}
