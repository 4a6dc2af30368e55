package pool

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RestorationState is where a restoration stands.
type RestorationState string

const (
	// RestorationRestoring: what is wanted is fetched from the time that it is wanted from, and put into its place at last.
	RestorationRestoring RestorationState = "restoring"
	// RestorationRestored: the tenant has what it had then. Its database of before is kept for a while.
	RestorationRestored RestorationState = "restored"
	// RestorationWithdrawing: it comes to nothing; what was made for it is taken away. The tenant's data is as it was.
	RestorationWithdrawing RestorationState = "withdrawing"
	// RestorationWithdrawn: nothing is left of it, but files that came back before.
	RestorationWithdrawn RestorationState = "withdrawn"
	// RestorationUndoing: the tenant's database of before is put into its place again.
	RestorationUndoing RestorationState = "undoing"
	// RestorationUndone: the tenant has the database of before. The one that was restored is kept for a while.
	RestorationUndone RestorationState = "undone"
)

// restorationMoves lists the states that each state may be left for.
var restorationMoves = map[RestorationState][]RestorationState{
	RestorationRestoring:   {RestorationRestored, RestorationWithdrawing, RestorationUndoing},
	RestorationRestored:    {RestorationUndoing, RestorationRestoring},
	RestorationWithdrawing: {RestorationWithdrawn},
	RestorationUndoing:     {RestorationUndone},
	RestorationWithdrawn:   {RestorationRestoring},
	RestorationUndone:      {RestorationRestoring},
}

// Ended reports whether the restoration is over, but for databases that are kept for a while.
func (s RestorationState) Ended() bool {
	return s == RestorationRestored || s == RestorationWithdrawn || s == RestorationUndone
}

// RestorationID names a restoration: "<tenant>.restore-<its number>", or "<tenant>.move-<its number>" of a move. No departure
// is named so.
type RestorationID string

const (
	restorationMark = ".restore-"
	moveMark        = ".move-"
)

// Parse splits a restoration's ID into its tenant and its number; ok is false of one that is none.
func (id RestorationID) Parse() (tenant TenantID, number int, ok bool) {
	name, digits, found := strings.Cut(string(id), restorationMark)
	if !found {
		name, digits, found = strings.Cut(string(id), moveMark)
	}
	number, err := strconv.Atoi(digits)
	if !found || err != nil || number < 1 || name == "" || strconv.Itoa(number) != digits {
		return "", 0, false
	}
	return TenantID(name), number, true
}

// Restoration is the record of how a tenant goes back in time. A tenant's name has one, whose number counts the times.
type Restoration struct {
	Tenant      TenantID
	Number      int    // of this restoration of the tenant, from 1
	Mark        string // of the tenant's signup
	Tier        Tier
	Database    Holding   // that goes back; zero: it does not
	Share       Holding   // whose files come back; zero: they don't
	To          time.Time // the time that is gone back to
	Reason      string
	RequestedBy string
	Message     string    // ID of the message that asked for it
	RequestedAt time.Time // when that was sent
	Grace       time.Duration
	Move        bool          // it goes to no time, but to another host (move.go)
	Wanted      HostID        // that it is to move to; empty: any
	Most        time.Duration // for how long it may be shut out for that; 0: as long as it takes
	Undone      int           // how many departures of the tenant were undone when it was begun
	Auto        bool          // no person asked for it: the pool check has the tenant move off a drained host
	Personal    time.Time     // of one that is Auto: when people asked for something last, of those before it; zero: they never did

	State RestorationState
	Progress

	Target     Holding       // of a move: the slot that it moves to; zero: none was chosen yet
	Size       int64         // of a move: bytes that the database had
	Shut       time.Time     // since when the tenant may be shut out; zero: it is not
	StandIn    string        // how the names of the slots begin whose databases are filled; one takes the place of the tenant's
	Old        string        // name of the slot by which the tenant's database of before is kept
	Instance   string        // identifier of the temporary instance; empty: there is none, nor can be
	Ordered    bool          // that may have been asked for
	Attempt    Attempt       // of the task, the last one
	Uploads    string        // IDs of the last questions whether all data of the share is in its bucket, separated by spaces
	Asked      time.Time     // when the share was asked first; zero: not yet
	Swapping   time.Time     // since when the two databases may have changed places without that being known; zero: they have not
	Swapped    time.Time     // when they had; zero: not yet, or no more
	Refused    time.Duration // for how long, at most, the database let nobody in
	Came       string        // what came back of the database, in words
	Files      int64         // that came back
	FilesBytes int64
	Why        string    // it came to nothing; empty: it did not
	Failed     bool      // that was nobody's wish: people are to be told
	Missed     int       // of a move: how many of the tenant's failed one after the other, this one included
	UndoneBy   string    // who wanted it undone, and why
	UndoneAt   time.Time // when that was sent
	Told       string    // what people were told last of why it waits

	Kept    []KeptDatabase // of this restoration and of earlier ones
	Proofs  []Proof        // what each step of this one that is done came to, in order
	History []Entry
	Version int64 // of the record; 0 when it is not written yet
}

// ID names the restoration.
func (r Restoration) ID() RestorationID {
	mark := restorationMark
	if r.Move {
		mark = moveMark
	}
	return RestorationID(string(r.Tenant) + mark + strconv.Itoa(r.Number))
}

// Clone copies a restoration so that the copy can be changed without changing r.
func (r Restoration) Clone() Restoration {
	r.Kept, r.Proofs, r.History = slices.Clone(r.Kept), slices.Clone(r.Proofs), slices.Clone(r.History)
	return r
}

// OfDatabase reports whether the database goes back.
func (r Restoration) OfDatabase() bool { return r.Database.Host != "" }

// OfShare reports whether the share's files come back.
func (r Restoration) OfShare() bool { return r.Share.Host != "" }

// Folder is where the files come to in the share, ending in "/": each restoration has one of its own, also of those that go
// back to the same second.
func (r Restoration) Folder() string {
	folder := "restored-" + r.To.UTC().Format("20060102T150405Z")
	if r.Number > 1 {
		folder += "-" + strconv.Itoa(r.Number)
	}
	return folder + "/"
}

// StandInOf is the stand-in that an attempt fills: each has one of its own, so that whoever is late can't touch what a later
// one has filled. mark is what the tenant's generation of its slot bears.
func (r Restoration) StandInOf(mark string, attempt int) MarkedSlot {
	return MarkedSlot{Name: fmt.Sprintf("%sx%d", r.StandIn, attempt), Mark: fmt.Sprintf("%s/stand-in-%d-%d", mark, r.Number, attempt)}
}

// StandInSlot is the stand-in of the last attempt.
func (r Restoration) StandInSlot(mark string) MarkedSlot { return r.StandInOf(mark, r.Attempt.Number) }

// OldSlot is what the tenant's database of before is kept as: mark is what the tenant's generation of its slot bears.
func (r Restoration) OldSlot(mark string) MarkedSlot {
	return MarkedSlot{Name: r.Old, Mark: fmt.Sprintf("%s/before-%d", mark, r.Number)}
}

// Since is when the restoration came to its state.
func (r Restoration) Since() time.Time {
	if n := len(r.History); n > 0 {
		return r.History[n-1].At
	}
	return r.RequestedAt
}

// Copying reports whether the restoration has use of a bay: from when it enters until it is in its place, or taken away.
func (r Restoration) Copying() bool {
	switch r.State {
	case RestorationRestoring:
		return r.Step != StepUpload && r.Step != StepPlace && r.Step != StepTell && r.Step != StepRemove
	case RestorationWithdrawing:
		return r.Step == StepRetract
	case RestorationUndoing:
		return r.Step == StepSwapBack
	}
	return false
}

// ErrRestoring means that a tenant is in a restoration already, of another time or of other parts.
var ErrRestoring = errors.New("another restoration of it is under way")

// ErrOvertaken means that a tenant was moved by itself after something else was asked for, and before that was heard of.
var ErrOvertaken = errors.New("it was moved since")

// Overtook reports whether what a person asked for at a time comes too late, because the tenant was moved by itself since. What people
// asked for before that is known: it came before, and comes again.
func (r Restoration) Overtook(sent time.Time) bool {
	return r.Auto && sent.After(r.Personal) && !sent.After(r.RequestedAt)
}

// personal is when people asked for something last: for a restoration, or to have one undone.
func (r Restoration) personal() time.Time {
	last := r.Personal
	if !r.Auto {
		last = r.RequestedAt
	}
	return later(last, r.UndoneAt)
}

// BeginRestoration is the next restoration of a tenant: last is the one before, zero for the first; asked says what is
// wanted. What was asked for already, or is being done, is returned as it is, with fresh false. What else is wanted while
// one is under way is ErrRestoring, and what a move by itself has come before is ErrOvertaken.
func BeginRestoration(last Restoration, asked Restoration, t Tenant, standIn, old, instance string, now time.Time) (r Restoration, fresh bool, err error) {
	switch {
	case last.Number == 0:
	case asked.Message == last.Message:
		return last, false, nil
	case !asked.Auto && last.Overtook(asked.RequestedAt) && !(last.State == RestorationRestoring && last.wants(asked)):
		return last, false, ErrOvertaken
	case !asked.RequestedAt.After(last.RequestedAt):
		return last, false, nil
	case !last.State.Ended():
		if last.State == RestorationRestoring && last.wants(asked) {
			return last, false, nil
		}
		return last, false, ErrRestoring
	}
	r = asked
	r.Tenant, r.Number, r.Mark, r.Tier, r.Version = t.ID, max(last.Number, t.Restored)+1, t.Mark, t.Tier, last.Version
	r.State, r.Kept = RestorationRestoring, slices.Clone(last.Kept)
	r.Progress = Started(r.first(), now)
	r.Undone = t.Undone
	if r.Move && last.failed() {
		r.Missed = last.Missed
	}
	if r.Auto {
		r.Personal = last.personal()
	}
	if r.OfDatabase() {
		r.StandIn, r.Old = standIn, old
	}
	if r.OfDatabase() && !r.Move {
		r.Instance = instance
	}
	r.History = Append(slices.Clone(last.History), Entry{
		At: now.UTC(), What: string(RestorationRestoring),
		Why: fmt.Sprintf("%s to %s, wanted by %s: %s", r.ID(), r.WhereTo(), r.RequestedBy, r.Reason),
	})
	return r, true, nil
}

// wants reports whether another restoration is wanted to come to the same.
func (r Restoration) wants(o Restoration) bool {
	return r.Move == o.Move && r.Wanted == o.Wanted && r.To.Equal(o.To) && r.OfDatabase() == o.OfDatabase() && r.OfShare() == o.OfShare()
}

// restorationSteps are all steps of a restoration, in order; those of a part that is not wanted are left out.
var restorationSteps = []struct {
	step            Step
	share, database bool
}{
	{StepUpload, true, false},
	{StepEnter, true, true},
	{StepFiles, true, false},
	{StepRefresh, true, false},
	{StepInstance, false, true},
	{StepMaster, false, true},
	{StepCopy, false, true},
	{StepDismiss, false, true},
	{StepSwap, false, true},
	{StepTell, true, true},
	{StepRemove, false, true},
}

func (r Restoration) first() Step { return r.After("") }

// After is the step that follows one that is done; empty after the last.
func (r Restoration) After(step Step) Step {
	if r.Move {
		return moveSteps[slices.Index(moveSteps, step)+1]
	}
	passed := step == ""
	for _, s := range restorationSteps {
		if passed && (s.share && r.OfShare() || s.database && r.OfDatabase()) {
			return s.step
		}
		passed = passed || s.step == step
	}
	return ""
}

// MoveRestoration takes a restoration to another state, with a step that begins then (empty: it rests), and notes why.
// Being there already is no error and changes nothing but the step.
func MoveRestoration(r Restoration, to RestorationState, step Step, now time.Time, why string) (Restoration, error) {
	r = r.Clone()
	if r.State != to {
		if !slices.Contains(restorationMoves[r.State], to) {
			return r, fmt.Errorf("restoration %s cannot go from %s to %s", r.ID(), r.State, to)
		}
		r.State = to
		r.History = Append(r.History, Entry{At: now.UTC(), What: string(to), Why: why})
	}
	r.Progress = Progress{}
	if step != "" {
		r.Progress = Started(step, now)
	}
	return r, nil
}

// Proven notes what the step that is done came to, and begins the next of the restoration's parts.
func (r Restoration) Proven(now time.Time, what string) Restoration {
	return r.ProvenTo(r.After(r.Step), now, what)
}

// ProvenTo notes what the step that is done came to, and begins another.
func (r Restoration) ProvenTo(next Step, now time.Time, what string) Restoration {
	r = r.Clone()
	r.Proofs = append(r.Proofs, Proof{Step: r.Step, At: now.UTC(), What: what})
	r.Progress, r.Told = Started(next, now), ""
	return r
}

// Withdraw ends a restoration that has not taken anything's place yet: what was made for it is taken away. One that has
// is swapped back instead, by Undo. failed means that it is nobody's wish.
func (r Restoration) Withdraw(why string, failed bool, now time.Time) (Restoration, error) {
	if !r.Swapped.IsZero() {
		return r, fmt.Errorf("withdraw restoration %s: its database has taken its place", r.ID())
	}
	r, err := MoveRestoration(r, RestorationWithdrawing, StepRetract, now, why)
	if err != nil {
		return r, err
	}
	r.Why, r.Failed, r.Told = why, failed, ""
	if failed && r.Move {
		r.Missed++
	}
	return r, nil
}

// Undo calls a restoration off that is under way, or puts the database of before into its place again. Who wants it, and
// why, stands in by; sent is when that was asked for.
func (r Restoration) Undo(by string, sent, now time.Time) (Restoration, error) {
	var err error
	if r.Swapped.IsZero() && r.Swapping.IsZero() {
		r, err = r.Withdraw("called off by "+by, false, now)
	} else {
		r, err = MoveRestoration(r, RestorationUndoing, StepSwapBack, now, "undone by "+by)
		r.Refused, r.Told = 0, ""
		if !r.Shut.IsZero() { // it still is, and that is bounded anew
			r.Shut = now.UTC()
		}
	}
	r.UndoneBy, r.UndoneAt = by, sent.UTC()
	return r, err
}

// Undoable says why a restoration can't be undone, in words that complete "the tenant …"; empty: it can.
func (r Restoration) Undoable(mark string) string {
	switch {
	case r.Move:
		return r.recallable()
	case r.State == RestorationRestoring:
		return ""
	case r.State != RestorationRestored:
		return "has no restoration that could be undone"
	case !r.OfDatabase():
		return "has had files come back only, which lie in a folder of their own: there is nothing to be undone"
	case !r.keeps(r.OldSlot(mark)):
		return "can't have its restoration undone any more: its grace is over"
	}
	return ""
}
