// Package lifecycle is the step machine of hosts and tenants. A record names the step that is to be done
// next, how far it has come, and a deadline; one message at most drives it, and what waits is gone on with
// by a delayed one. Messages may come late, twice or out of order, and an invocation may be killed between
// any two calls: a step that was not recorded as done is done again, and past its deadline the pool check sends
// its message anew.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

const (
	// conflicts bounds how often a step is done again because another writer of the record was first.
	conflicts = 5
	// stepsAtOnce bounds how many steps one invocation takes.
	stepsAtOnce = 30
)

// Next is what a step came to.
type Next[R any] struct {
	Record  R             // to be recorded
	Outcome pool.Outcome  // for the record's pool
	Wait    time.Duration // until the next look at the same step
	Because error         // why the step has to wait; it is kept as the step's last error
	Leave   bool          // an event says when to go on, or the step has recorded itself: nothing is recorded
}

// Do does one step of a record. It may be done any number of times.
type Do[R any] func(ctx context.Context, record R) (Next[R], error)

// Machine drives the records of one sort. All fields are required, but for History, Retry and Behind.
type Machine[R any] struct {
	// Load reads a record; pool.ErrNotFound when there is none.
	Load func(ctx context.Context, id string) (R, error)
	// Save writes a record on the condition that nobody else wrote since before was read, and returns it as
	// it is stored; else pool.ErrConflict.
	Save func(ctx context.Context, before, after R, outcome pool.Outcome) (R, error)
	// Progress is the record's progress, to be read and changed.
	Progress func(*R) *pool.Progress
	// History is a record's history, by whose thread its steps are taken: an event of AWS's that moves a record on bears no
	// correlation id, and its own would begin another thread. Without it they are taken by that of the message.
	History func(R) []pool.Entry
	// Steps are what is done at each step. A step that is not among them is another function's.
	Steps map[pool.Step]Do[R]
	// Retry says how long a record waits for another try of a step that failed. Without it, or when it answers
	// false, the failure is the message's: it comes again when its queue shows it again.
	Retry func(ctx context.Context, record R, failure error) (wait time.Duration, ok bool)
	// Later has the record gone on with at a cursor, by a message after a delay.
	Later func(ctx context.Context, id string, at Cursor, delay time.Duration) error
	// Rested does what is left to do for a record that has no step. moved means that this invocation brought
	// it to rest; else a message found it so that was delivered before, and may have been cut short.
	Rested func(ctx context.Context, record R, moved bool) error
	// Moved hears of each record that is saved.
	Moved func(ctx context.Context, before, after R)
	// Behind is how long after a message that came too late its record is looked after once more: longer than an
	// invocation lasts, and than most looks wait for each other. 0: it is not, and steps wait for their deadlines.
	Behind time.Duration
	// Time reports whether there is enough time left to begin another step.
	Time func(ctx context.Context) bool
}

// Drive takes a record's steps from where the cursor is, until one has to wait, the record is at rest, or
// time runs out. A cursor that is stale does nothing, but for what Behind says. Steps that need no waiting follow each other without
// a message. pool.ErrNotFound when there is no such record.
func (m Machine[R]) Drive(ctx context.Context, id string, from Cursor) error {
	record, err := m.Load(ctx, id)
	if err != nil {
		return err
	}
	return m.run(ctx, id, from, record)
}

// Go is Drive for a record that was just read or saved.
func (m Machine[R]) Go(ctx context.Context, id string, record R) error {
	return m.run(ctx, id, After(*m.Progress(&record)), record)
}

func (m Machine[R]) run(ctx context.Context, id string, from Cursor, record R) error {
	tries, moved := 0, false
	for range stepsAtOnce {
		if m.History != nil {
			ctx = pool.OnThread(ctx, m.History(record))
		}
		progress := *m.Progress(&record)
		if from.Stale(progress) {
			return m.behind(ctx, id, from, progress)
		}
		if progress.Step == "" {
			return m.Rested(ctx, record, moved)
		}
		do, ours := m.Steps[progress.Step]
		if !ours {
			return nil
		}
		next, err := do(ctx, record)
		if err != nil && m.Retry != nil && ctx.Err() == nil { // with its time over, nothing can be saved or sent
			if wait, ok := m.Retry(ctx, record, err); ok {
				next, err = Next[R]{Record: record, Wait: wait, Because: err}, nil
			}
		}
		if err != nil {
			noted := record
			*m.Progress(&noted) = progress.Failed(err)
			return fmt.Errorf("step %s of %s: %w", progress.Step, id, Note(ctx, progress, err, func(ctx context.Context) error {
				_, err := m.Save(ctx, record, noted, pool.Neutral)
				return err
			}))
		}
		if next.Leave {
			return nil
		}
		now := m.Progress(&next.Record)
		if now.Step == progress.Step && now.Count == progress.Count {
			now.Count++
		}
		if next.Because != nil {
			*now = now.Failed(next.Because)
		}
		// Commit point: what the step did is known, so nobody does it again. Killed before this, the
		// step is done again, and finds what it did.
		saved, err := m.Save(ctx, record, next.Record, next.Outcome)
		if errors.Is(err, pool.ErrConflict) && tries < conflicts {
			// Decide again; whether it is still our turn, the cursor says.
			tries, from = tries+1, After(progress)
			if record, err = m.Load(ctx, id); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("record step %s of %s: %w", progress.Step, id, err)
		}
		m.Moved(ctx, record, saved)
		record, moved = saved, true
		if from = After(*m.Progress(&record)); next.Wait > 0 || !m.Time(ctx) {
			return m.Later(ctx, id, from, next.Wait)
		}
	}
	return m.Later(ctx, id, from, 0)
}

// behind has a record looked after once more for which a message came too late. A queue may deliver a message twice: if
// the first that handles it is killed after it has recorded its look, and before it has sent the next message, the second
// comes too late, and by that both are done with. Nobody else would go on before the deadline. If somebody did, what is
// sent here comes too late as well, and that is the end of it.
func (m Machine[R]) behind(ctx context.Context, id string, from Cursor, p pool.Progress) error {
	if _, ours := m.Steps[p.Step]; m.Behind == 0 || from.Again || !ours && p.Step != "" {
		return nil
	}
	at := After(p)
	at.Again = true
	return m.Later(ctx, id, at, m.Behind)
}
