package pool

import (
	"errors"
	"fmt"
	"time"
)

// Why an instance could not be restored to a time.
var (
	// ErrRestoreRange means that there is no such time any more, or not yet: the range of times moves.
	ErrRestoreRange = errors.New("the time is not one that can be gone back to")
	// ErrInstanceQuota means that the account has as many instances, or as much storage, as its quota lets it.
	ErrInstanceQuota = errors.New("the account's quota of instances or storage is reached")
	// ErrForeignInstance means that there is an instance of the name, and it bears another mark, or none.
	ErrForeignInstance = errors.New("an instance of the name bears another mark")
)

// Restorable is the range of times that something can go back to, both ends included.
type Restorable struct{ Earliest, Latest time.Time }

// Within is the range of times that both have.
func (r Restorable) Within(o Restorable) Restorable {
	if o.Earliest.After(r.Earliest) {
		r.Earliest = o.Earliest
	}
	if o.Latest.Before(r.Latest) {
		r.Latest = o.Latest
	}
	return r
}

// Refused says why a time can't be gone back to, in words that complete "to …"; empty: it can.
func (r Restorable) Refused(to time.Time) string {
	moment := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case r.Latest.Before(r.Earliest):
		return fmt.Sprintf("is no time that can be gone back to: there is none yet, before %s at least", moment(r.Earliest))
	case to.Before(r.Earliest):
		return fmt.Sprintf("is before the earliest time that can be gone back to: that is from %s to %s", moment(r.Earliest), moment(r.Latest))
	case to.After(r.Latest):
		return fmt.Sprintf("is after the latest time that can be gone back to: that is from %s to %s", moment(r.Earliest), moment(r.Latest))
	}
	return ""
}

// NoBackups is why nothing can go back to any time whose host has no backups, in words that complete "to …".
const NoBackups = "is no time that can be gone back to: the database's host has no backups, or none yet"

// Range is the range of times that what a restoration is of can go back to: backed is what the database's host can be restored
// to, which counts if the database goes back, and versions how long buckets keep what was deleted.
func (r Restoration) Range(t Tenant, backed Restorable, versions time.Duration, now time.Time) Restorable {
	can := Restorable{Earliest: t.ReadyAt.UTC(), Latest: now.UTC()} // before that what was there was not the tenant's
	if r.OfShare() {
		can = can.Within(Restorable{Earliest: now.Add(-versions).UTC(), Latest: now.UTC()})
	}
	if r.OfDatabase() {
		can = can.Within(Restorable{Earliest: t.MovedAt.UTC(), Latest: now.UTC()}) // and its host had another's, or nobody's
		can = can.Within(backed)
	}
	return can
}

// InstanceOrder is a temporary instance that is to be made of another as that was at a time. It is private, of the source's
// class and key, in no pool, and nothing keeps it from being deleted.
type InstanceOrder struct {
	Name   string // identifier of the instance that is to be made; the same again makes no other
	Source string // identifier of the instance that is gone back with
	At     time.Time
	Mark   string            // by which it is known to be ours, whatever its name
	Tags   map[string]string // put on it besides
}

// RestoredInstance is a temporary instance as it was last seen.
type RestoredInstance struct {
	Name         string
	Status       string // as RDS has it, such as "available"
	Mark         string // that it bears; empty: none
	Address      string // to connect to; empty: it has none yet
	Port         int
	MasterSecret string // ARN of the secret of its master user, once RDS keeps one
	Made         time.Time
	Tags         map[string]string
}

// Available reports whether the instance can be connected to, and changed.
func (i RestoredInstance) Available() bool { return i.Status == "available" && i.Address != "" }

// failedInstance are statuses that nothing but a deletion leads out of, or nothing of ours.
var failedInstance = map[string]bool{
	"failed": true, "incompatible-restore": true, "incompatible-network": true, "incompatible-parameters": true,
	"incompatible-create": true, "restore-error": true, "inaccessible-encryption-credentials": true, "storage-full": true,
}

// Failed reports whether it will never be available.
func (i RestoredInstance) Failed() bool { return failedInstance[i.Status] }
