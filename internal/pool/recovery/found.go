// Package recovery makes a ledger true again that was lost, or put back to an earlier time: from what stands on the things
// themselves, which is marks inside databases and on buckets, tags of shares, secrets and stacks. It is pure: what is found is
// read by others, and so is what a plan says written.
package recovery

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// Found is what there is of a stage, whatever the ledger says.
type Found struct {
	At      time.Time // when the look began
	Nobody  string    // client of a share that is nobody's
	Hosts   map[pool.HostID]Host
	Secrets []Secret
	Blind   []string // what could not be looked at as a whole: then nothing is planned
}

// Host is a host that bears the stage's marks.
type Host struct {
	Order  string // mark of its order
	Stack  pool.Stack
	Whole  bool // its stack is complete, and nothing is done to it
	Access pool.Access
	Slots  []Slot
	Blind  string // why its slots could not be looked at; empty: they were
}

// Slot is one generation of a slot, as it stands on its host.
type Slot struct {
	Index, Generation         int
	Name, Bucket, Role, Share string
	Tenant                    pool.TenantID // of a share: whose it is by its tag
	Open                      bool          // somebody may reach it
	Holds                     bool          // it holds something, or is not known to hold nothing
	Clients                   []string      // of a share
	Full                      bool          // of a share: there is something in its bucket
}

// Addresses are those that a share serves, in their order.
func (s Slot) Addresses() (all []string) {
	for _, client := range slices.Sorted(slices.Values(s.Clients)) {
		all = append(all, strings.TrimSuffix(client, "/32"))
	}
	return all
}

// Secret is a tenant's secret; a tenant that has signed up with several marks has several.
type Secret struct {
	Tenant   pool.TenantID
	Mark     string // of the signup
	ARN      string
	Database string // name of the database that it is for
	Made     time.Time
}

// place is where a generation of a slot was found.
type place struct {
	host pool.HostID
	at   int // in the host's Slots
}

func (f Found) slot(p place) Slot { return f.Hosts[p.host].Slots[p.at] }
