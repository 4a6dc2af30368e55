package pool

import "time"

// Counters are sums over the hosts of a pool. They are kept with the pool's record, so that no path
// has to read every host. Their stored names must not be those of the table's index keys.
type Counters struct {
	Hosts       int `dynamodbav:"hosts"`       // that exist or may exist in the cloud
	Making      int `dynamodbav:"making"`      // hosts on their way into service
	MakingSlots int `dynamodbav:"makingSlots"` // slots those will bring
	InService   int `dynamodbav:"inService"`   // hosts in service
	Cordoned    int `dynamodbav:"cordoned"`    // hosts cordoned
	Quarantined int `dynamodbav:"quarantined"` // hosts given up
	Slots       int `dynamodbav:"slots"`       // slots of hosts in service
	Reserve     int `dynamodbav:"inReserve"`   // of those: made, and not set out yet
	Used        int `dynamodbav:"inUse"`       // of those: set out or taken
	Shut        int `dynamodbav:"shut"`        // slots set out or taken of hosts that are cordoned

	Room Room `dynamodbav:"-"` // of the hosts in service; stored as numbers of their own
}

// Contribution is what one host adds to its pool's counters.
func Contribution(h Host) Counters {
	var c Counters
	if h.ID == "" || !h.State.Live() {
		return c
	}
	c.Hosts = 1
	switch {
	case h.State.Making():
		c.Making, c.MakingSlots = 1, h.Size
	case h.State == InService:
		c.InService, c.Slots, c.Reserve, c.Used = 1, len(h.Slots), h.Free(), h.Used()
		c.Room = roomOf(h)
	case h.State == Cordoned:
		c.Cordoned, c.Shut = 1, h.Used()
	case h.State == Quarantined:
		c.Quarantined = 1
	}
	return c
}

// Sub gives c minus other, field by field.
func (c Counters) Sub(other Counters) Counters {
	return c.plus(other, -1)
}

// Add gives c plus other, field by field.
func (c Counters) Add(other Counters) Counters {
	return c.plus(other, 1)
}

func (c Counters) plus(o Counters, sign int) Counters {
	return Counters{
		Hosts:       c.Hosts + sign*o.Hosts,
		Making:      c.Making + sign*o.Making,
		MakingSlots: c.MakingSlots + sign*o.MakingSlots,
		InService:   c.InService + sign*o.InService,
		Cordoned:    c.Cordoned + sign*o.Cordoned,
		Quarantined: c.Quarantined + sign*o.Quarantined,
		Slots:       c.Slots + sign*o.Slots,
		Reserve:     c.Reserve + sign*o.Reserve,
		Used:        c.Used + sign*o.Used,
		Shut:        c.Shut + sign*o.Shut,
		Room:        c.Room.plus(o.Room, sign),
	}
}

// Record is what is kept of a pool as a whole.
type Record struct {
	Key      Key
	Seq      int // number of the last host that was ordered
	Counters Counters

	Failures     int       // hosts that failed in a row
	BackoffUntil time.Time // no order before this; zero: none
}

// Outcome is what a host's change of state means for its pool's backoff.
type Outcome int

const (
	// Neutral leaves the backoff as it is.
	Neutral Outcome = iota
	// Succeeded ends the backoff.
	Succeeded
	// Failed counts a failure and lengthens the backoff.
	Failed
)

// backoffBase and backoffMax bound the wait after failed hosts.
const (
	backoffBase = time.Minute
	backoffMax  = time.Hour
)

// Backoff is how long the next order waits after a number of failures in a row: one minute, doubled
// with each, one hour at most.
func Backoff(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	d := backoffBase
	for range failures - 1 {
		if d *= 2; d >= backoffMax {
			return backoffMax
		}
	}
	return d
}
