package pool

import "slices"

// Bays are the places in which tasks copy tenants' data: so many at once, for tasks and addresses are limited by
// quotas, and one a database host, whose other tenants a copy slows down.
type Bays struct {
	Taken   []Bay
	Version int64 // of the record; 0 when it is not written yet
}

// Bay is a place that somebody has taken.
type Bay struct {
	Owner string // ID of a departure, or of a restoration
	Host  HostID // of its database; empty: it copies files only
	To    HostID // that its database moves to; empty: it stays on its host
}

// at reports whether the bay's copy slows down the tenants of a host.
func (b Bay) at(host HostID) bool { return host != "" && (b.Host == host || b.To == host) }

// Take takes a bay, out of most at once. An owner that has one already keeps it. false: it has to wait.
func (b Bays) Take(bay Bay, most int) (Bays, bool) {
	if b.Has(bay.Owner) {
		return b, true
	}
	if len(b.Taken) >= most || slices.ContainsFunc(b.Taken, func(other Bay) bool { return other.at(bay.Host) || other.at(bay.To) }) {
		return b, false
	}
	b.Taken = append(slices.Clone(b.Taken), bay)
	return b, true
}

// Has reports whether an owner has a bay.
func (b Bays) Has(owner string) bool {
	return slices.ContainsFunc(b.Taken, func(bay Bay) bool { return bay.Owner == owner })
}

// Leave gives an owner's bay back.
func (b Bays) Leave(owner string) Bays {
	b.Taken = slices.DeleteFunc(slices.Clone(b.Taken), func(bay Bay) bool { return bay.Owner == owner })
	return b
}

// Copying reports whether a departure has use of a bay: one that is given up, or further on, has not, and one that has a
// bay all the same was killed before it gave it back.
func (d Departure) Copying() bool {
	return d.State == DepartureLeaving && (d.Step == StepArchive || d.Step == StepVerify)
}
