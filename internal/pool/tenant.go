package pool

import (
	"fmt"
	"slices"
	"time"
)

// TenantState is where a tenant stands.
type TenantState string

const (
	// TenantRequested: its signup is under way.
	TenantRequested TenantState = "requested"
	// TenantWaiting: the pool was empty; it is on the waiting list until slots are claimed for it, and is
	// then Requested again.
	TenantWaiting TenantState = "waiting"
	// TenantReady: it has its database and its share.
	TenantReady TenantState = "ready"
	// TenantLeft: it left, and what it had is its departure's. The record stays as a tombstone, so that messages from
	// before are known to be late; the name can sign up again.
	TenantLeft TenantState = "left"
)

// tenantMoves lists the states that each state may be left for.
var tenantMoves = map[TenantState][]TenantState{
	TenantRequested: {TenantWaiting, TenantReady, TenantLeft},
	TenantWaiting:   {TenantRequested, TenantReady, TenantLeft},
	TenantReady:     {TenantLeft},
	TenantLeft:      {TenantRequested, TenantReady}, // signed up again, or its departure was undone
}

// Tenant is the record of one customer.
type Tenant struct {
	ID          TenantID
	Tier        Tier
	Mark        string   // random mark of this signup, by which its secret is known
	Addresses   []string // IPv4 addresses of its application servers; once it is ready, those that its share serves
	Change      Change   // of its addresses
	State       TenantState
	RequestedAt time.Time
	ReadyAt     time.Time
	LeftAt      time.Time // when it was asked to leave, or to stay; what was sent before is late. It stays when it signs up again
	Held        bool      // a tombstone's: it may hold slots that were not handed over yet, and can't sign up again before they are taken back
	Anew        bool      // it signed up again, and what the shelf may hold for its earlier life is to be given back first
	Undone      int       // how many of its departures were undone
	Restored    int       // number of the last restoration of its name whose record went with its departure

	Progress

	Seq   int64    // its number on the waiting list; 0 if it never waited
	Spent []string // marks that its signup had before: with each it was given other slots, because those that it held could not be opened

	Returning []Holding // what it held and does not get, and is to be taken back from it: a database, a share
	Database  Holding
	Share     Holding
	Secret    string    // the secret with its credentials, as the vault names it
	MovedAt   time.Time // when its database came to where it is from another host; zero: it never did

	History []Entry
	Version int64 // of the record; 0 when it is not written yet
}

// Holding is what a tenant has of a host: one generation of a slot.
type Holding struct {
	Host       HostID
	Index      int
	Generation int
	Name       string
	Address    string // DNS name to connect to
	Port       int    // of a database
}

// Same reports whether two holdings are of one generation of a slot.
func (h Holding) Same(o Holding) bool {
	return h.Host == o.Host && h.Index == o.Index && h.Generation == o.Generation
}

// Named reports whether the record names the tenant's slots. They are its own for good, from the moment on that
// its credentials are stored, and may still have to be opened.
func (t Tenant) Named() bool { return t.Database.Host != "" }

// Clone copies a tenant so that the copy can be changed without changing t.
func (t Tenant) Clone() Tenant {
	t.Addresses, t.History, t.Returning = slices.Clone(t.Addresses), slices.Clone(t.History), slices.Clone(t.Returning)
	t.Spent = slices.Clone(t.Spent)
	t.Change = t.Change.clone()
	return t
}

// Clients is the desired client list of the tenant's share: its addresses and those that come, sorted, and nobody else.
func (t Tenant) Clients() []string {
	var clients []string
	for _, address := range t.Desired() {
		clients = append(clients, address+"/32")
	}
	slices.Sort(clients)
	return clients
}

// MoveTenant takes a tenant to another state, and notes why. Its step ends. Being there already is no
// error and changes nothing; a move that the life of a tenant does not have is an error.
func MoveTenant(t Tenant, to TenantState, now time.Time, why string) (Tenant, error) {
	if t.State == to {
		return t, nil
	}
	if !slices.Contains(tenantMoves[t.State], to) {
		return t, fmt.Errorf("tenant %s cannot go from %s to %s", t.ID, t.State, to)
	}
	t = t.Clone()
	if to == TenantReady {
		// What has to be done about its addresses begins. Whoever makes it ready may be cut short before it says so.
		t.Change.Untold = t.Change.Untold || t.changes() && t.State != TenantLeft
		t = RestTenant(t, now)
	} else {
		t.Progress = Progress{}
	}
	t.State = to
	t.History = Append(t.History, Entry{At: now, What: string(to), Why: why})
	return t, nil
}

// HoldingOf is what a tenant has of a claimed slot.
func HoldingOf(side Side) Holding {
	return Holding{
		Host: side.Host, Index: side.Offer.Index, Generation: side.Offer.Generation, Name: side.Offer.Name,
		Address: side.Access.Address, Port: side.Access.Port,
	}
}
