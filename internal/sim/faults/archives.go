package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"time"

	"headroom/events"
	s3 "headroom/internal/adapter/objects"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/archive"
	"headroom/internal/pool"
)

const (
	archives   = "headroom-sim-archive"
	reports    = "headroom-sim-reports"
	reporter   = "arn:aws:iam::123456789012:role/reporter"
	archiveKey = "arn:aws:kms:eu-west-1:123456789012:key/archive"
)

// objects is S3, each call of which is one of a process.
type objects struct {
	w    *world
	next *s3.Objects
}

func (o objects) Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error) {
	return answered(o.w, "Current", func() (pool.ObjectPage, error) { return o.next.Current(ctx, bucket, prefix, from) })
}

func (o objects) Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error) {
	return answered(o.w, "Versions", func() (pool.ObjectPage, error) { return o.next.Versions(ctx, bucket, prefix, from) })
}

func (o objects) Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (pool.UploadPage, error) {
	return answered(o.w, "Uploads", func() (pool.UploadPage, error) { return o.next.Uploads(ctx, bucket, prefix, from) })
}

func (o objects) Delete(ctx context.Context, bucket string, versions []pool.ObjectVersion) (kept []pool.ObjectRefusal, err error) {
	operation := "DeleteObjects"
	if bucket == reports {
		operation = "DeleteReports"
	}
	err = o.w.changed(operation, func() (err error) {
		if bucket != reports { // which has nothing of a tenant's but names
			o.w.mayEmpty(bucket, versions)
		}
		kept, err = o.next.Delete(ctx, bucket, versions)
		return err
	})
	return kept, err
}

func (o objects) AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error {
	return o.w.changed("AbortUpload", func() error { return o.next.AbortUpload(ctx, bucket, u) })
}

func (o objects) Open(ctx context.Context, ref pool.ObjectRef, size int64) (content io.ReadCloser, stored pool.StoredObject, err error) {
	err = o.w.call("Open", func() (err error) { content, stored, err = o.next.Open(ctx, ref, size); return err })
	return content, stored, err
}

func (o objects) ReadAll(ctx context.Context, ref pool.ObjectRef, most int64) (content []byte, stored pool.StoredObject, err error) {
	err = o.w.call("ReadAll", func() (err error) { content, stored, err = o.next.ReadAll(ctx, ref, most); return err })
	return content, stored, err
}

func (o objects) Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (pool.StoredObject, error) {
	return answered(o.w, "Put", func() (pool.StoredObject, error) { return o.next.Put(ctx, spec, content) })
}

func (o objects) Retain(ctx context.Context, ref pool.ObjectRef, until time.Time) error {
	return o.w.call("Retain", func() error { return o.next.Retain(ctx, ref, until) })
}

func (o objects) Tag(ctx context.Context, ref pool.ObjectRef, tags map[string]string) error {
	return o.w.call("TagObject", func() error { return o.next.Tag(ctx, ref, tags) })
}

// tasks is ECS. What its tasks do is done by the program below.
type tasks struct {
	w    *world
	next *ecs.Runner
}

func (t tasks) Run(ctx context.Context, order pool.TaskOrder) (arn string, err error) {
	err = t.w.changed("Run", func() (err error) {
		arn, err = t.next.Run(ctx, order)
		t.w.cloud.stir()
		return err
	})
	return arn, err
}

func (t tasks) Describe(ctx context.Context, arn string) (pool.TaskStatus, error) {
	return answered(t.w, "DescribeTask", func() (pool.TaskStatus, error) { return t.next.Describe(ctx, arn) })
}

func (t tasks) Stop(ctx context.Context, arn, why string) error {
	return t.w.changed("StopTask", func() error { return t.next.Stop(ctx, arn, why) })
}

// archived is what an archive holds.
type archived struct {
	rows, files []string
}

const (
	// tick is between two looks at what ECS and gateways do by themselves.
	tick = 20 * time.Second
	// settling is how long they are looked at after nothing has come of it.
	settling = 10 * time.Minute
)

// stir has ECS and the gateways go on for a while.
func (c *cloud) stir() {
	c.stirred = c.w.now
	if c.ticking {
		return
	}
	c.ticking = true
	c.w.after(tick, c.tick)
}

func (c *cloud) tick() {
	w := c.w
	for _, body := range slices.Concat(c.cluster.Take(), c.gateways.Take()) {
		c.stirred = w.now
		w.leavingSteps.put(string(body), 0)
		w.repairs.put(string(body), 0) // who it is for, only they can tell
		w.restores.put(string(body), 0)
	}
	for _, t := range c.cluster.Live() {
		c.stirred = w.now
		_, _ = c.tasks.next.Describe(context.Background(), t.ARN)
		if t.Status == "RUNNING" {
			c.lookAround(t)
		}
	}
	if w.now.Sub(c.stirred) > settling {
		c.ticking = false
		return
	}
	w.after(tick, c.tick)
}

func jobOf(t taskstest.Task) (job events.ArchivistJob) {
	_ = json.Unmarshal([]byte(t.Environment[ecs.JobVariable]), &job)
	return job
}

// program stands for the archivist: it reports what the job comes to, and ends; or it fails, or dies, or is never heard of.
func (c *cloud) program(t taskstest.Task) int {
	w, job := c.w, jobOf(t)
	failing := w.chances[Taskless]
	if failing.comes() {
		switch failing.draw.IntN(4) {
		case 0:
			c.report(job, events.TaskReport{Done: true, Failure: "no space left on device"})
			return 0
		case 1:
			return 137
		case 2:
			w.after(time.Hour, func() { c.cluster.Kill(t.ARN) })
			return taskstest.Running
		default:
			c.report(job, events.TaskReport{Done: true, Found: []string{"entry 1 has another SHA-256"}})
			return 0
		}
	}
	switch job.Job {
	case events.JobArchive:
		ref, failure := c.archive(job)
		if failure != "" {
			c.report(job, events.TaskReport{Done: true, Failure: failure})
			return 0
		}
		c.report(job, events.TaskReport{Bytes: 5, Total: 10, Address: t.Address})
		c.report(job, events.TaskReport{Bytes: 10, Total: 10, Entries: ref.Entries, Done: true, Archive: &ref, Address: t.Address})
	case events.JobVerify:
		c.report(job, events.TaskReport{Done: true, Proof: "every entry was compared"})
	case events.JobRestoreFiles:
		c.report(job, events.TaskReport{Bytes: 10, Total: 10, Entries: 1, Done: true, Proof: "1 file"})
	case events.JobRestoreDatabase:
		c.report(job, events.TaskReport{Bytes: 5, Total: 10})
		if failure := c.refill(job); failure != "" {
			c.report(job, events.TaskReport{Done: true, Failure: failure})
		} else {
			c.report(job, events.TaskReport{Done: true, Proof: "1 table"})
		}
	case events.JobProbe:
		c.report(job, events.TaskReport{Address: t.Address})
		return taskstest.Running
	}
	return 0
}

// report has a task say how far it is.
func (c *cloud) report(job events.ArchivistJob, r events.TaskReport) {
	r.Version, r.Type, r.Job, r.Of, r.ID, r.Attempt = events.Version, events.TypeTaskReport, job.Job, job.Of, job.ID, job.Attempt
	switch job.Of {
	case events.OfRepair:
		c.w.send(c.w.repairs, r)
	case events.OfRestoration:
		c.w.send(c.w.restores, r)
	default:
		c.w.send(c.w.leavingSteps, r)
	}
}

// must is for what can't fail outside of any process.
func must[T any](w *world, given T, err error) T {
	if err != nil {
		w.found("the simulation is sound", "%v", err)
	}
	return given
}

// archive writes an archive of what the job's bucket and database hold now, in the form that it has. A key that another attempt has
// taken, of which the table that was put back knows nothing, is not written over.
func (c *cloud) archive(job events.ArchivistJob) (ref events.ArchiveRef, failure string) {
	ctx, w, store := context.Background(), c.w, c.store
	var zip, manifest bytes.Buffer
	writer, err := archive.NewWriter(&zip, &manifest, archive.Header{Tenant: job.TenantID, Bucket: job.Bucket, Made: w.now})
	must(w, 0, err)
	var holds archived
	page, err := store.Current(ctx, job.Bucket, "", pool.ObjectCursor{})
	must(w, page, err)
	for _, v := range page.Versions {
		content, _, err := store.ReadAll(ctx, v.Ref(job.Bucket), 1<<20)
		must(w, content, err)
		_, err = writer.Object(archive.Object{Key: v.Key, Version: v.Version, Size: v.Size, Modified: v.Modified}, bytes.NewReader(content))
		must(w, 0, err)
		holds.files = append(holds.files, v.Key)
	}
	totals, sum, err := writer.Finish()
	must(w, totals, err)
	must(w, 0, writer.Close(bytes.NewReader(manifest.Bytes())))
	if job.Database != nil {
		if s := c.databases.servers[job.Database.Host]; s != nil {
			for name, db := range s.databases {
				if pool.DatabaseName(name) == job.Database.Name {
					holds.rows = slices.Clone(db.rows)
				}
			}
		}
	}
	put := func(key string, content []byte) pool.StoredObject {
		stored, err := store.Put(ctx, pool.ObjectSpec{Bucket: job.Archive.Bucket, Key: key, KMSKey: archiveKey, ContentType: "application/octet-stream"}, content)
		if err != nil {
			failure = err.Error()
		}
		return stored
	}
	ref = *job.Archive
	ref.VersionID, ref.ManifestVersionID = put(ref.Key, zip.Bytes()).Version, put(ref.ManifestKey, manifest.Bytes()).Version
	whole := sha256.Sum256(zip.Bytes())
	ref.Bytes, ref.SHA256, ref.ManifestSHA256, ref.Entries = int64(zip.Len()), hex.EncodeToString(whole[:]), sum, totals.Objects
	if failure == "" {
		c.archived[pool.ObjectRef{Bucket: archives, Key: ref.Key, Version: ref.VersionID}] = holds
	}
	return ref, failure
}

// lookAround has a task end that looks into a share which is open to it, and to it alone.
func (c *cloud) lookAround(t taskstest.Task) {
	job := jobOf(t)
	if job.Job != events.JobProbe {
		return
	}
	for _, share := range c.gateways.Shares() {
		if "/"+share.Name != job.Share.Path {
			continue
		}
		if !slices.Equal(share.Clients, []string{t.Address + "/32"}) {
			if c.w.delays.IntN(6) == 0 { // who is not let in says again where it is
				c.report(job, events.TaskReport{Address: t.Address})
			}
			continue
		}
		c.report(job, events.TaskReport{Done: true, Proof: "its root is empty", Found: c.lies(share.Bucket)})
		c.cluster.End(t.ARN, 0)
	}
}

// lies lists what lies in a share whose bucket this is, by its ARN.
func (c *cloud) lies(bucket string) []string {
	page, err := c.store.Current(context.Background(), pool.BucketName(bucket), "", pool.ObjectCursor{})
	must(c.w, page, err)
	var found []string
	for _, v := range page.Versions {
		found = append(found, v.Key)
	}
	return found
}
