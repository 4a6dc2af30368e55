package pool

import "time"

// TenantState is where a tenant stands.
type TenantState string

const (
	// Requested: its signup is under way.
	Requested TenantState = "requested"
	// Waiting: the pool was empty; it is on the waiting list until slots are claimed for it, and is
	// then Requested again.
	Waiting TenantState = "waiting"
	// Ready: it has its database and its share.
	Ready TenantState = "ready"
)

// Tenant is the record of one customer.
type Tenant struct {
	ID          TenantID    `dynamodbav:"id"`
	Tier        Tier        `dynamodbav:"tier"`
	Instance    string      `dynamodbav:"instance"` // IPv4 address of its application server
	State       TenantState `dynamodbav:"state"`
	RequestedAt time.Time   `dynamodbav:"requestedAt"`
	ReadyAt     time.Time   `dynamodbav:"readyAt,omitzero"`
	Due         time.Time   `dynamodbav:"-"`               // deadline of a signup under way, or of a late announcement; zero when there is none
	Tries       int         `dynamodbav:"tries,omitempty"` // how often it was sent again past its deadline
	Seq         int64       `dynamodbav:"seq,omitempty"`   // its number on the waiting list; 0 if it never waited

	Database Holding `dynamodbav:"database,omitzero"`
	Share    Holding `dynamodbav:"share,omitzero"`
	Secret   string  `dynamodbav:"secret,omitempty"` // ARN of the secret with its credentials

	History []Entry `dynamodbav:"history"`
}

// Holding is what a tenant has of a host.
type Holding struct {
	Host    HostID `dynamodbav:"host"`
	Index   int    `dynamodbav:"index"`
	Name    string `dynamodbav:"name"`
	Address string `dynamodbav:"address"`        // DNS name to connect to
	Port    int    `dynamodbav:"port,omitempty"` // of a database
}

// Overtaken is t as it is to be written when the tenant was put on the waiting list since t was read: with
// its number, and with the history as it is stored before t's last entry.
func Overtaken(t, stored Tenant) Tenant {
	last := t.History[max(0, len(t.History)-1):]
	t.Seq, t.History = stored.Seq, stored.History
	for _, entry := range last {
		t.History = Append(t.History, entry)
	}
	return t
}

// HoldingOf is what a tenant has of a claimed slot.
func HoldingOf(side Side) Holding {
	return Holding{Host: side.Host, Index: side.Offer.Index, Name: side.Offer.Name, Address: side.Access.Address, Port: side.Access.Port}
}
