package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// Restoration is how a tenant goes back in time: the present one, or the last.
type Restoration struct {
	Restoration pool.RestorationID    `json:"restoration"` // "<tenant>.restore-<number>"
	State       pool.RestorationState `json:"state"`
	Parts       []string              `json:"parts"`             // "database", "share"
	To          time.Time             `json:"to,omitzero"`       // of a restoration
	From        pool.HostID           `json:"fromHost,omitzero"` // of a move
	Host        pool.HostID           `json:"toHost,omitzero"`   // of a move, once it is chosen
	Shut        time.Time             `json:"shutAt,omitzero"`   // of a move: since when it was shut out for it
	Reason      string                `json:"reason"`
	RequestedBy string                `json:"requestedBy"`
	RequestedAt time.Time             `json:"requestedAt"`
	SwappedAt   time.Time             `json:"swappedAt,omitzero"` // when the tenant had what it had then
	Came        []string              `json:"came,omitempty"`     // what came back
	Why         string                `json:"why,omitempty"`      // it came to nothing
	UndoneBy    string                `json:"undoneBy,omitempty"` // and why
	UndoUntil   time.Time             `json:"undoUntil,omitzero"`
	Kept        []Kept                `json:"kept,omitempty"`
	Work        *Work                 `json:"work,omitempty"`
}

// Kept is a database that another one took the place of.
type Kept struct {
	Database string      `json:"database"`
	Host     pool.HostID `json:"host"`
	Until    time.Time   `json:"until"`
}

// restoration reads the last restoration of a tenant; ok is false where there was none.
func (o *Operator) restoration(ctx context.Context, tenant pool.TenantID) (r pool.Restoration, ok bool, err error) {
	r, err = o.Ledger.Restoration(ctx, tenant)
	if errors.Is(err, pool.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

func restorationOf(r pool.Restoration, now time.Time) *Restoration {
	view := &Restoration{
		Restoration: r.ID(), State: r.State, Parts: partsOf(r), Reason: r.Reason, RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt.UTC(),
		Came: cameBack(r), Why: r.Why, UndoneBy: r.UndoneBy, Work: workOf(r.Progress, now),
	}
	if r.Move {
		view.From, view.Host = r.Database.Host, r.Target.Host
	} else {
		view.To = r.To.UTC()
	}
	if !r.Shut.IsZero() {
		view.Shut = r.Shut.UTC()
	}
	if !r.Swapped.IsZero() {
		view.SwappedAt = r.Swapped.UTC()
	}
	if until := r.UndoUntil(); r.State == pool.RestorationRestored && !until.IsZero() {
		view.UndoUntil = until.UTC()
	}
	for _, k := range r.Kept {
		view.Kept = append(view.Kept, Kept{Database: pool.DatabaseName(k.Slot.Name), Host: k.Holding.Host, Until: k.Until.UTC()})
	}
	return view
}

func partsOf(r pool.Restoration) (parts []string) {
	if r.OfDatabase() {
		parts = append(parts, events.PartDatabase)
	}
	if r.OfShare() {
		parts = append(parts, events.PartShare)
	}
	return parts
}

func cameBack(r pool.Restoration) (came []string) {
	if r.Came != "" {
		came = append(came, "database: "+r.Came)
	}
	if r.OfShare() && r.Files > 0 {
		came = append(came, fmt.Sprintf("%s in %s", count(int(r.Files), "file"), r.Folder()))
	}
	return came
}

// restorationEvents are what is known of what became of restorations.
func restorationEvents(r pool.Restoration) []Event {
	events := eventsOf("restorations", r.History)
	for _, p := range r.Proofs {
		events = append(events, Event{At: p.At.UTC(), Of: "restoration " + string(r.ID()), What: string(p.Step) + " done", Why: p.What})
	}
	return events
}

// explainRestoration says how a restoration goes, what came of it, and whether it can be undone.
func (o *Operator) explainRestoration(r pool.Restoration, e *Explanation) {
	tenant := string(r.Tenant)
	question := "How did it go back in time?"
	if r.Move {
		question = "How did it move?"
	}
	e.say(question, append([]string{
		fmt.Sprintf("%s wanted that at %s, to %s: %s", r.RequestedBy, at(r.RequestedAt), r.WhereTo(), r.Reason), last(r.History), r.Told,
	}, cameBack(r)...)...)
	if r.Step != pool.StepSweep {
		o.explainWork(r.Progress, e)
	}
	if r.Why != "" {
		e.say("Why did it come to nothing?", r.Why)
	}
	switch until := r.UndoUntil(); {
	case r.Move && r.State == pool.RestorationRestoring && r.Swapped.IsZero() && r.Step != pool.StepSwitch:
		e.say("Can the move be called off?", "it can, until the tenant has the other database")
		e.Next = append(e.Next, "headroom restore "+tenant+" --undo --reason …")
	case r.Move && (r.State == pool.RestorationRestoring || r.State == pool.RestorationRestored):
		e.say("Can the move be undone?", "no: but it can be moved back, by another move")
		e.Next = append(e.Next, "headroom tenant move "+tenant+" --to "+string(r.Database.Host)+" --reason …")
	case r.State == pool.RestorationRestoring:
		e.say("Can the restoration be undone?", "it can be called off, or undone")
		e.Next = append(e.Next, "headroom restore "+tenant+" --undo --reason …")
	case r.State == pool.RestorationRestored && until.After(o.Now()):
		e.say("Can the restoration be undone?", "until "+at(until)+" it can: the database of before is kept until then")
		e.Next = append(e.Next, "headroom restore "+tenant+" --undo --reason …")
	case r.State == pool.RestorationRestored && r.OfDatabase():
		e.say("Can the restoration be undone?", "no: its grace is over")
	}
	for _, k := range r.Kept {
		e.say("What is kept of its databases?", fmt.Sprintf("%s on %s, closed, until %s", pool.DatabaseName(k.Slot.Name), k.Holding.Host, at(k.Until)))
	}
}
