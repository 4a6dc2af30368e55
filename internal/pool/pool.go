// Package pool is the domain of Headroom: hosts and their slots, the shelf that signups take from,
// tenants, policies and plans. It is pure: every decision is a function of what was observed, the
// policy and the time; reading, writing and waiting happen elsewhere.
package pool

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"headroom/events"
)

// Kind says what a host offers.
type Kind string

const (
	// Database hosts are RDS instances; their slots are databases.
	Database Kind = "database"
	// Share hosts are Storage Gateways; their slots are file shares.
	Share Kind = "share"
)

// Kinds are all kinds, in the order in which they are worked through.
var Kinds = []Kind{Database, Share}

// Tier names a class of service, such as "standard".
type Tier string

// Key names a pool: all hosts of one kind and tier.
type Key struct {
	Kind Kind
	Tier Tier
}

// String is "<kind>#<tier>".
func (k Key) String() string { return string(k.Kind) + "#" + string(k.Tier) }

// Host returns the ID of the pool's host number seq.
func (k Key) Host(seq int) HostID {
	var room [48]byte // pools are gone round by their hosts' numbers: one allocation each
	id := append(append(append(append(room[:0], k.Kind...), '-'), k.Tier...), '-')
	return HostID(strconv.AppendInt(id, int64(seq), 10))
}

// HostID is "<kind>-<tier>-<seq>", such as "share-standard-3". It is never used twice.
type HostID string

// Parse splits a host's ID into its pool and number. A malformed ID is an error.
func (id HostID) Parse() (Key, int, error) {
	parts := strings.Split(string(id), "-")
	if len(parts) != 3 {
		return Key{}, 0, fmt.Errorf("host id %q is not <kind>-<tier>-<seq>", id)
	}
	seq, err := strconv.Atoi(parts[2])
	kind := Kind(parts[0])
	if err != nil || seq < 1 || (kind != Database && kind != Share) || parts[1] == "" {
		return Key{}, 0, fmt.Errorf("host id %q is not <kind>-<tier>-<seq>", id)
	}
	return Key{Kind: kind, Tier: Tier(parts[1])}, seq, nil
}

// TenantID is the caller's name for a customer.
type TenantID string

// Entry is one line of a record's history: what happened, when and why.
type Entry struct {
	At   time.Time
	What string
	Why  string

	// Correlation is the correlation id of what it came of (events.Correlated); empty: it is not known.
	Correlation string
}

// Thread is the correlation id of what a record is about last; empty: it is not known.
func Thread(history []Entry) string {
	if len(history) == 0 {
		return ""
	}
	return history[len(history)-1].Correlation
}

// OnThread is the context of what is done about a record: it comes of what the record is about, and not of what has it looked at,
// such as a check or an event of AWS's.
func OnThread(ctx context.Context, history []Entry) context.Context {
	return events.WithCorrelation(ctx, Thread(history))
}

// Threaded is a history whose last line came of what has a correlation id.
func Threaded(history []Entry, correlation string) []Entry {
	out := append([]Entry(nil), history...)
	if n := len(out); n > 0 && correlation != "" {
		out[n-1].Correlation = correlation
	}
	return out
}

// Attributed is a history as it is after a change that came of what ctx has the correlation id of: the lines that the
// change added bear it, and those of before what they bore. Without one it is left as it is.
func Attributed(ctx context.Context, before, after []Entry) []Entry {
	correlation := events.Correlation(ctx)
	if correlation == "" {
		return after
	}
	out := append([]Entry(nil), after...)
	for i := len(out) - 1; i >= 0; i-- {
		if n := len(before); n > 0 && (out[i] == before[n-1] || i == 0 && out[0] == before[0]) {
			break
		}
		out[i].Correlation = correlation
	}
	return out
}

// HistoryLimit bounds a record's history; the oldest entries go first, but for the very first, which says how it came to be.
const HistoryLimit = 40

// Append adds an entry to a history and keeps it within HistoryLimit. One that names no correlation came of what the one
// before it came of. The argument is not changed.
func Append(history []Entry, e Entry) []Entry {
	if e.Correlation == "" {
		e.Correlation = Thread(history)
	}
	out := append(append([]Entry(nil), history...), e)
	if over := len(out) - HistoryLimit; over > 0 {
		out = append(out[:1], out[1+over:]...)
	}
	return out
}

// What a ledger answers, whatever it is made of.
var (
	// ErrNotFound means that there is no such record.
	ErrNotFound = errors.New("no such record")
	// ErrConflict means that another writer was first: read again and decide again.
	ErrConflict = errors.New("another writer was first")
	// ErrEmpty means that the shelf has no pair to give.
	ErrEmpty = errors.New("the shelf has no database and share to give")
	// ErrBusy means that there are slots, and that the shelf has none to give for the moment: come again later.
	ErrBusy = errors.New("the shelf is busy, and has slots to give later")
	// ErrTaken means that an address belongs to another tenant.
	ErrTaken = errors.New("the address belongs to another tenant")
	// ErrCapped means that the cap on money does not allow it.
	ErrCapped = errors.New("the cap on money does not allow it")
	// ErrQueued means that other tenants wait already, and are served first.
	ErrQueued = errors.New("other tenants are waiting")
)
