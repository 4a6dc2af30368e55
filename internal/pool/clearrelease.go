package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// QuarantinedAt is when the slot was quarantined last; zero: it never was.
func (c Clearance) QuarantinedAt() time.Time {
	return c.last(ClearanceQuarantined).At
}

// WhyRetired says why the slot is out of use, and why it had been quarantined; empty: it is not.
func (c Clearance) WhyRetired() string {
	if c.State != ClearanceRetired {
		return ""
	}
	return c.last(ClearanceRetired).Why + "; it was quarantined because " + c.last(ClearanceQuarantined).Why
}

// last is when a clearance came to a state last, and why.
func (c Clearance) last(s ClearanceState) Entry {
	for _, e := range slices.Backward(c.History) {
		if e.What == string(s) {
			return e
		}
	}
	return Entry{}
}

// Asked words what a person asked for by a message.
func Asked(action, by, why, message string) string {
	return fmt.Sprintf("%s, by %s: %s (message %s)", action, by, why, message)
}

// Heard reports whether a message about the slot was heard before.
func (c Clearance) Heard(message string) bool {
	return slices.ContainsFunc(c.History, func(e Entry) bool { return strings.HasSuffix(e.Why, "(message "+message+")") })
}

// ReleaseClearance has a slot that is quarantined looked at anew, from the step at which it was quarantined: what was found
// in it, and how often, counts no more. What was destroyed before stays so, and is not looked for again.
func ReleaseClearance(c Clearance, now time.Time, why string) (Clearance, error) {
	if c.State != ClearanceQuarantined || c.Stuck == "" {
		return c, fmt.Errorf("clearance %s is not quarantined at a step: it is %s", c.ID(), c.State)
	}
	released, err := MoveClearance(c, ClearanceScrubbing, c.Stuck, now, why)
	if err != nil {
		return c, err
	}
	released.Clean, released.Unclean, released.Cursor, released.Report = 0, 0, "", ""
	return released, nil
}

// RetireClearance ends the clearance of a slot that is quarantined: it is out of use.
func RetireClearance(c Clearance, now time.Time, why string) (Clearance, error) {
	return MoveClearance(c, ClearanceRetired, "", now, why)
}
