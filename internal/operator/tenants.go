package operator

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// forever is later than any deadline: what the index of deadlines has by then is all that has one.
var forever = time.Unix(1<<40, 0)

// dueSeen bounds how many records with a deadline are looked at.
const dueSeen = 1000

// Tenant is a tenant as it stands, in one line.
type Tenant struct {
	Tenant      pool.TenantID    `json:"tenant"`
	Tier        pool.Tier        `json:"tier"`
	State       pool.TenantState `json:"state"`
	RequestedAt time.Time        `json:"requestedAt"`
	ReadyAt     time.Time        `json:"readyAt,omitzero"`
	LeftAt      time.Time        `json:"leftAt,omitzero"`
	Addresses   []string         `json:"addresses"`
	Database    string           `json:"database,omitempty"` // "<host>/<slot>"
	Share       string           `json:"share,omitempty"`    // "<host>/<slot>"
	Work        *Work            `json:"work,omitempty"`
}

// TenantDetail is all of a tenant. It has no password: that is in the secret.
type TenantDetail struct {
	Tenant
	Mark        string       `json:"mark"`               // of its signup
	Position    int          `json:"position,omitempty"` // on the waiting list, from 1
	Connect     *Connect     `json:"connect,omitempty"`
	Coming      []string     `json:"addressesComing,omitempty"`
	Going       []string     `json:"addressesGoing,omitempty"`
	Restoration *Restoration `json:"restoration,omitempty"` // the present one, or the last
	Missing     []Lack       `json:"missing,omitempty"`     // what may be missing in its share
	Departures  []Departure  `json:"departures,omitempty"`
}

// Connect is where a tenant connects to.
type Connect struct {
	DatabaseHost string `json:"databaseHost"`
	DatabasePort int    `json:"databasePort"`
	DatabaseName string `json:"databaseName"`
	ShareHost    string `json:"shareHost"`
	SharePath    string `json:"sharePath"`
	Secret       string `json:"secret"` // its name or ARN
}

// Departure is a tenant's way out.
type Departure struct {
	Departure   pool.DepartureID    `json:"departure"`
	State       pool.DepartureState `json:"state"`
	Reason      string              `json:"reason"`
	RequestedBy string              `json:"requestedBy"`
	RequestedAt time.Time           `json:"requestedAt"`
	GraceUntil  time.Time           `json:"graceUntil"`
	Archive     string              `json:"archive,omitempty"` // "s3://…" of the zip that was verified
	Missing     []Lack              `json:"missing,omitempty"` // what may be missing in it
	Work        *Work               `json:"work,omitempty"`
	Slots       []Clearance         `json:"slots,omitempty"`
}

// Lack is what may be missing of a tenant's files, because the gateway that had acknowledged it was given up.
type Lack struct {
	Gateway string    `json:"gateway"`
	GivenUp time.Time `json:"givenUpAt"`
	What    string    `json:"what"`
}

func missingOf(all []pool.Missing) (view []Lack) {
	for _, m := range all {
		view = append(view, Lack{Gateway: m.Gateway, GivenUp: m.At.UTC(), What: m.What})
	}
	return view
}

// Clearance is how a slot of a tenant that left is brought back into its pool.
type Clearance struct {
	Kind  pool.Kind           `json:"kind"`
	Slot  string              `json:"slot"` // "<host>/<slot>"
	State pool.ClearanceState `json:"state"`
	Work  *Work               `json:"work,omitempty"`
}

// TenantFilter says which tenants are meant.
type TenantFilter struct {
	Tier  pool.Tier        // empty: all
	State pool.TenantState // empty: all
	Host  string           // empty: all
	All   bool             // also those that left, or were given up before they held anything: the whole table is read
}

// Tenants lists the tenants that hold slots, that wait, or that something is done about, by name. It reads the hosts, the
// shelves, the waiting lists and the index of deadlines, and so costs what there is, not what there ever was: who left and
// is done with, or was given up before it held anything, is found by its name (Tenant), or where all are asked for.
func (o *Operator) Tenants(ctx context.Context, f TenantFilter) ([]Tenant, error) {
	if f.Host != "" {
		if _, err := o.readHost(ctx, f.Host); err != nil {
			return nil, err
		}
	}
	if f.Tier != "" {
		if err := o.tierIsThere(ctx, f.Tier); err != nil {
			return nil, err
		}
	}
	found, err := o.tenants(ctx, f.All)
	if err != nil {
		return nil, err
	}
	var views []Tenant
	for _, id := range slices.Sorted(maps.Keys(found)) {
		t := found[id]
		if f.Tier != "" && t.Tier != f.Tier || f.State != "" && t.State != f.State {
			continue
		}
		if f.Host != "" && string(t.Database.Host) != f.Host && string(t.Share.Host) != f.Host {
			continue
		}
		views = append(views, tenantOf(t, o.Now()))
	}
	return views, nil
}

func (o *Operator) tenants(ctx context.Context, all bool) (map[pool.TenantID]pool.Tenant, error) {
	if all {
		found := map[pool.TenantID]pool.Tenant{}
		err := o.Ledger.EachTenant(ctx, func(t pool.Tenant) error {
			found[t.ID] = t
			return nil
		})
		return found, err
	}
	ids, err := o.tenantIDs(ctx)
	if err != nil {
		return nil, err
	}
	return o.Ledger.Tenants(ctx, ids)
}

func (o *Operator) tenantIDs(ctx context.Context) ([]pool.TenantID, error) {
	ids := map[pool.TenantID]bool{}
	hosts, err := o.hosts(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		for _, s := range h.Slots {
			if s.Tenant != "" && h.State.Live() {
				ids[s.Tenant] = true
			}
		}
	}
	tiers, err := o.Ledger.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	for _, tier := range tiers {
		shelf, err := o.Ledger.Shelf(ctx, tier)
		if err != nil {
			return nil, err
		}
		for id := range shelf.Held {
			ids[id] = true
		}
		waiters, err := o.Ledger.Waiting(ctx, tier, ledger.WaitingSeen)
		if err != nil {
			return nil, err
		}
		for _, w := range waiters {
			ids[w.Tenant] = true
		}
	}
	due, err := o.Ledger.OverdueTenants(ctx, forever, dueSeen)
	if err != nil {
		return nil, err
	}
	for _, id := range due {
		ids[id] = true
	}
	leaving, err := o.Ledger.OverdueDepartures(ctx, forever, dueSeen)
	if err != nil {
		return nil, err
	}
	for _, id := range leaving {
		ids[id.Tenant()] = true
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

func tenantOf(t pool.Tenant, now time.Time) Tenant {
	view := Tenant{
		Tenant: t.ID, Tier: t.Tier, State: t.State, RequestedAt: t.RequestedAt.UTC(), Addresses: slices.Clone(t.Addresses),
		Database: slotName(t.Database), Share: slotName(t.Share), Work: workOf(t.Progress, now),
	}
	slices.Sort(view.Addresses)
	if !t.ReadyAt.IsZero() {
		view.ReadyAt = t.ReadyAt.UTC()
	}
	if t.State == pool.TenantLeft {
		view.LeftAt = t.LeftAt.UTC()
	}
	return view
}

func slotName(h pool.Holding) string {
	if h.Host == "" {
		return ""
	}
	return string(h.Host) + "/" + itoa(h.Index)
}

// readTenant reads one tenant, and says what to do where there is none.
func (o *Operator) readTenant(ctx context.Context, id string) (pool.Tenant, error) {
	t, err := o.Ledger.Tenant(ctx, pool.TenantID(id))
	return t, notFound(err, "Names count letter by letter. headroom tenant list names those there are.", "there is no tenant %s", id)
}

// Tenant reads all of one tenant, whoever it is that has left.
func (o *Operator) Tenant(ctx context.Context, id string) (TenantDetail, error) {
	t, err := o.readTenant(ctx, id)
	if err != nil {
		return TenantDetail{}, err
	}
	now := o.Now()
	view := TenantDetail{Tenant: tenantOf(t, now), Mark: t.Mark, Coming: t.Change.Coming, Going: t.Change.Going}
	if t.Named() {
		view.Connect = &Connect{
			DatabaseHost: t.Database.Address, DatabasePort: t.Database.Port, DatabaseName: pool.DatabaseName(t.Database.Name),
			ShareHost: t.Share.Address, SharePath: "/" + t.Share.Name, Secret: t.Secret,
		}
	}
	if t.State == pool.TenantReady {
		share, err := o.Ledger.Host(ctx, t.Share.Host)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return TenantDetail{}, err
		}
		view.Missing = missingOf(share.Missing(t.Share, t.ID, ""))
	}
	if t.State == pool.TenantWaiting {
		if view.Position, err = o.position(ctx, t); err != nil {
			return TenantDetail{}, err
		}
	}
	r, restored, err := o.restoration(ctx, t.ID)
	if err != nil {
		return TenantDetail{}, err
	}
	if restored {
		view.Restoration = restorationOf(r, now)
	}
	departures, err := o.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return TenantDetail{}, err
	}
	for _, d := range departures {
		seen, err := o.departure(ctx, d)
		if err != nil {
			return TenantDetail{}, err
		}
		view.Departures = append(view.Departures, seen)
	}
	slices.SortFunc(view.Departures, func(a, b Departure) int { return a.RequestedAt.Compare(b.RequestedAt) })
	return view, nil
}

func (o *Operator) departure(ctx context.Context, d pool.Departure) (Departure, error) {
	now := o.Now()
	view := Departure{
		Departure: d.ID(), State: d.State, Reason: d.Reason, RequestedBy: d.RequestedBy, RequestedAt: d.RequestedAt.UTC(), GraceUntil: d.GraceUntil().UTC(),
		Work: workOf(d.Progress, now),
	}
	if d.Archive.Key != "" {
		view.Archive = "s3://" + d.Archive.Bucket + "/" + d.Archive.Key
	}
	view.Missing = missingOf(d.Missing)
	clearances, err := o.clearances(ctx, d)
	if err != nil {
		return view, err
	}
	for _, c := range clearances {
		view.Slots = append(view.Slots, Clearance{Kind: c.Kind, Slot: slotName(c.Holding), State: c.State, Work: workOf(c.Progress, now)})
	}
	return view, nil
}

// clearances reads those of a departure whose slots are scrubbed, or were.
func (o *Operator) clearances(ctx context.Context, d pool.Departure) ([]pool.Clearance, error) {
	if d.State != pool.DepartureScrubbing && d.State != pool.DepartureLeft {
		return nil, nil
	}
	var found []pool.Clearance
	for _, kind := range pool.Kinds {
		c, err := o.Ledger.Clearance(ctx, pool.Clearance{Departure: d.ID(), Kind: kind}.ID())
		if errors.Is(err, pool.ErrNotFound) {
			continue // it had nothing of that kind
		}
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, nil
}

// position is a tenant's place on its waiting list.
func (o *Operator) position(ctx context.Context, t pool.Tenant) (int, error) {
	first, err := o.Ledger.Waiting(ctx, t.Tier, 1)
	if err != nil || len(first) == 0 {
		return 1, err
	}
	return pool.Position(t.Seq, first[0].Seq), nil
}

// History is all that is known of what became of a tenant, the earliest first: its own, that of its restorations and
// departures, and that of the slots that were cleared.
func (o *Operator) History(ctx context.Context, id string) ([]Event, error) {
	t, err := o.readTenant(ctx, id)
	if err != nil {
		return nil, err
	}
	events := eventsOf("tenant", t.History)
	r, restored, err := o.restoration(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if restored {
		events = append(events, restorationEvents(r)...)
	}
	departures, err := o.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range departures {
		events = append(events, eventsOf("departure "+string(d.ID()), d.History)...)
		for _, p := range d.Proofs {
			events = append(events, Event{At: p.At.UTC(), Of: "departure " + string(d.ID()), What: string(p.Step) + " done", Why: p.What})
		}
		clearances, err := o.clearances(ctx, d)
		if err != nil {
			return nil, err
		}
		for _, c := range clearances {
			of := string(c.Kind) + " " + slotName(c.Holding)
			events = append(events, eventsOf(of, c.History)...)
			for _, p := range c.Proofs {
				events = append(events, Event{At: p.At.UTC(), Of: of, What: string(p.Step) + " done", Why: p.What})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Of, b.Of)) })
	return events, nil
}
