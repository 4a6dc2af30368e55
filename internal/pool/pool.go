// Package pool is the domain of Headroom: hosts and their slots, the shelf that signups take from,
// tenants, policies and plans. It is pure: every decision is a function of what was observed, the
// policy and the time; reading, writing and waiting happen elsewhere.
package pool

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
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
	return HostID(string(k.Kind) + "-" + string(k.Tier) + "-" + strconv.Itoa(seq))
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
}

// HistoryLimit bounds a record's history; the oldest entries go first.
const HistoryLimit = 40

// Append adds an entry to a history and keeps it within HistoryLimit. The argument is not changed.
func Append(history []Entry, e Entry) []Entry {
	out := append(append([]Entry(nil), history...), e)
	if over := len(out) - HistoryLimit; over > 0 {
		out = out[over:]
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
