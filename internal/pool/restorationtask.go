package pool

import (
	"fmt"
	"time"
)

// Opened is a restoration whose next attempt is being prepared: it is counted before anything is done for it, so that two
// who prepare one never prepare the same.
func (r Restoration) Opened(now time.Time) Restoration {
	r = r.Clone()
	r.Attempt = Attempt{Number: r.Attempt.Number + 1, Began: now.UTC(), Failed: r.Attempt.Failed}
	r.Count++
	return r
}

// Begun is a restoration whose attempt that was opened is made by a task.
func (r Restoration) Begun(task string, now time.Time) Restoration {
	r = r.Clone()
	r.Attempt.Task, r.Attempt.Heard = task, now.UTC()
	r.Due = now.Add(Deadline(r.Step))
	r.Count++
	return r
}

// Heard notes how far the attempt has come: that moves its deadline.
func (r Restoration) Heard(bytes, entries, of int64, now time.Time) Restoration {
	a := &r.Attempt
	a.Bytes, a.Entries, a.Of, a.Heard = max(a.Bytes, bytes), max(a.Entries, entries), max(a.Of, of), now.UTC()
	r.Due = now.Add(Deadline(r.Step))
	return r
}

// AttemptFailed decides what becomes of a restoration whose attempt came to nothing: there is another, until MaxTries failed
// in a row; then it is withdrawn.
func (r Restoration) AttemptFailed(why string, now time.Time) (Restoration, error) {
	r = r.Clone()
	step := r.Step
	r.Attempt.Task = ""
	r.Attempt.Failed++
	r.History = Append(r.History, Entry{At: now.UTC(), What: fmt.Sprintf("attempt %d failed", r.Attempt.Number), Why: fmt.Sprintf("%s: %s", step, why)})
	if r.Attempt.Failed > MaxTries {
		return r.Withdraw(fmt.Sprintf("%d attempts came to nothing, the last because %s", r.Attempt.Failed, why), true, now)
	}
	r.Progress = Started(step, now).Failed(fmt.Errorf("%s", why))
	return r, nil
}

// AttemptDone is a restoration whose attempt did what it was to do.
func (r Restoration) AttemptDone(now time.Time, what string) Restoration {
	r = r.Proven(now, what)
	r.Attempt.Task, r.Attempt.Failed = "", 0
	return r
}

// OverdueRestoration decides what becomes of a restoration whose step is past its deadline: it is tried again, with a new
// deadline, until MaxTries. Then it is withdrawn; one that was putting the database into its place, and may have done so, is
// undone. What is left of one that is told, or comes to nothing, is never given up: it holds a copy of tenants' data. Nor is the
// switch of a move, of which nobody knows how far it has come.
// changed is false when the deadline has not passed.
func OverdueRestoration(r Restoration, now time.Time) (out Restoration, changed bool, err error) {
	if !r.Overdue(now) {
		return r, false, nil
	}
	out = r.Clone()
	if !r.losable() || r.Tries < MaxTries {
		out.Progress = r.Retried(now)
		return out, true, nil
	}
	why := fmt.Sprintf("step %s was tried %d times and %s", r.Step, r.Tries+1, r.late())
	if r.Swapping.IsZero() {
		out, err = out.Withdraw(why, true, now)
		return out, err == nil, err
	}
	out, err = out.Undo("Headroom: "+why, now, now)
	out.Why, out.Failed = why, true
	return out, err == nil, err
}

// Persistent reports whether the step was tried so often that people are to be told, once: nobody gives it up.
func (r Restoration) Persistent() bool {
	return r.Tries >= MaxTries && !r.losable()
}

// losable reports whether the step may be given up, and all taken back.
func (r Restoration) losable() bool {
	return r.State == RestorationRestoring && r.Step != StepSwitch && r.Step != StepTell && r.Step != StepRemove
}
