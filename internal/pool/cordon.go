package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Strike is a failure of a signup against a host.
type Strike struct {
	Tenant TenantID
	At     time.Time
}

const (
	// StrikesMost is how many failures in a row put a host in doubt. A signup tries again after 1, 2, 4 and 8
	// seconds, so that one alone comes to them in a quarter of a minute, and several at once in no time: what
	// passes sooner disturbs nobody.
	StrikesMost = 5
	// strikeWindow is how long a failure counts.
	strikeWindow = 10 * time.Minute
	// ReturnRest is how long a slot rests that was taken from a tenant again, before it is closed: as long as
	// the longest invocation there can be (AWS Lambda quotas: 15 minutes), so that none that had stalled opens it
	// afterwards; and a minute more, for what the record of that takes to be written, and for clocks that are apart.
	ReturnRest = 16 * time.Minute
)

// StrikeHost counts a failure of a signup against a host in service. With StrikesMost in a row the host is in
// doubt, and cordoned. changed is false when the host is not in service: nothing is to be written.
func StrikeHost(h Host, tenant TenantID, why string, now time.Time) (out Host, changed bool, err error) {
	if h.State != HostInService {
		return h, false, nil
	}
	out = h.Clone()
	out.Strikes = slices.DeleteFunc(out.Strikes, func(s Strike) bool { return now.Sub(s.At) > strikeWindow })
	out.Strikes = append(out.Strikes, Strike{Tenant: tenant, At: now})
	if len(out.Strikes) < StrikesMost {
		return out, true, nil
	}
	doubt := fmt.Sprintf("%d signups in a row failed against it, the last with: %s", len(out.Strikes), why)
	out, err = SuspectSince(out, doubt, out.Strikes[0].At, now)
	return out, err == nil, err
}

// Absolve forgets the failures against a host: one that had failed against it succeeded. changed is false when
// there are none.
func Absolve(h Host) (out Host, changed bool) {
	if len(h.Strikes) == 0 {
		return h, false
	}
	out = h.Clone()
	out.Strikes = nil
	return out, true
}

// Suspect puts a host in doubt, and so out of service. One that is in doubt already stays so for its first reason.
func Suspect(h Host, doubt string, now time.Time) (Host, error) {
	return SuspectSince(h, doubt, now, now)
}

// SuspectSince puts a host in doubt of which there was a first sign some time ago.
func SuspectSince(h Host, doubt string, since, now time.Time) (Host, error) {
	h = h.Clone()
	h.Strikes = nil
	if h.Doubt == "" {
		if len(h.Alarmed()) == 0 && h.Trouble == "" && (h.State == HostInService || h.State == HostCordoned) { // else it was noted when that began
			h.Rang, h.Calm = h.fell(since, now), time.Time{}
		}
		h.Doubt = doubt
	}
	return Reconsider(h, now, h.Doubt)
}

// Barred says why a host should take no tenants: the alarms that are on, sorted, or that what ailed it is over for a moment only, and
// what puts it in doubt.
// Empty when nothing keeps it from being in service.
func (h Host) Barred() []string {
	var why []string
	for _, name := range h.Alarmed() {
		why = append(why, "alarm "+name+" is on")
	}
	if !h.Calm.IsZero() {
		why = append(why, h.calming())
	}
	if h.Doubt != "" {
		why = append(why, h.Doubt)
	}
	if h.Trouble != "" {
		why = append(why, h.Trouble)
	}
	if h.ByHand != "" {
		why = append(why, "cordoned by hand, by "+h.ByHand)
	}
	if h.Drained != "" {
		why = append(why, "drained, by "+h.Drained)
	}
	if h.Repair > 0 {
		why = append(why, fmt.Sprintf("it is being repaired (%s.%d)", h.ID, h.Repair))
	}
	return why
}

// CordonByHand takes a host out of service by a person's word, who is who and why.
func CordonByHand(h Host, who string, now time.Time) (Host, error) {
	if h.State != HostInService && h.State != HostCordoned {
		return h, fmt.Errorf("host %s can't be cordoned by hand: it is %s", h.ID, h.State)
	}
	h = h.Clone()
	h.ByHand = who
	return Reconsider(h, now, "cordoned by hand, by "+who)
}

// Uncordon takes a cordon by hand back; who says by whom, and why. Whatever else bars the host still does.
func Uncordon(h Host, who string, now time.Time) (Host, error) {
	if h.State != HostInService && h.State != HostCordoned {
		return h, fmt.Errorf("host %s can't be uncordoned: it is %s", h.ID, h.State)
	}
	out := h.Clone()
	out.ByHand = ""
	why := "uncordoned by " + who + "; it was cordoned by hand, by " + h.ByHand
	after, err := Reconsider(out, now, why)
	if err == nil && after.State == h.State { // which no line of its history says then
		after.History = Append(after.History, Entry{At: now, What: string(h.State), Why: why})
	}
	return after, err
}

// Reconsider cordons a host in service that is barred, and puts a cordoned one that is not back into service;
// that is to be announced. why words what changed.
func Reconsider(h Host, now time.Time, why string) (Host, error) {
	barred := h.Barred()
	to := h.State
	switch {
	case len(barred) > 0 && h.State == HostInService:
		to = HostCordoned
	case len(barred) == 0 && h.State == HostCordoned:
		to = HostInService
	}
	if to == h.State {
		return h, nil
	}
	after, err := MoveHost(h, to, now, why)
	if err != nil {
		return h, err
	}
	return Begin(after, StepAnnounce, now), nil
}

// Barriers words a host's Barred in one line.
func (h Host) Barriers() string { return strings.Join(h.Barred(), "; ") }

// Lose takes a host out of the pool for good whose stack was deleted by somebody else: nothing of it counts any
// more, and that is to be announced.
func Lose(h Host, now time.Time, why string) (Host, error) {
	lost, err := MoveHost(h, HostLost, now, why)
	if err != nil {
		return h, err
	}
	return Begin(lost, StepAnnounce, now), nil
}

// Onward is a host that was announced, with what is to be done next: one that is cordoned is watched, returned
// slots of one in service are closed once they have rested, and any other is at rest.
func Onward(h Host, now time.Time) Host {
	switch {
	case h.State == HostCordoned:
		return Begin(h, StepWatch, now)
	case h.State == HostDeleted && len(h.Retire.Left) > 0:
		return sweeping(h, now)
	case h.State == HostInService && h.count(SlotReturned) > 0:
		h = Begin(h, StepClose, now)
		for _, slot := range h.Slots {
			if slot.State == SlotReturned {
				h.Due = later(h.Due, slot.Since.Add(ReturnRest))
			}
		}
		return h
	default:
		return Rest(h)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Rested reports whether a slot was returned so long ago that it can be closed.
func (s Slot) Rested(now time.Time) bool {
	return s.State == SlotReturned && !now.Before(s.Since.Add(ReturnRest))
}
