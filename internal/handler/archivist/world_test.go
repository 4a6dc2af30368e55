package archivist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	s3objects "headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/function/archives"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

const (
	share, store = "share", "archive" // buckets
	departure    = "acme.k3v9x2m7qa"
	shareMark    = "share-standard-1/x7c2m9q4ab/4/1"
	databaseMark = "db-standard-1/p4n8v1k6sd/11/3"
	password     = "a-copier's-password"
	secretARN    = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:copier"
	address      = "10.40.1.9"

	restoration = "acme.restore-2"
	fillerARN   = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:filler"
	filling     = "a-filler's-password"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// world is an Archivist and all that it deals with. It has S3's adapter, over a bucket in memory.
type world struct {
	*Archivist
	t      testing.TB
	s3     *objectstest.S3
	bucket archives.Bucket
	data   *data
	shares *doors
	sent   []events.TaskReport
	silent error // with which reports are refused
	now    time.Time
	tick   time.Duration // that each look at the clock takes
	log    bytes.Buffer
}

func newWorld(t testing.TB, life *killtest.Life) *world {
	t.Helper()
	w := &world{t: t, now: noon, data: &data{life: life, granted: true}, shares: &doors{}}
	w.data.catalog = pool.Catalog{
		Version: 150014, Bytes: 8 << 20, Collate: "C", Ctype: "C", LargeObjects: 2,
		Tables: []pool.TableRows{{Name: "app.orders", Rows: 10}, {Name: `app."we""ird; na.me"`, Rows: 3}}, Forced: []string{"app.orders"},
	}
	w.s3 = &objectstest.S3{Now: func() time.Time { return w.now }}
	if life != nil {
		w.s3.Fault = func(operation string) (applied bool, err error) {
			err = life.Call(operation, func() error { applied = true; return nil })
			return applied, err
		}
	}
	w.s3.Add(share, false)
	w.s3.Add(store, true)
	adapter, err := s3objects.New(s3objects.Config{
		Client: w.s3, Jitter: func() float64 { return 0.5 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	check(t, err)
	w.bucket = archives.Bucket{Objects: adapter}
	w.Archivist, err = New(Config{
		Objects: w.bucket, Databases: w.data, Dumps: w.data, Secrets: w.data, Shares: w.shares, Reports: w, Key: "arn:aws:kms:key",
		Address: address, Memory: 64 << 20, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Now: func() time.Time { w.now = w.now.Add(w.tick); return w.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.now = w.now.Add(d)
			return ctx.Err()
		},
		Start: func(func()) {},
	})
	check(t, err)
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Send hears reports.
func (w *world) Send(ctx context.Context, body any, _ time.Duration) error {
	send := func() error {
		text, err := json.Marshal(body)
		check(w.t, err)
		if strings.Contains(string(text), password) || strings.Contains(string(text), filling) {
			w.t.Errorf("a report has the password: %s", text)
		}
		w.sent = append(w.sent, body.(events.TaskReport))
		return nil
	}
	if err := errors.Join(w.silent, ctx.Err()); err != nil {
		return err
	}
	if w.data.life != nil {
		return w.data.life.Call("Send", send)
	}
	return send()
}

// put stores an object of the share as a gateway does, and returns its version.
func (w *world) put(key, content string) string {
	w.t.Helper()
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(share), Key: &key, Body: strings.NewReader(content), Metadata: map[string]string{"file-owner": "1000"},
	})
	check(w.t, err)
	return aws.ToString(out.VersionId)
}

// fill makes a share with some of everything.
func (w *world) fill() {
	w.t.Helper()
	fault := w.s3.Fault
	w.s3.Fault = nil // it was there before
	defer func() { w.s3.Fault = fault }()
	for _, file := range [][2]string{
		{"a.txt", "old"},
		{"a.txt", strings.Repeat("content ", 100)},
		{"empty", ""},
		{"folder/", ""},
		{"folder/x", "x"},
		{"Zoë", "é"},
		{"gone", "gone"},
		{"link", "../../etc/passwd"}, // what a client that makes one anyway leaves
	} {
		w.put(file[0], file[1])
	}
	_, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(share), Key: aws.String("gone")})
	check(w.t, err)
}

// files are what fill leaves that an archive has.
const files = 6

// job is one of a departure that has all.
func job(what string, attempt int) events.ArchivistJob {
	folder := fmt.Sprintf("%s/%d", departure, attempt)
	return events.ArchivistJob{
		Version: "1", Type: events.TypeArchivistJob, Job: what, Of: events.OfDeparture, ID: departure, Attempt: attempt, TenantID: "acme",
		Bucket: share, Mark: shareMark,
		Database: &events.JobDatabase{
			Host: "db.internal", Port: 5432, Name: "d_abc", Username: pool.CopierName("abc"), Tenant: "t_abc", SecretARN: secretARN, Mark: databaseMark,
		},
		Archive: &events.ArchiveRef{Bucket: store, Key: folder + "/archive.zip", ManifestKey: folder + "/manifest.jsonl"},
	}
}

// do does a job as the task does, which gets it as a text, and returns the last report.
func (w *world) do(job events.ArchivistJob) events.TaskReport {
	w.t.Helper()
	text, err := json.Marshal(job)
	check(w.t, err)
	read, err := ReadJob(string(text))
	check(w.t, err)
	check(w.t, w.Do(w.t.Context(), read))
	last := w.sent[len(w.sent)-1]
	if !last.Done {
		w.t.Errorf("the last report is not the last: %+v", last)
	}
	return last
}

// archived does the archiving, and returns the job that verifies what came of it.
func (w *world) archived() events.ArchivistJob {
	w.t.Helper()
	report := w.do(job(events.JobArchive, 1))
	if report.Archive == nil || report.Failure != "" {
		w.t.Fatalf("not archived: %+v", report)
	}
	verify := job(events.JobVerify, 2)
	verify.Archive = report.Archive
	return verify
}

// open are the keys of uploads that are open.
func (w *world) open() (keys []string) {
	w.t.Helper()
	page, err := w.bucket.Uploads(context.Background(), store, "", pool.UploadCursor{})
	check(w.t, err)
	for _, u := range page.Uploads {
		keys = append(keys, u.Key)
	}
	return keys
}

// data is a database, its dumps, and its copier's secret.
type data struct {
	life    *killtest.Life
	granted bool // there is a copier
	catalog pool.Catalog
	large   bool // too large to be restored
	lost    bool // what is dumped does not restore
	fails   error
	takes   time.Duration // to restore
	host    string        // that the secret has instead

	standIn *pool.Catalog // what the stand-in holds
	spoils  func(*pool.Catalog)
}

func (d *data) call(operation string, do func() error) error {
	if d.life == nil {
		return do()
	}
	return d.life.Call(operation, do)
}

func (d *data) Credentials(_ context.Context, arn string) (out events.Credentials, err error) {
	err = d.call("Credentials", func() error {
		if arn == fillerARN {
			out = events.Credentials{Engine: "postgres", Host: "host.internal", Port: 5432, DBName: "d_new", Username: "t_new", Password: filling}
			return nil
		}
		if arn != secretARN || !d.granted {
			return errors.New("no such secret")
		}
		out = events.Credentials{Engine: "postgres", Host: "db.internal", Port: 5432, DBName: "d_abc", Username: pool.CopierName("abc"), Password: password}
		if d.host != "" {
			out.Host = d.host
		}
		return nil
	})
	return out, err
}

func (d *data) refuse(copier pool.Login, name string) error {
	if !d.granted || copier.Host != "db.internal" || copier.Username != pool.CopierName(name) || copier.Password != password || name != "abc" {
		return errors.New("password authentication failed")
	}
	return d.fails
}

func (d *data) Catalog(_ context.Context, copier pool.Login, name string) (out pool.Catalog, err error) {
	err = d.call("Catalog", func() error {
		if name == "new" {
			out = *d.standIn
			return d.refuseFiller(copier, name)
		}
		out = d.catalog
		return d.refuse(copier, name)
	})
	return out, err
}

func (d *data) refuseFiller(filler pool.Login, name string) error {
	if filler.Host != "host.internal" || filler.Username != "t_new" || filler.Password != filling || name != "new" {
		return errors.New("password authentication failed")
	}
	return d.fails
}

// Fill fills a stand-in, or some of it: what is there already is in the way.
func (d *data) Fill(_ context.Context, dump io.Reader, filler pool.Login, name string, version int) error {
	if len(d.standIn.Tables) > 0 {
		return pool.ErrBadDump
	}
	if err := d.call("Fill, in part", func() error {
		d.standIn.Tables = []pool.TableRows{{Name: "app.orders"}}
		return d.refuseFiller(filler, name)
	}); err != nil {
		return err
	}
	return d.call("Fill", func() error {
		var read pool.Catalog
		if err := json.NewDecoder(dump).Decode(&read); err != nil || version != d.standIn.Version {
			return fmt.Errorf("%w: %w", pool.ErrBadDump, errors.Join(err, errors.New("of another version")))
		}
		read.Forced, read.Bytes, read.Version = nil, 1<<20, d.standIn.Version
		if d.spoils != nil {
			d.spoils(&read)
		}
		*d.standIn = read
		return nil
	})
}

func (d *data) Force(_ context.Context, filler pool.Login, name string, tables []string) error {
	return d.call("Force", func() error { d.standIn.Forced = tables; return d.refuseFiller(filler, name) })
}

// Dump is the catalog as JSON, and something that is never twice the same.
func (d *data) Dump(_ context.Context, copier pool.Login, name string, version int) (out io.ReadCloser, err error) {
	err = d.call("Dump", func() error {
		if err := d.refuse(copier, name); err != nil || version != d.catalog.Version {
			return errors.Join(err, errors.New("another version"))
		}
		text, err := json.Marshal(d.catalog)
		if d.lost {
			text = []byte("no dump")
		}
		out = io.NopCloser(bytes.NewReader(text))
		return err
	})
	return out, err
}

// Check reads a dump as PostgreSQL's programs do: not to its end, if it makes no sense.
func (d *data) Check(_ context.Context, dump io.Reader, want pool.DumpFile) (out pool.DumpCheck, err error) {
	var read bytes.Buffer
	if _, err := read.ReadFrom(dump); err != nil {
		return out, err
	}
	if sum := sha256.Sum256(read.Bytes()); sum != want.SHA256 || int64(read.Len()) != want.Bytes {
		return out, fmt.Errorf("%w: its SHA-256 is another", pool.ErrBadDump)
	}
	if err := json.Unmarshal(read.Bytes(), &out.Catalog); err != nil {
		return out, fmt.Errorf("%w: restore it: exit status 1", pool.ErrBadDump)
	}
	time.Sleep(d.takes)
	if d.large {
		return pool.DumpCheck{}, nil
	}
	if differs := want.Catalog.Differences(out.Catalog); len(differs) > 0 {
		return out, fmt.Errorf("%w: %s", pool.ErrBadDump, strings.Join(differs, "; "))
	}
	out.Restored = true
	return out, d.call("Check", func() error { return nil })
}

// doors are shares, and whom they let in.
type doors struct {
	shut  int // so many looks are in vain
	names []string
	looks int
}

func (d *doors) Root(ctx context.Context, host, path string, most int) ([]string, error) {
	if _, ok := ctx.Deadline(); !ok || host != "gateway.internal" || path != "/def" {
		return nil, errors.New("no such share")
	}
	if d.looks++; d.looks <= d.shut {
		return nil, errors.New("mount it: status 13")
	}
	return d.names[:min(len(d.names), most)], nil
}
