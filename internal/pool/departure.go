package pool

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DepartureState is where a departure stands.
type DepartureState string

const (
	// DepartureLeaving: the tenant is shut out, and its data is archived and proven; then there is grace. Nothing of
	// it was destroyed, and all of it can be undone.
	DepartureLeaving DepartureState = "leaving"
	// DepartureUndoing: the tenant is let in again.
	DepartureUndoing DepartureState = "undoing"
	// DepartureUndone: the tenant has its storage as before.
	DepartureUndone DepartureState = "undone"
	// DepartureScrubbing: grace is over. Its slots are scrubbed, each by a clearance of its own.
	DepartureScrubbing DepartureState = "scrubbing"
	// DepartureLeft: nothing of the tenant is left but the archive and its certificate.
	DepartureLeft DepartureState = "left"
)

// departureMoves lists the states that each state may be left for.
var departureMoves = map[DepartureState][]DepartureState{
	DepartureLeaving:   {DepartureUndoing, DepartureScrubbing, DepartureLeft},
	DepartureUndoing:   {DepartureUndone},
	DepartureScrubbing: {DepartureLeft},
}

// Ended reports whether nothing more becomes of the departure.
func (s DepartureState) Ended() bool { return s == DepartureUndone || s == DepartureLeft }

// DepartureID names a departure: "<tenant>.<mark of the signup that it ends>", with "-1" and so on after one that was
// undone.
type DepartureID string

// Tenant is the tenant whose departure it is; empty for an ID that is none.
func (id DepartureID) Tenant() TenantID {
	tenant, _, found := strings.Cut(string(id), ".")
	if !found {
		return ""
	}
	return TenantID(tenant)
}

// Departure is the record of one tenant's way out.
type Departure struct {
	Tenant      Tenant // its record as it was when it left: whose the slots are
	Reason      string
	RequestedBy string
	Message     string    // ID of the message that asked for it
	RequestedAt time.Time // when that was sent
	RecordedAt  time.Time // when the departure was recorded, from when its grace counts; zero: of before that was noted
	Grace       time.Duration
	CoolDown    time.Duration
	Retain      time.Duration

	State DepartureState
	Progress

	Again    AskedAgain // when it was asked for last, if that was more than once
	Uploads  string     // IDs of the last questions whether all data of the share is in its bucket, separated by spaces
	Failing  Failing    // files of the share that fail to upload
	Missing  []Missing  // what may be missing in the bucket, and so in the archive, for its gateway was given up
	Attempt  Attempt    // at the archive, the last one
	Archive  Archive    // that was verified; zero: none was yet
	Proofs   []Proof    // what each step that is done came to, in order
	UndoneBy string     // who asked for that, and why
	UndoneAt time.Time  // when that was sent
	History  []Entry
	Version  int64 // of the record; 0 when it is not written yet
}

// AskedAgain is a request of a departure that was under way already. An undo that was sent before it, and comes after it, is not
// the last word.
type AskedAgain struct {
	At    time.Time // when it was sent; zero: there was none
	Grace time.Duration
}

// Archive is where a tenant's data lies once it has left.
type Archive struct {
	Bucket         string
	Key            string // of the zip
	VersionID      string
	Bytes          int64
	SHA256         string // of the zip, hexadecimal
	Manifest       string // key of the manifest that lies beside it
	ManifestID     string // the manifest's version
	ManifestSHA256 string
	Entries        int64
	RetainUntil    time.Time // it can't be deleted before; zero: it is not locked yet
}

// Proof is what one step of a way out came to: the evidence on which the next one was begun.
type Proof struct {
	Step Step
	At   time.Time
	What string
}

// ID names the departure.
func (d Departure) ID() DepartureID { return DepartureIDOf(d.Tenant) }

// DepartureIDOf names the departure that ends what a tenant signed up for. Of a tombstone it is the departure that
// made it.
func DepartureIDOf(t Tenant) DepartureID {
	id := string(t.ID) + "." + t.Mark
	if t.Undone > 0 {
		id += "-" + strconv.Itoa(t.Undone)
	}
	return DepartureID(id)
}

// UndoneOf names the last departure of a tenant that was undone, or is being undone; false: none was.
func UndoneOf(t Tenant) (id DepartureID, ok bool) {
	if t.Undone == 0 {
		return "", false
	}
	t.Undone--
	return DepartureIDOf(t), true
}

// Rejoined reports whether a tenant is, by its record, in the life to which the departure's undo has brought it back: it has
// neither left again since, nor signed up anew.
func (d Departure) Rejoined(t Tenant) bool {
	return t.State == TenantReady && t.ID == d.Tenant.ID && t.Mark == d.Tenant.Mark && t.Undone == d.Tenant.Undone+1
}

// LettingIn reports whether the departure is being undone, and the tenant may not be let in again yet.
func (d Departure) LettingIn() bool { return d.State == DepartureUndoing && !d.Done(StepReopen) }

// Clone copies a departure so that the copy can be changed without changing d.
func (d Departure) Clone() Departure {
	d.Tenant, d.Failing = d.Tenant.Clone(), d.Failing.Clone()
	d.Proofs, d.History, d.Missing = slices.Clone(d.Proofs), slices.Clone(d.History), slices.Clone(d.Missing)
	return d
}

// GraceUntil is until when the departure can be undone: for as long as its grace is after it was recorded, and not
// before its data is proven to be archived. However long the message that asked for it lay somewhere, all of the grace is left
// to who is told that the tenant leaves.
func (d Departure) GraceUntil() time.Time { return d.Began().Add(d.Grace) }

// Began is when the departure was recorded, which may be long after it was asked for.
func (d Departure) Began() time.Time { return later(d.RequestedAt, d.RecordedAt) }

// LastAsked is when the departure was asked for last.
func (d Departure) LastAsked() time.Time { return later(d.RequestedAt, d.Again.At) }

// AskAgain notes that a departure that can be undone was asked for once more; sent is when. changed is false if that is known, or
// makes no difference.
func (d Departure) AskAgain(sent time.Time, grace time.Duration) (out Departure, changed bool) {
	if d.State != DepartureLeaving || !sent.After(d.LastAsked()) {
		return d, false
	}
	out = d.Clone()
	out.Again = AskedAgain{At: sent.UTC(), Grace: grace}
	return out, true
}

// UndoneBefore is a departure when an undo comes that was sent between its first request and its last: it was undone, and begins
// with the last one. What is archived is so already, and is locked for as long as it is to be then. changed is false if the undo
// is no such one.
func (d Departure) UndoneBefore(sent, now time.Time) (out Departure, changed bool) {
	if d.State != DepartureLeaving || sent.Before(d.RequestedAt) || !sent.Before(d.Again.At) {
		return d, false
	}
	why := "an undo was sent at " + sent.UTC().Format(time.RFC3339) + ", before it was asked for again"
	if d.Step == StepGrace {
		out = d.Back(StepLock, now, why)
	} else {
		out = d.Clone()
		out.History = Append(out.History, Entry{At: now.UTC(), What: "asked for again", Why: why})
	}
	out.RequestedAt, out.RecordedAt, out.Grace, out.Again = d.Again.At, now.UTC(), d.Again.Grace, AskedAgain{}
	return out, true
}

// Proven notes what the step that is done came to, and begins the next.
func (d Departure) Proven(next Step, now time.Time, what string) Departure {
	d = d.Clone()
	d.Proofs = append(d.Proofs, Proof{Step: d.Step, At: now.UTC(), What: what})
	d.Progress = Started(next, now)
	return d
}

// Back takes a departure back to an earlier step, because what that had proven is not so any more.
func (d Departure) Back(step Step, now time.Time, why string) Departure {
	d = d.Clone()
	d.Progress = Started(step, now)
	d.History = Append(d.History, Entry{At: now.UTC(), What: "back to " + string(step), Why: why})
	return d
}

// MovedAt is when the departure came to its state.
func (d Departure) MovedAt() time.Time {
	for _, e := range slices.Backward(d.History) {
		if e.What == string(d.State) {
			return e.At
		}
	}
	return time.Time{}
}

// Done reports whether a step of the departure was proven.
func (d Departure) Done(step Step) bool { return proven(d.Proofs, step) }

// Reaches reports whether an address may reach what the departure's tenant had: nothing says yet that it is shut out for good. A
// gateway that is down is told so once it is up, and who was late may let it in until all is uploaded.
func (d Departure) Reaches(address string) bool {
	shut := d.Done(StepUpload) || !d.Handed() && d.Done(StepShut)
	return !d.State.Ended() && !shut && slices.Contains(d.Tenant.Reached(), address)
}

// EarlierLife finds the departure of an earlier life of a tenant by which an address reaches something still: nobody else may
// have the address before that is shut. The departure frees it in the end. false: there is none.
func (t Tenant) EarlierLife(left []Departure, address string) (DepartureID, bool) {
	for _, d := range left {
		if d.Tenant.Mark != t.Mark && d.Reaches(address) {
			return d.ID(), true
		}
	}
	return "", false
}

// MoveDeparture takes a departure to another state, with a step that begins then (empty: it rests), and notes why.
// Being there already is no error and changes nothing; a move that the life of a departure does not have is an
// error.
func MoveDeparture(d Departure, to DepartureState, step Step, now time.Time, why string) (Departure, error) {
	if d.State == to {
		return d, nil
	}
	if !slices.Contains(departureMoves[d.State], to) {
		return d, fmt.Errorf("departure %s cannot go from %s to %s", d.ID(), d.State, to)
	}
	d = d.Clone()
	d.State, d.Progress = to, Progress{}
	if step != "" {
		d.Progress = Started(step, now)
	}
	d.History = Append(d.History, Entry{At: now.UTC(), What: string(to), Why: why})
	return d, nil
}

// Leave decides the departure of a tenant, and what its own record is from then on: a tombstone, beside which the same
// name can sign up again. A tenant to whom nothing was handed over has nothing to archive: its departure is only the
// way of what it holds back into the pool.
func Leave(t Tenant, d Departure, terms Terms, now time.Time) (Tenant, Departure, error) {
	left, err := MoveTenant(t, TenantLeft, now, "it leaves: "+d.Reason)
	if err != nil {
		return t, d, err
	}
	d = d.Clone()
	d.Tenant, d.RecordedAt = t.Clone(), now.UTC()
	d.CoolDown, d.Retain = time.Duration(terms.CoolDown), time.Duration(terms.Retain)
	d.State, d.Progress = DepartureLeaving, Started(StepShut, now)
	d.History = Append(nil, Entry{At: now.UTC(), What: string(DepartureLeaving), Why: d.Reason})
	// The tombstone says when it left, and by which departure; what it had is the departure's to say. But for its addresses,
	// with those that were on their way: none of them is another's before the departure has ended.
	left.Addresses = t.Reached()
	left.LeftAt, left.Held = d.RequestedAt, !d.Handed()
	left.Database, left.Share, left.Secret, left.Returning, left.Change = Holding{}, Holding{}, "", nil, Change{}
	return left, d, nil
}

// Rejoin is the record of a tenant whose departure is undone; undone is when that was asked for. left is its tombstone:
// one by which another life of the same name began since, or another departure ended one, is none of this departure's,
// and an error. So is a departure of a tenant to whom nothing was handed over: there is nothing to come back to.
func Rejoin(left Tenant, d Departure, undone, now time.Time) (Tenant, error) {
	if left.State != TenantLeft || DepartureIDOf(left) != d.ID() {
		return left, fmt.Errorf("tenant %s has signed up again since it left", left.ID)
	}
	if !d.Handed() {
		return left, fmt.Errorf("tenant %s had no storage yet when it left", left.ID)
	}
	back, err := MoveTenant(left, TenantReady, now, "its departure was undone")
	if err != nil {
		return left, err
	}
	back.Database, back.Share, back.Secret, back.ReadyAt = d.Tenant.Database, d.Tenant.Share, d.Tenant.Secret, d.Tenant.ReadyAt
	// What it was about, as a change of its addresses, is gone on with.
	back.Change, back.Addresses = d.Tenant.Clone().Change, d.Tenant.Clone().Addresses
	if back.Progress = d.Tenant.Progress; Deadline(back.Step) > 0 { // else it has an end of its own
		back.Due = now.Add(Deadline(back.Step))
	}
	back.LeftAt = undone.UTC()
	back.Undone++
	return back, nil
}

// Undo is a departure that is undone from now on, and its tenant's record by that (Rejoin). by says who wanted that, and why; wanted is
// since when.
func Undo(left Tenant, d Departure, by string, wanted, now time.Time) (back Tenant, undoing Departure, err error) {
	if undoing, err = MoveDeparture(d, DepartureUndoing, StepReopen, now, "undone by "+by); err != nil {
		return left, d, err
	}
	undoing.UndoneBy, undoing.UndoneAt = by, wanted
	back, err = Rejoin(left, d, wanted, now)
	return back, undoing, err
}

// ErrHeld means that a tenant can't sign up again yet: what it held is being taken back.
var ErrHeld = errors.New("what it held before is being taken back")

// SignAgain is the record of a tenant that signs up again after it left. fresh is what a first signup would be recorded
// as. A tombstone whose slots are being taken back is ErrHeld.
func SignAgain(left, fresh Tenant) (Tenant, error) {
	if left.Held {
		return left, fmt.Errorf("sign tenant %s up again: %w", left.ID, ErrHeld)
	}
	again, err := MoveTenant(left, TenantRequested, fresh.RequestedAt, "it signed up again")
	if err != nil {
		return left, err
	}
	fresh = fresh.Clone()
	thread := Thread(fresh.History)
	fresh.Version, fresh.LeftAt, fresh.Restored, fresh.Anew, fresh.History = left.Version, left.LeftAt, left.Restored, true, Threaded(again.History, thread)
	return fresh, nil
}

// Handed reports whether the tenant was ever told where its storage is: only then can it hold anything.
func (d Departure) Handed() bool { return d.Tenant.State == TenantReady }
