package pool

import (
	"fmt"
	"time"
)

// Attempt is one try to archive a tenant's data, or to verify what was archived, by a task.
type Attempt struct {
	Number   int       // counts from 1
	Task     string    // ARN of the task; empty: none was started yet, or it has ended
	Began    time.Time // when it was asked for
	Heard    time.Time // when the task last said how far it is
	Bytes    int64     // of the tenant's data that it has read
	Entries  int64     // that it has written or read
	Of       int64     // bytes that there are, as far as is known; 0: unknown
	Archived Archive   // what it wrote; zero: it has not ended
	Failed   int       // attempts in a row that came to nothing
}

// Rate is how many bytes a second the attempt has come forward, 0 when that can't be said yet.
func (a Attempt) Rate() float64 {
	if spent := a.Heard.Sub(a.Began).Seconds(); spent > 0 {
		return float64(a.Bytes) / spent
	}
	return 0
}

// Left estimates how long the attempt takes still; false when that can't be said.
func (a Attempt) Left() (time.Duration, bool) {
	rate := a.Rate()
	if rate == 0 || a.Of < a.Bytes {
		return 0, false
	}
	return time.Duration(float64(a.Of-a.Bytes) / rate * float64(time.Second)), true
}

// Begun is a departure whose next attempt is made by a task.
func (d Departure) Begun(task string, now time.Time) Departure {
	d = d.Clone()
	d.Attempt = Attempt{Number: d.Attempt.Number + 1, Task: task, Began: now.UTC(), Heard: now.UTC(), Archived: d.Attempt.Archived, Failed: d.Attempt.Failed}
	d.Due = now.Add(Deadline(d.Step))
	return d
}

// Heard notes how far the attempt has come: that moves its deadline.
func (d Departure) Heard(bytes, entries, of int64, now time.Time) Departure {
	a := &d.Attempt
	a.Bytes, a.Entries, a.Of, a.Heard = max(a.Bytes, bytes), max(a.Entries, entries), max(a.Of, of), now.UTC()
	d.Due = now.Add(Deadline(d.Step))
	return d
}

// AttemptFailed decides what becomes of a departure whose attempt came to nothing: there is another, until MaxTries failed
// in a row; then it is given up, and that is to be reported to people. anew means that the archive itself is no good, or
// not of what there is now, and has to be written anew.
func (d Departure) AttemptFailed(why string, anew bool, now time.Time) Departure {
	d = d.Clone()
	step := d.Step
	d.Attempt.Task = ""
	d.Attempt.Failed++
	d.History = Append(d.History, Entry{At: now.UTC(), What: fmt.Sprintf("attempt %d failed", d.Attempt.Number), Why: fmt.Sprintf("%s: %s", step, why)})
	if anew {
		step, d.Attempt.Archived = StepArchive, Archive{}
	}
	d.Progress = Started(step, now).Failed(fmt.Errorf("%s", why))
	if d.Attempt.Failed > MaxTries {
		d.Progress = d.Progress.GivenUp(now)
		d.History = Append(d.History, Entry{At: now.UTC(), What: "given up", Why: fmt.Sprintf("%d attempts came to nothing", d.Attempt.Failed)})
	}
	return d
}
