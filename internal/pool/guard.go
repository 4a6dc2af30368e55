package pool

import (
	"fmt"
	"strings"
	"time"
)

// ClockMargin is how long after a grace what it kept is begun to be destroyed: the guard judges that again before each call, maybe by
// another clock, and would tell people that it is too early.
const ClockMargin = 10 * time.Second

// Target is what a destructive call is about to destroy, as it was observed just before the call.
type Target struct {
	What      string     // "share", "database", "objects", "secret"
	Name      string     // the very name or ID that the call will bear: a bucket, a database, a share, a secret
	Want      string     // the name that the tenant's generation has by the books
	Mark      string     // that the thing bears itself: inside the database, on the bucket; empty when it bears none
	WantMark  string     // that it must bear; empty where things of this sort bear none
	Holders   []TenantID // tenants that the books name for it, in whatever generation is live
	Slot      Slot       // the slot as the host's record has it, read consistently
	Departure Departure  // as it is recorded, read consistently
	Clearance Clearance
	Stops     Stops // read consistently
}

// Guard stands before every call that destroys something of a tenant's. It returns every reason against it; none: it
// may be done. It believes nothing that was not read just now.
func Guard(t Target, now time.Time) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	d, c := t.Departure, t.Clearance
	refuse(t.Stops.On(StopDestroy), "%s", t.Stops.Against(StopDestroy))
	refuse(d.State != DepartureScrubbing, "departure %s is %s", d.ID(), d.State)
	refuse(now.Before(d.GraceUntil()), "its grace lasts until %s", d.GraceUntil().UTC().Format(time.RFC3339))
	refuse(c.Departure != d.ID(), "the clearance belongs to departure %s", c.Departure)
	refuse(c.State != ClearanceScrubbing, "the clearance is %s", c.State)
	refuse(d.Archive.Key == "" || d.Archive.VersionID == "" || d.Archive.SHA256 == "", "no archive of it was verified")
	refuse(!proven(d.Proofs, StepVerify), "no archive of it was verified by a step")
	refuse(d.Archive.RetainUntil.IsZero() || !d.Archive.RetainUntil.After(now), "its archive is not locked")
	refuse(!strings.HasPrefix(d.Archive.Key, string(d.ID())+"/"), "its archive is of another departure: %s", d.Archive.Key)
	refuse(t.Name == "" || t.Name != t.Want, "%s %q is not the one that it had, %q", t.What, t.Name, t.Want)
	refuse(rootOrPattern(t.Name), "%s %q is a root or a pattern", t.What, t.Name)
	refuse(t.WantMark != "" && t.Mark != t.WantMark, "%s %q bears the mark %q, not %q", t.What, t.Name, t.Mark, t.WantMark)
	refuse(t.Slot.Index != c.Holding.Index || t.Slot.Generation != c.Holding.Generation,
		"the slot is %d of generation %d, not %d of generation %d", t.Slot.Index, t.Slot.Generation, c.Holding.Index, c.Holding.Generation)
	refuse(t.Slot.State != SlotLeaving, "the slot is %s", t.Slot.State)
	refuse(t.Slot.Tenant != d.Tenant.ID, "the slot is of tenant %q", t.Slot.Tenant)
	for _, holder := range t.Holders {
		refuse(true, "%s %q is held by tenant %s", t.What, t.Name, holder)
	}
	return reasons
}

// proven reports whether a step was done.
func proven(proofs []Proof, step Step) bool {
	for _, p := range proofs {
		if p.Step == step && p.What != "" {
			return true
		}
	}
	return false
}

// systemNames are databases that every server has; nothing of a tenant's is called so.
var systemNames = []string{"postgres", "template0", "template1", "rdsadmin"}

// rootOrPattern reports whether a name could mean more than one thing, or everything.
func rootOrPattern(name string) bool {
	if strings.ContainsAny(name, "*?[]{}%") || strings.Trim(name, "/. ") == "" || strings.Contains(name, "..") {
		return true
	}
	for _, system := range systemNames {
		if name == system {
			return true
		}
	}
	return false
}
