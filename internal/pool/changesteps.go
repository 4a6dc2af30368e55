package pool

import (
	"slices"
	"time"
)

// OfChange reports whether a step is one of a change of addresses.
func (s Step) OfChange() bool {
	return slices.Contains([]Step{StepAdmit, StepEvict, StepChanged, StepConfirm, StepOverlap}, s)
}

// changes reports whether something is left to be done about the tenant's addresses.
func (t Tenant) changes() bool {
	c := t.Change
	return len(c.Coming) > 0 || len(c.Going) > 0 || len(c.Admitted) > 0 || len(c.Evicted) > 0 || c.Confirm
}

// RestTenant ends the step of a tenant that has its storage, and begins the next that its record asks for: what happened to
// its addresses is said before more happens, they come before they go, and its share is as desired, also after somebody who
// was late, before it is said to serve: nothing sets it any more then. Looks are counted on, so that messages from before are known to be late.
func RestTenant(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	looks, c := t.Count, t.Change
	next := func(step Step) { t.Progress = Started(step, now); t.Count = nextRound(looks) }
	switch {
	case len(c.Admitted) > 0 || len(c.Evicted) > 0:
		next(StepChanged)
	case len(c.Coming) > 0:
		next(StepAdmit)
	case len(c.Going) > 0:
		next(StepEvict)
	case c.Confirm:
		next(StepConfirm)
	case c.Untold:
		// It is signup's step. Whoever ends up here sends signup no message: the next pool check does.
		next(StepServe)
		t.Due, t.Change.Untold = now, false
	case !c.Due.IsZero():
		t.Progress = Progress{Step: StepOverlap, Due: c.Due}
	default:
		t.Progress = Progress{}
	}
	return t
}

// ServedAnew is a tenant whose announcement was given up, and is asked for again. What was to become of its addresses goes first:
// until that is done its share does not serve as is desired, and nothing else would set it.
func ServedAnew(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	t.Progress, t.Change.Untold = Progress{Count: t.Count}, true
	t = RestTenant(t, now)
	if t.Step == StepServe {
		t.Progress = Started(StepServe, now)
	} else {
		t.Due = now // the next pool check has it gone on with
	}
	return t
}

// nextRound is the number of looks at which the next round of them begins.
func nextRound(looks int) int { return (looks + looksARound - 1) / looksARound * looksARound }

// FirstLook reports whether the next look at the tenant's share is the first of a round, before which what is desired
// of the share is set.
func (p Progress) FirstLook() bool { return p.Count%looksARound == 0 }

// SetAgain has the next look be the first of a round, because what is desired could not be set.
func (p Progress) SetAgain() Progress {
	p.Count = nextRound(p.Count + 1)
	return p
}

// LookWait is how long to wait for the next look at a share: a second at first, then longer.
func (p Progress) LookWait() time.Duration {
	return min(time.Second<<(p.Count%looksARound), 30*time.Second)
}

// Admitted is a tenant whose share serves what was coming.
func Admitted(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	t.Addresses = t.Desired()
	t.Change.Admitted, t.Change.Coming = t.Change.Coming, nil
	t.Change.Since = now.UTC()
	return RestTenant(t, now)
}

// GoingOut is a tenant whose share is not to serve any more what goes; unchanged if that is desired already.
func GoingOut(t Tenant) (out Tenant, changed bool) {
	left := without(t.Addresses, t.Change.Going)
	if len(left) == len(t.Addresses) {
		return t, false
	}
	out = t.Clone()
	out.Addresses = left
	out.Progress = out.SetAgain()
	return out, true
}

// Evicted is a tenant whose share does not serve what was going, and whose gateway has no rules of it.
func Evicted(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	t.Change.Evicted, t.Change.Going = t.Change.Going, nil
	t.Change.Since = now.UTC()
	return RestTenant(t, now)
}

// Told is a tenant of whose addresses all is said. Its share is to be looked at once more.
func Told(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	t.Change.Admitted, t.Change.Evicted, t.Change.Since = nil, nil, time.Time{}
	t.Change.Confirm = true
	return RestTenant(t, now)
}

// Confirmed is a tenant whose share was looked at once more.
func Confirmed(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	t.Change.Confirm = false
	return RestTenant(t, now)
}

// ReportedTenant is a tenant of whom people were told that a step of it was given up, or that a change has not ended: the
// addresses that it has then are taken for what it wants to have.
func ReportedTenant(t Tenant, now time.Time) Tenant {
	t = t.Clone()
	if t.Stuck == StepOverlap {
		t.Change.Regular, t.Change.Due = len(t.lasting()), time.Time{}
		return RestTenant(t, now)
	}
	t.Progress = t.Reported()
	if t.Change.Untold { // what kept it from being announced is given up
		t.Progress, t.Change.Untold = Started(StepServe, now), false
	}
	return t
}
