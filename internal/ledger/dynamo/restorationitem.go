package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// restorationItem is the stored form of a tenant's restoration, the present one or the last. It lies beside the tenant's
// record.
type restorationItem struct {
	key
	deadline
	Form        int                   `dynamodbav:"form"`
	Tenant      pool.TenantID         `dynamodbav:"tenant"`
	Number      int                   `dynamodbav:"number"`
	Mark        string                `dynamodbav:"mark"`
	Tier        pool.Tier             `dynamodbav:"tier"`
	Database    *holdingItem          `dynamodbav:"database,omitempty"`
	Share       *holdingItem          `dynamodbav:"share,omitempty"`
	To          time.Time             `dynamodbav:"to"`
	Reason      string                `dynamodbav:"reason"`
	RequestedBy string                `dynamodbav:"requestedBy"`
	Message     string                `dynamodbav:"message"`
	RequestedAt time.Time             `dynamodbav:"requestedAt"`
	Grace       time.Duration         `dynamodbav:"grace"`
	Move        bool                  `dynamodbav:"move,omitempty"`
	Wanted      pool.HostID           `dynamodbav:"wanted,omitempty"`
	Most        time.Duration         `dynamodbav:"most,omitempty"`
	Undone      int                   `dynamodbav:"undone,omitempty"`
	Auto        bool                  `dynamodbav:"auto,omitempty"`
	Personal    *time.Time            `dynamodbav:"personal,omitempty"`
	State       pool.RestorationState `dynamodbav:"state"`
	progress
	Target     *holdingItem       `dynamodbav:"target,omitempty"`
	Size       int64              `dynamodbav:"size,omitempty"`
	Shut       *time.Time         `dynamodbav:"shut,omitempty"`
	StandIn    string             `dynamodbav:"standIn,omitempty"`
	Old        string             `dynamodbav:"old,omitempty"`
	Instance   string             `dynamodbav:"instance,omitempty"`
	Ordered    bool               `dynamodbav:"ordered,omitempty"`
	Attempt    attemptItem        `dynamodbav:"attempt"`
	Uploads    string             `dynamodbav:"uploads,omitempty"`
	Asked      *time.Time         `dynamodbav:"asked,omitempty"`
	Swapping   *time.Time         `dynamodbav:"swapping,omitempty"`
	Swapped    *time.Time         `dynamodbav:"swapped,omitempty"`
	Refused    time.Duration      `dynamodbav:"refused,omitempty"`
	Came       string             `dynamodbav:"came,omitempty"`
	Files      int64              `dynamodbav:"files,omitempty"`
	FilesBytes int64              `dynamodbav:"filesBytes,omitempty"`
	Why        string             `dynamodbav:"why,omitempty"`
	Failed     bool               `dynamodbav:"failed,omitempty"`
	Missed     int                `dynamodbav:"missed,omitempty"`
	UndoneBy   string             `dynamodbav:"undoneBy,omitempty"`
	UndoneAt   *time.Time         `dynamodbav:"undoneAt,omitempty"`
	Told       string             `dynamodbav:"told,omitempty"`
	Kept       []keptDatabaseItem `dynamodbav:"kept,omitempty"`
	Proofs     []proofItem        `dynamodbav:"proofs,omitempty"`
	History    []entryItem        `dynamodbav:"history"`
	Version    int64              `dynamodbav:"version"`
}

type keptDatabaseItem struct {
	Holding *holdingItem `dynamodbav:"holding,omitempty"`
	Name    string       `dynamodbav:"name"`
	Mark    string       `dynamodbav:"mark"`
	Until   time.Time    `dynamodbav:"until"`

	Move pool.RestorationID `dynamodbav:"move,omitempty"`
	Now  *holdingItem       `dynamodbav:"now,omitempty"`
}

const restorationSort = "RESTORATION"

func restorationKey(tenant pool.TenantID) key {
	return key{tenantPrefix + string(tenant), restorationSort}
}

func encodeRestoration(r pool.Restoration) (item, error) {
	i := restorationItem{
		key: restorationKey(r.Tenant), deadline: deadlineOf(dueRestoration, r.Due), Form: form, Tenant: r.Tenant, Number: r.Number,
		Mark: r.Mark, Tier: r.Tier, Database: encodeHolding(r.Database), Share: encodeHolding(r.Share), To: r.To, Reason: r.Reason,
		RequestedBy: r.RequestedBy, Message: r.Message, RequestedAt: r.RequestedAt, Grace: r.Grace, State: r.State,
		progress: encodeProgress(r.Progress), StandIn: r.StandIn, Old: r.Old, Instance: r.Instance, Ordered: r.Ordered,
		Attempt: encodeAttempt(r.Attempt), Uploads: r.Uploads, Asked: moment(r.Asked), Swapping: moment(r.Swapping), Swapped: moment(r.Swapped),
		Refused: r.Refused, Came: r.Came, Files: r.Files, FilesBytes: r.FilesBytes, Why: r.Why, Failed: r.Failed, Missed: r.Missed,
		UndoneBy: r.UndoneBy, UndoneAt: moment(r.UndoneAt), Told: r.Told,
		Move: r.Move, Wanted: r.Wanted, Most: r.Most, Undone: r.Undone, Auto: r.Auto, Personal: moment(r.Personal), Target: encodeHolding(r.Target), Size: r.Size, Shut: moment(r.Shut),
		Proofs: encodeProofs(r.Proofs), History: encodeHistory(r.History), Version: r.Version,
	}
	for _, k := range r.Kept {
		i.Kept = append(i.Kept, keptDatabaseItem{
			Holding: encodeHolding(k.Holding), Name: k.Slot.Name, Mark: k.Slot.Mark, Until: k.Until, Move: k.Move, Now: encodeHolding(k.Now),
		})
	}
	return encode(i)
}

func (i restorationItem) restoration() pool.Restoration {
	r := pool.Restoration{
		Tenant: i.Tenant, Number: i.Number, Mark: i.Mark, Tier: i.Tier, Database: i.Database.decode(), Share: i.Share.decode(), To: i.To,
		Reason: i.Reason, RequestedBy: i.RequestedBy, Message: i.Message, RequestedAt: i.RequestedAt, Grace: i.Grace, State: i.State,
		Progress: i.progress.decode(i.time()), StandIn: i.StandIn, Old: i.Old, Instance: i.Instance, Ordered: i.Ordered,
		Attempt: i.Attempt.decode(), Uploads: i.Uploads, Asked: from(i.Asked), Swapping: from(i.Swapping), Swapped: from(i.Swapped),
		Refused: i.Refused, Came: i.Came, Files: i.Files, FilesBytes: i.FilesBytes, Why: i.Why, Failed: i.Failed, Missed: i.Missed,
		UndoneBy: i.UndoneBy, UndoneAt: from(i.UndoneAt), Told: i.Told,
		Move: i.Move, Wanted: i.Wanted, Most: i.Most, Undone: i.Undone, Auto: i.Auto, Personal: from(i.Personal), Target: i.Target.decode(), Size: i.Size, Shut: from(i.Shut),
		Proofs: decodeProofs(i.Proofs), History: decodeHistory(i.History), Version: i.Version,
	}
	for _, k := range i.Kept {
		r.Kept = append(r.Kept, pool.KeptDatabase{
			Holding: k.Holding.decode(), Slot: pool.MarkedSlot{Name: k.Name, Mark: k.Mark}, Until: k.Until, Move: k.Move, Now: k.Now.decode(),
		})
	}
	return r
}
