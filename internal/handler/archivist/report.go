package archivist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"headroom/events"
)

const (
	// reportEvery is the least time between two reports of how far a job is.
	reportEvery = 15 * time.Second
	// reportWait bounds how long a job waits for a report to be taken, and endWait for the last one.
	reportWait = 10 * time.Second
	endWait    = 20 * time.Second
	// failureMost bounds what is said of a failure, and foundMost how much is named of what is not as it must be.
	failureMost = 1000 // bytes
	foundMost   = 20
)

// errLong means that a job was called off.
var errLong = fmt.Errorf("the job was not done in %v", jobMost)

// progress is how far a job is. It may be reported from beside the job.
type progress struct {
	bytes, total, entries atomic.Int64

	reporting sync.Mutex // held while a report is on its way
	said      time.Time
	ended     bool
}

// report is how far the job is, as it is reported.
func (t *task) report() events.TaskReport {
	return events.TaskReport{
		Version: events.Version, Type: events.TypeTaskReport, Job: t.job.Job, Of: t.job.Of, ID: t.job.ID, Attempt: t.job.Attempt,
		Bytes: t.bytes.Load(), Total: t.total.Load(), Entries: t.entries.Load(), Address: t.Address,
		Correlated: t.job.Correlated, // else what comes of it would be a thread of its own
	}
}

// say reports how far the job is, unless that was done a moment ago, or is being done. A report that is not taken is
// none: the next one says more.
func (t *task) say(ctx context.Context) {
	if !t.reporting.TryLock() {
		return
	}
	defer t.reporting.Unlock()
	now := t.Now()
	if t.ended || now.Sub(t.said) < reportEvery {
		return
	}
	t.said = now
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	if err := t.Reports.Send(ctx, t.report(), 0); err != nil {
		t.log.Warn("progress not reported", "error", err)
	}
}

// beat has reports sent also while nothing is read, until it is quieted: a dump that is restored, or rows that are
// counted, may take hours, and a task that is not heard of is taken for dead.
func (t *task) beat(ctx context.Context) (quiet func()) {
	ctx, quiet = context.WithCancel(ctx)
	t.Start(func() {
		for t.Sleep(ctx, reportEvery) == nil {
			t.say(ctx)
		}
	})
	return quiet
}

// end reports what the job came to. It does so also when the task is being stopped. The log has no word of what a
// tenant's things are called: the reasons are in the report.
func (t *task) end(ctx context.Context, report events.TaskReport, failed error) error {
	t.reporting.Lock() // nothing comes after it
	defer t.reporting.Unlock()
	t.ended = true
	report.Bytes, report.Total, report.Entries, report.Done = t.bytes.Load(), t.total.Load(), t.entries.Load(), true
	switch {
	case failed != nil && ctx.Err() != nil:
		if failed = fmt.Errorf("the task was stopped: %w", failed); errors.Is(context.Cause(ctx), errLong) {
			failed = errLong
		}
		fallthrough
	case failed != nil:
		report.Failure, report.Archive, report.Proof, report.Found = bounded(failed.Error(), failureMost), nil, "", nil
	case len(report.Found) > 0:
		report.Archive, report.Proof = nil, ""
	}
	t.log.Info("job ended", "failed", failed != nil, "found", len(report.Found), "bytes", report.Bytes, "entries", report.Entries)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	if err := t.Reports.Send(ctx, report, 0); err != nil {
		return fmt.Errorf("report what the job came to: %w", err)
	}
	return nil
}

// counted is a source of the tenant's data, of which the job reports how far it is.
func (t *task) counted(ctx context.Context, from io.Reader) io.Reader {
	return reading{t: t, ctx: ctx, from: from}
}

type reading struct {
	t    *task
	ctx  context.Context // io.Reader has none
	from io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.t.bytes.Add(int64(n))
	r.t.say(r.ctx)
	return n, err
}

// findings are what is not as it must be: the first of them by name.
type findings struct {
	named []string
	more  int
}

func (f *findings) add(format string, args ...any) {
	if len(f.named) == foundMost {
		f.more++
		return
	}
	f.named = append(f.named, bounded(fmt.Sprintf(format, args...), failureMost))
}

func (f *findings) all() []string {
	if f.more == 0 {
		return f.named
	}
	return append(f.named, fmt.Sprintf("and %d more", f.more))
}

// bounded is the beginning of a text, as valid UTF-8.
func bounded(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("…")], "") + "…"
	}
	return text
}
