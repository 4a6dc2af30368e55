package pool

import "slices"

// Bays are the places in which tasks copy tenants' data: so many at once, for tasks and addresses are limited by
// quotas, and one a database host, whose other tenants a copy slows down.
type Bays struct {
	Taken   []Bay
	Version int64 // of the record; 0 when it is not written yet
}

// Bay is a place that a departure has taken.
type Bay struct {
	Departure DepartureID
	Host      HostID // of its database
}

// Take takes a bay for a departure, out of most at once. One that has its bay already keeps it. false: it has to wait.
func (b Bays) Take(id DepartureID, host HostID, most int) (Bays, bool) {
	if b.Has(id) {
		return b, true
	}
	if len(b.Taken) >= most || slices.ContainsFunc(b.Taken, func(bay Bay) bool { return bay.Host == host }) {
		return b, false
	}
	b.Taken = append(slices.Clone(b.Taken), Bay{id, host})
	return b, true
}

// Has reports whether a departure has a bay.
func (b Bays) Has(id DepartureID) bool {
	return slices.ContainsFunc(b.Taken, func(bay Bay) bool { return bay.Departure == id })
}

// Leave gives a departure's bay back.
func (b Bays) Leave(id DepartureID) Bays {
	b.Taken = slices.DeleteFunc(slices.Clone(b.Taken), func(bay Bay) bool { return bay.Departure == id })
	return b
}

// Copying reports whether a departure has use of a bay: one that is given up, or further on, has not, and one that has a
// bay all the same was killed before it gave it back.
func (d Departure) Copying() bool {
	return d.State == DepartureLeaving && (d.Step == StepArchive || d.Step == StepVerify)
}
