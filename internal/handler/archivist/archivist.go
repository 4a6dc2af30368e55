// Package archivist is what the archiving task does, which is run once for each job: it writes a tenant's files and
// its database into one archive, reads one back and compares it with its sources, looks into a share that was made
// anew, or copies what a tenant had at a time to where it can have it back.
//
// A task may die anywhere. What it leaves is an upload that is not complete, which the next attempt aborts, or
// objects under the keys of its own attempt that nobody knows of: nothing of theirs is locked, and no attempt writes
// what another has written. Copies out of the past are known by what they are copies of, and made once; a stand-in that
// was filled in part is no other attempt's. It changes nothing that it reads from.
package archivist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// objects are those of the share's bucket, and of the bucket with the archives. Listings come by ascending bytes of
// the keys, and are consistent with what was stored. pool.ErrNoObject says that a version is not there. Calls are
// tried again by who makes them.
type objects interface {
	// Current lists what each key is now, a page at a time.
	Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
	// Open reads a version of a size from its first byte to its last, however long that takes.
	Open(ctx context.Context, ref pool.ObjectRef, size int64) (io.ReadCloser, pool.StoredObject, error)
	// Head tells the size of a version.
	Head(ctx context.Context, ref pool.ObjectRef) (pool.StoredObject, error)
	// Store makes an object of what write writes, some expected number of bytes. There is none before write has
	// returned nil, and none after another return: what was sent until then is aborted.
	Store(ctx context.Context, spec pool.ObjectSpec, expect int64, write func(io.Writer) error) (pool.StoredObject, error)
	// Uploads lists uploads that are open, and AbortUpload ends one, also one that is over already.
	Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (pool.UploadPage, error)
	AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error
	// Versions lists all versions and delete markers, within a key the newest first.
	Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
	// Copies makes copies of versions of a bucket in it. pool.ErrOtherObject: there is something else under a key.
	Copies(ctx context.Context, bucket string, copies []pool.ObjectCopy) error
}

// databases tells what the slot called name holds, by the login of its copier, or of a stand-in's role; and has row
// security bind the owner of a stand-in's tables.
type databases interface {
	Catalog(ctx context.Context, login pool.Login, name string) (pool.Catalog, error)
	Force(ctx context.Context, filler pool.Login, name string, tables []string) error
}

// dumps makes and checks dumps, and fills stand-ins. A dump that is no good is pool.ErrBadDump.
type dumps interface {
	Fill(ctx context.Context, dump io.Reader, filler pool.Login, name string, version int) error
	Dump(ctx context.Context, copier pool.Login, name string, version int) (io.ReadCloser, error)
	Check(ctx context.Context, dump io.Reader, want pool.DumpFile) (pool.DumpCheck, error)
}

// secrets reads the credentials of a copier, or of a stand-in's role.
type secrets interface {
	Credentials(ctx context.Context, arn string) (events.Credentials, error)
}

// shares lists the names in the root of a share, the first of them. It is not tried again.
type shares interface {
	Root(ctx context.Context, host, path string, most int) ([]string, error)
}

// reports hears how far the task is.
type reports interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Config is what an Archivist is built from. All of it is required, but for Key where no archive is made.
type Config struct {
	Objects   objects
	Databases databases
	Dumps     dumps
	Secrets   secrets
	Shares    shares
	Reports   reports
	Key       string // ARN of the KMS key that encrypts archives
	Address   string // of the task
	Memory    int64  // bytes that may be held of the entries of an archive while it is made (archive.Load)
	Log       *slog.Logger
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
	Start     func(func()) // runs a function beside its caller
}

// Archivist does jobs.
type Archivist struct{ Config }

// New validates the configuration.
func New(c Config) (*Archivist, error) {
	if c.Objects == nil || c.Databases == nil || c.Dumps == nil || c.Secrets == nil || c.Shares == nil || c.Reports == nil ||
		c.Address == "" || c.Memory <= 0 || c.Log == nil || c.Now == nil || c.Sleep == nil || c.Start == nil {
		return nil, errors.New("archivist: all of the configuration is required")
	}
	return &Archivist{c}, nil
}

// Prober is what a task is built from that looks into shares, and does nothing else: it needs no access to anybody's data.
// All of it is required.
type Prober struct {
	Shares  shares
	Reports reports
	Address string // of the task
	Log     *slog.Logger
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Start   func(func())
}

// NewProber validates the configuration. What it returns refuses all jobs but events.JobProbe.
func NewProber(p Prober) (*Archivist, error) {
	if p.Shares == nil || p.Reports == nil || p.Address == "" || p.Log == nil || p.Now == nil || p.Sleep == nil || p.Start == nil {
		return nil, errors.New("prober: all of the configuration is required")
	}
	return &Archivist{Config{Shares: p.Shares, Reports: p.Reports, Address: p.Address, Log: p.Log, Now: p.Now, Sleep: p.Sleep, Start: p.Start}}, nil
}

// does reports whether the task can do a job.
func (a *Archivist) does(job string) bool { return job == events.JobProbe || a.Objects != nil }

// jobMost bounds a job: its copier may log in for a day at most. It bounds whatever hangs, since reports go on.
const jobMost = 23 * time.Hour

// Do does a job and reports what it came to. An error says that nobody could be told.
func (a *Archivist) Do(ctx context.Context, job events.ArchivistJob) error {
	t := &task{Archivist: a, job: job, log: a.Log.With(thread(job)...)}
	t.log.Info("job begun")
	t.say(ctx) // it runs, and where
	quiet := t.beat(ctx)
	defer quiet()
	ctx, cancel := context.WithTimeoutCause(ctx, jobMost, errLong)
	defer cancel()
	var err error
	report := t.report()
	switch {
	case !a.does(job.Job):
		err = fmt.Errorf("job %q is not the prober's", job.Job)
	case job.Job == events.JobArchive:
		report.Archive, err = t.archive(ctx)
	case job.Job == events.JobVerify:
		report.Proof, report.Found, err = t.verify(ctx)
	case job.Job == events.JobProbe:
		report.Proof, report.Found, err = t.probe(ctx)
	case job.Job == events.JobRestoreFiles:
		report.Proof, report.Found, err = t.restoreFiles(ctx)
	case job.Job == events.JobRestoreDatabase:
		report.Proof, report.Found, err = t.restoreDatabase(ctx)
	default:
		err = fmt.Errorf("there is no job %q", job.Job)
	}
	return t.end(ctx, report, err)
}

// thread is what each line of a job's log bears, so that it is found by its tenant, and by what it came of, as those of the
// functions are.
func thread(job events.ArchivistJob) []any {
	words := []any{"job", job.Job, "of", job.ID, "attempt", job.Attempt}
	if job.TenantID != "" {
		words = append(words, "tenant", job.TenantID)
	}
	if job.CorrelationID != "" {
		words = append(words, telemetry.CorrelationKey, job.CorrelationID)
	}
	return words
}

// task is an Archivist at one job.
type task struct {
	*Archivist
	job events.ArchivistJob
	log *slog.Logger
	progress
}

// login is how the copier logs in to the job's database, and the slot that this is of.
func (t *task) login(ctx context.Context) (pool.Login, string, error) {
	slot, err := slotOf(*t.job.Database)
	if err != nil {
		return pool.Login{}, "", err
	}
	login, err := t.loginTo(ctx, *t.job.Database)
	return login, slot, err
}

// loginTo is how a database's role logs in to it.
func (t *task) loginTo(ctx context.Context, d events.JobDatabase) (pool.Login, error) {
	stored, err := t.Secrets.Credentials(ctx, d.SecretARN)
	if err != nil {
		return pool.Login{}, fmt.Errorf("read the credentials of %s: %w", d.Username, err)
	}
	if stored.Host != d.Host || stored.Port != d.Port || stored.DBName != d.Name || stored.Username != d.Username || stored.Password == "" {
		return pool.Login{}, fmt.Errorf("the secret of %s is of another database than the job", d.Username)
	}
	return pool.Login{Host: d.Host, Port: d.Port, Username: d.Username, Password: stored.Password}, nil
}
