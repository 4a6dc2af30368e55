package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// linesMost bounds the lines that a record keeps of each sort: it is one item.
const linesMost = 300

// Record is how far a recovery is: there is one a stage. It knows no more than what was asked for last, and what came of it.
type Record struct {
	By, Why string // who asked for the last thing, and why
	Message string // that asked for it
	AskedAt time.Time
	Came    string // what came of it
	Done    bool   // the ledger is known to be true again

	HeldAt   time.Time // since when nothing is handed out; zero: it is
	Holding  bool      // a hold is under way: some hosts may be held, and some not yet
	Freeing  bool      // the hold is over, and some hosts may be held still, the ones to Keep aside
	LookedAt time.Time // when what there is was looked at last; zero: not since it is held
	Digest   string    // of the plan that was made of that; empty: none was, because not everything could be looked at
	Lines    []Line    // of that plan, the first of them
	Unsure   []Line
	Keep     []pool.HostID // hosts of which it is not known what they have
	More     int           // lines of both sorts that are left out
	Applying string        // digest of the plan that is being carried out; empty: none is
	Slot     Answer        // to what was asked last about a slot in quarantine, which may be at any time

	Version int64 // of the record; 0 when it was never written
}

// Answer is what came of a request about a slot that a recovery quarantined.
type Answer struct {
	Message string // that asked for it
	Of      string // the slot, as pool.SlotName has it
	Came    string // what came of it
	Done    bool   // what was asked for; false: it was refused, and nothing changed
}

// Unclear says why it is not known what a tenant has that has nothing by the ledger; empty: the ledger is true. It may have been served
// since the time to which the table was put back.
func (r Record) Unclear() string {
	switch {
	case r.Holding || !r.HeldAt.IsZero():
		return "a recovery is under way"
	case len(r.Keep) > 0:
		return fmt.Sprintf("no recovery could look yet at what host %s has", r.Keep[0])
	}
	return ""
}

// Clone copies a record so that the copy can be changed without changing r.
func (r Record) Clone() Record {
	r.Keep = slices.Clone(r.Keep)
	r.Lines, r.Unsure = append([]Line(nil), r.Lines...), append([]Line(nil), r.Unsure...)
	return r
}

// Looked notes a plan.
func (r Record) Looked(p Plan, at time.Time) Record {
	r.LookedAt, r.Digest, r.More, r.Keep = at.UTC(), p.Digest(), 0, slices.Clone(p.Keep)
	r.Lines, r.Unsure = r.first(p.Lines), r.first(p.Unsure)
	r.More = len(p.Lines) + len(p.Unsure) - len(r.Lines) - len(r.Unsure)
	if len(p.Blind) > 0 {
		r.Digest = ""
	}
	return r
}

func (r Record) first(lines []Line) []Line {
	return append([]Line(nil), lines[:min(len(lines), linesMost)]...)
}

// Digest names what a plan does: who says that a plan is meant says which.
func (p Plan) Digest() string {
	sum := sha256.New()
	for _, l := range p.Lines {
		sum.Write([]byte(l.String() + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
