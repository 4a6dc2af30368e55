// Package ledger is the contract of what Headroom remembers: hosts, pools, shelves, tenants, their
// addresses and their ways out. dynamo keeps it in DynamoDB, memory is its stateful fake, and ledgertest is one suite for both.
package ledger

import (
	"context"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/pool/recovery"
)

// Ledger is all that is asked of a ledger. Its users each declare the few methods that they call.
//
// Reads of single records are strongly consistent; Reserve and the Overdue… read an index,
// which lags: what they name must be read again before anything is decided. Writes are durable when they
// return. A write whose condition no longer holds answers pool.ErrConflict and has changed nothing; the
// caller reads again and decides again (Update). Implementations retry throttling and lost connections
// themselves, bounded by the context; a write of a shelf whose reply was lost may so answer
// pool.ErrConflict although it was written. Deadlines, lead times, and when holds were settled, are kept in
// whole seconds. No ledger chooses a state: records go in as pool's transitions made them.
type Ledger interface {
	// Request records a tenant if it is not known. A known tenant is returned as it is stored, with
	// fresh false.
	Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error)
	// Tenant reads a tenant; pool.ErrNotFound when there is none.
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	// Tenants reads many at once; those that there are not are left out.
	Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	// SaveTenant writes after on the condition that the stored version is before's, and returns it as it is
	// stored, its version moved by one. Where after waits and before does not, it comes onto its tier's
	// waiting list under its number; where before waits and after does not, it leaves the list. One
	// transaction.
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)

	// Register makes an address a tenant's, on the condition that it is nobody's, or the tenant's already:
	// else pool.ErrTaken.
	Register(ctx context.Context, address string, tenant pool.TenantID) error
	// Owner reads whose an address is; pool.ErrNotFound when it is nobody's.
	Owner(ctx context.Context, address string) (pool.TenantID, error)
	// Unregister frees an address that is nobody's or the tenant's, on the condition that the tenant's
	// stored version is seen's (0: that there is no such tenant): so it has not got the address since. One
	// transaction.
	Unregister(ctx context.Context, address string, seen pool.Tenant) error
	// Disown is Unregister of a tenant that is known, and moves its stored version: whoever has just registered the address
	// for it, and is about to record that it has it, does not. t is its record as it was read, and stays so otherwise.
	Disown(ctx context.Context, address string, t pool.Tenant) error

	// Draw draws the next number on a tier's waiting list for a tenant, counts the tenant as one that came,
	// and closes the shelf to those who are not on the list. again says that the tenant held slots before, and so
	// was counted. Two copies of a message that both draw count their tenant twice. pool.ErrConflict when the tenant
	// holds slots.
	Draw(ctx context.Context, tier pool.Tier, tenant pool.TenantID, again bool) (int64, error)
	// Waiting lists the first tenants on a tier's waiting list, in order.
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	// Unqueue opens the shelf to everybody again, on the condition that its Queue is still queue.
	Unqueue(ctx context.Context, tier pool.Tier, queue int64) error

	// ClaimAll does what pool.TakeAll says, in one atomic step or few: where some of the tenants get nothing, others
	// may claim before the rest does.
	ClaimAll(ctx context.Context, tier pool.Tier, tenants []pool.TenantID, waiting bool) ([]pool.Claimed, error)
	// Claim does what pool.Take says, in one atomic step. Errors: pool.ErrEmpty (also when the tier
	// has no shelf yet), pool.ErrQueued, pool.ErrBusy.
	Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error)
	// Shelf reads a tier's shelf; one that does not exist reads as pool.NewShelf, version 0.
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	// SaveShelf replaces the shelf on the condition that its version is before's; version 0 creates it.
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
	// BeginRefill notes a refill in the shelf, on the condition that none is under way, that nothing
	// is withdrawn, and that r.Number is the next number. A shelf that does not exist is made. It returns
	// the shelf as it is then.
	BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) (pool.Shelf, error)
	// CommitRefill appends offers to the lists of their kinds, adds their hosts' access, and ends
	// the refill, on the condition that it is under way still. seen is the shelf as it was while it was.
	// It drops the access of hosts that seen did not need any more (pool.Tidy): claims move the shelf's
	// version all the time, so that a SaveShelf for that alone would rarely succeed. It returns the shelf as
	// it is then.
	CommitRefill(ctx context.Context, seen pool.Shelf, offers []pool.Listed, hosts map[pool.HostID]pool.Access) (pool.Shelf, error)
	// Settle forgets holds, on the condition that each is still held as given, and notes when that was.
	// Claims that run at the same time do not disturb it, nor BeginRefill and CommitRefill. After a conflict
	// about more than a hundred holds, some of them may be forgotten.
	Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold, at time.Time) error

	// Pool reads a pool's record; one that does not exist reads as a zero record with its key.
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	// Order records a new host (version 0) and moves the pool's Seq to the host's number, on the
	// condition that Seq and Noted are still seen's; the record becomes seen.Ordered(h), and the counters
	// move with it. The host's price is added to what is spent, on the condition that the sum stays within the
	// host's Cap, unless that is 0: else pool.ErrConflict. One transaction.
	Order(ctx context.Context, seen pool.Record, h pool.Host) error
	// Adopt is Order of a host that a recovery found, on the condition, too, that the recovery's record has the version that r has.
	Adopt(ctx context.Context, r recovery.Record, seen pool.Record, h pool.Host) error
	// NoteCounted notes that the hosts of a pool up to a number are counted in what is spent; a lower number than is noted
	// changes nothing. pool.ErrNotFound when the pool never had a host.
	NoteCounted(ctx context.Context, key pool.Key, seq int) error
	// Tiers lists the tiers that a host was ever ordered for, sorted: those that may have tenants, whatever the
	// policies say.
	Tiers(ctx context.Context) ([]pool.Tier, error)
	// Host reads a host; pool.ErrNotFound when there is none.
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	// Hosts reads many at once, as Host does; those that there are not are left out.
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	// SaveHost writes after with the version moved by one, on the condition that the stored version is
	// before's, moves the pool's counters by the difference of their contributions, and notes the outcome
	// in the pool's record (pool.Record.Note). One transaction.
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	// SaveHostDuring is SaveHost on the condition, too, that the recovery's record has the version that r has: what acts by a
	// record that was overtaken changes no host.
	SaveHostDuring(ctx context.Context, r recovery.Record, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	// SaveHosts is SaveHost for several hosts, none of which comes to an outcome, in one transaction: all are
	// written or none is.
	SaveHosts(ctx context.Context, changes []HostChange) error
	// Reserve names hosts in service that have slots in reserve and fewer than below slots used: with
	// pool.Pack the most used first, with pool.Spread the least used first.
	Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error)
	// Depart records a departure (version 0) and the tombstone of its tenant, on the condition that the tenant's
	// stored version is before's; a tenant that waits leaves its list. One transaction.
	Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error
	// SignAgain records that a tenant which left signs up again (pool.SignAgain), on the condition that its stored version
	// is the tombstone's, and makes an address its own that is nobody's or its own already. One transaction.
	SignAgain(ctx context.Context, tombstone, fresh pool.Tenant, address string) (pool.Tenant, error)
	// Departure reads a departure; pool.ErrNotFound when there is none.
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	// Departures reads all departures of a tenant, in the order of their IDs.
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	// SaveDeparture writes after on the condition that the stored version is before's, and returns it as it is stored.
	SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error)
	// Rejoin is SaveDeparture for one that was undone, and saves its tenant, which was a tombstone before, on the same
	// conditions. One transaction.
	Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error
	// BeginScrub is SaveDeparture for one whose grace is over, and records the clearances of its slots (version 0).
	// One transaction.
	BeginScrub(ctx context.Context, before, after pool.Departure, clearances []pool.Clearance) error
	// Clearance reads a clearance; pool.ErrNotFound when there is none.
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	// Clearances reads many at once; those that there are not are left out.
	Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error)
	// SaveClearance writes after on the condition that the stored version is before's (0: that there is none), and returns it as
	// it is stored.
	SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error)
	// Bays reads who has a place to be copied in; one that was never written has version 0.
	Bays(ctx context.Context) (pool.Bays, error)
	// SaveBays writes after on the condition that the stored version is before's.
	SaveBays(ctx context.Context, before, after pool.Bays) error
	// Repair reads the repair that a host is in, or its last one; pool.ErrNotFound when there was none.
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	// SaveRepair writes after on the condition that the version of its host's repair is before's (0: that there is none),
	// and returns it as it is stored.
	SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error)
	// Restoration reads the restoration that a tenant is in, or its last one; pool.ErrNotFound when there was none.
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	// SaveRestoration writes after on the condition that the version of its tenant's restoration is before's (0: that there is
	// none), and returns it as it is stored.
	SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error)
	// ForgetRestoration deletes the record of a restoration, and saves its tenant, on the condition that the stored versions are
	// those of last and before. One transaction.
	ForgetRestoration(ctx context.Context, last pool.Restoration, before, after pool.Tenant) error
	// Ward reads which hosts of a pool are ill; one that was never written has version 0.
	Ward(ctx context.Context, key pool.Key) (pool.Ward, error)
	// SaveWard writes after on the condition that the stored version is before's.
	SaveWard(ctx context.Context, before, after pool.Ward) error
	// Spent is what all hosts that there may be, and all that is held money for, cost in a month. Orders add to it; a
	// host that is gone takes its price back with the save that says so.
	Spent(ctx context.Context) (pool.Cents, error)
	// HoldMoney holds money for something that is not a host of a pool, such as a machine that takes another's place, by a
	// name of its own: a price is added to what is spent on the condition that the sum stays within most, unless that is
	// 0: else pool.ErrCapped. What is held by the name already stays so, and is no error.
	HoldMoney(ctx context.Context, name string, price, most pool.Cents) error
	// HeldMoney lists all that money is held for, by name, consistently.
	HeldMoney(ctx context.Context) ([]pool.HeldMoney, error)
	// FreeMoney takes back what is held by a name; what is not held is no error.
	FreeMoney(ctx context.Context, name string) error
	// Outlook reads what is expected of a tier; one that was never written has version 0.
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	// SaveOutlook writes after on the condition that the stored version is before's.
	SaveOutlook(ctx context.Context, before, after pool.Outlook) error
	// Quotas reads the service quotas as they were read last; those that were never written have version 0.
	Quotas(ctx context.Context) (pool.Quotas, error)
	// SaveQuotas writes after with the version moved by one, on the condition that the stored version is before's.
	SaveQuotas(ctx context.Context, before, after pool.Quotas) error
	// Stops reads the stop switch; one that was never set reads as off.
	Stops(ctx context.Context) (pool.Stops, error)
	// SaveStops sets the stop switch, whatever it was.
	SaveStops(ctx context.Context, s pool.Stops) error
	// SwitchStops writes after with the version moved by one, on the condition that the stored version is before's.
	SwitchStops(ctx context.Context, before, after pool.Stops) error

	// Audit adds a line to the record of what people asked for and what was destroyed. One of the same time, message, matter
	// and thing is left as it is, and no error.
	Audit(ctx context.Context, a pool.Audit) error
	// Audits reads the lines of a day (UTC), the earliest first.
	Audits(ctx context.Context, day time.Time) ([]pool.Audit, error)
	// AuditCopies reads how far the audit is copied; what was never written has version 0.
	AuditCopies(ctx context.Context) (pool.AuditCopies, error)
	// SaveAuditCopies writes after with the version moved by one, on the condition that the stored version is before's.
	SaveAuditCopies(ctx context.Context, before, after pool.AuditCopies) (pool.AuditCopies, error)

	// Reject remembers, for pool.RejectionKept at least, that a message was refused; what is remembered of it already stays.
	Reject(ctx context.Context, r pool.Rejection) error
	// Rejection reads why a message was refused; pool.ErrNotFound when it was not, or that is forgotten.
	Rejection(ctx context.Context, message string) (pool.Rejection, error)

	// Storm reads which hosts went out of service lately; what was never written has version 0.
	Storm(ctx context.Context) (pool.Storm, error)
	// SaveStorm writes after on the condition that the stored version is before's.
	SaveStorm(ctx context.Context, before, after pool.Storm) error

	// Sightings reads what looks at AWS found that wants a person; what was never written has version 0.
	Sightings(ctx context.Context) (inventory.Sightings, error)
	// SaveSightings writes after on the condition that the stored version is before's.
	SaveSightings(ctx context.Context, before, after inventory.Sightings) error

	// Recovery reads how far a recovery is; what was never written has version 0.
	Recovery(ctx context.Context) (recovery.Record, error)
	// SaveRecovery writes after with the version moved by one, on the condition that the stored version is before's.
	SaveRecovery(ctx context.Context, before, after recovery.Record) error

	// OverdueHosts names hosts whose deadline is now or earlier, the oldest first.
	OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	// OverdueTenants names tenants whose deadline is now or earlier, the oldest first.
	OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
	// OverdueDepartures names departures whose deadline is now or earlier, the oldest first.
	OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error)
	// OverdueClearances names clearances whose deadline is now or earlier, the oldest first.
	OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error)
	// OverdueRepairs names the hosts whose repairs' deadline is now or earlier, the oldest first.
	OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	// OverdueRestorations names the tenants whose restorations' deadline is now or earlier, the oldest first.
	OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
}

// HostChange is a host as it was read, and as it is to be.
type HostChange struct{ Before, After pool.Host }
