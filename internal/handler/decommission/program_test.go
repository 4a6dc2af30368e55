package decommission

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"headroom/events"

	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/archive"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// program stands for the archivist: it reports what the job comes to, and ends. One that looks into a share waits until
// it is let in.
func (w *world) program(t taskstest.Task) int {
	w.programs++
	job := jobOf(t)
	if failing := w.failing[job.Job]; len(failing) > 0 {
		w.failing[job.Job] = failing[1:]
		w.report(job, failing[0])
		return 0
	}
	if dying := w.dying[job.Job]; len(dying) > 0 {
		w.dying[job.Job], w.silent = dying[1:], append(w.silent, t.ARN)
		return dying[0]
	}
	for _, r := range w.good(job) {
		r.Address = t.Address
		w.report(job, r)
	}
	if job.Job == events.JobProbe {
		w.probed = append(w.probed, strings.TrimPrefix(job.Share.Path, "/")+" "+t.Address)
		w.report(job, events.TaskReport{Address: t.Address})
		return taskstest.Running
	}
	return 0
}

func jobOf(t taskstest.Task) events.ArchivistJob {
	var job events.ArchivistJob
	_ = json.Unmarshal([]byte(t.Environment[ecs.JobVariable]), &job)
	return job
}

// report puts a report of a job into the handler's own queue.
func (w *world) report(job events.ArchivistJob, r events.TaskReport) {
	r.Version, r.Type, r.Job, r.Of, r.ID, r.Attempt, r.Correlated = events.Version, events.TypeTaskReport, job.Job, job.Of, job.ID, job.Attempt, job.Correlated
	w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(context.Background(), r, 0))
}

// good is what a task reports that finds all as it must be.
func (w *world) good(job events.ArchivistJob) []events.TaskReport {
	switch job.Job {
	case events.JobArchive:
		ref := w.archive(job)
		return []events.TaskReport{{Bytes: 5, Total: 10}, {Bytes: 10, Total: 10, Entries: ref.Entries, Done: true, Archive: &ref}}
	case events.JobVerify:
		return []events.TaskReport{{Done: true, Proof: "every entry was compared"}}
	}
	return nil
}

// archive writes an archive of what the job's bucket holds now, in the form that it has.
func (w *world) archive(job events.ArchivistJob) events.ArchiveRef {
	ctx := context.Background()
	var zip, manifest bytes.Buffer
	writer, err := archive.NewWriter(&zip, &manifest, archive.Header{Tenant: job.TenantID, Bucket: job.Bucket, Made: w.now})
	w.must(err)
	page, err := w.store().Current(ctx, job.Bucket, "", pool.ObjectCursor{})
	w.must(err)
	for _, v := range page.Versions {
		content, _, err := w.store().ReadAll(ctx, v.Ref(job.Bucket), 1<<20)
		w.must(err)
		_, err = writer.Object(archive.Object{Key: v.Key, Version: v.Version, Size: v.Size, Modified: v.Modified}, bytes.NewReader(content))
		w.must(err)
	}
	totals, sum, err := writer.Finish()
	w.must(err)
	w.must(writer.Close(bytes.NewReader(manifest.Bytes())))
	put := func(key string, content []byte) pool.StoredObject {
		stored, err := w.store().Put(ctx, pool.ObjectSpec{Bucket: job.Archive.Bucket, Key: key, KMSKey: archiveKey, ContentType: "application/octet-stream"}, content)
		w.must(err)
		return stored
	}
	ref := *job.Archive
	ref.VersionID, ref.ManifestVersionID = put(ref.Key, zip.Bytes()).Version, put(ref.ManifestKey, manifest.Bytes()).Version
	w.dumped[ref.Key] = w.rows(job.Database.Name)
	whole := sha256.Sum256(zip.Bytes())
	ref.Bytes, ref.SHA256, ref.ManifestSHA256, ref.Entries = int64(zip.Len()), hex.EncodeToString(whole[:]), sum, totals.Objects
	return ref
}

// seen lets new tasks show with time: they show late, and the fake counts looks. It reports whether any task runs.
func (w *world) seen() (running bool) {
	for _, t := range w.cluster.Live() {
		running = true
		_, _ = (outside{w, undisturbed}).runner().Describe(context.Background(), t.ARN)
	}
	return running
}

// lookAround has tasks end that look into a share which is open to them, and to them alone.
func (w *world) lookAround() {
	live := w.cluster.Live()
	if len(live) == 0 {
		return
	}
	groups := map[string]string{} // by gateway
	for _, id := range w.hosts {
		access := w.host(id).Access
		groups[access.Gateway] = access.SecurityGroup
	}
	for _, t := range live {
		if t.Status != "RUNNING" || slices.Contains(w.silent, t.ARN) {
			continue
		}
		job := jobOf(t)
		if job.Job != events.JobProbe {
			continue
		}
		for _, share := range w.gateways.Shares() {
			open := slices.Equal(share.Clients, []string{t.Address + "/32"}) && slices.Contains(w.groups.Rules(groups[share.Gateway]), rule(t.Address))
			if "/"+share.Name == job.Share.Path && !open && w.now.Second() < 5 { // who is not let in says again where it is
				w.report(job, events.TaskReport{Address: t.Address})
			}
			if "/"+share.Name == job.Share.Path && open {
				w.report(job, events.TaskReport{Done: true, Proof: "its root is empty", Found: w.lies(pool.BucketName(share.Bucket))})
				w.cluster.End(t.ARN, 0)
			}
		}
	}
}

// lies lists what lies in a share whose bucket this is.
func (w *world) lies(bucket string) []string {
	page, err := w.store().Current(context.Background(), bucket, "", pool.ObjectCursor{})
	w.must(err)
	var found []string
	for _, v := range page.Versions {
		found = append(found, v.Key)
	}
	return found
}

// run lets everything happen for a time: messages, events of ECS and of the gateway, and the pool check. Time goes faster
// while nothing happens.
func (w *world) run(d time.Duration, deliver func(events.Delivery) error) {
	w.t.Helper()
	end, busy := w.now.Add(d), w.now
	for !w.now.After(end) {
		for range 200 {
			if !w.deliverOne(w.requests, deliver, false) && !w.deliverOne(w.steps, deliver, true) && !w.deliverOne(w.signups, w.signUp, true) {
				break
			}
			busy = w.now
		}
		for _, body := range slices.Concat(w.cluster.Take(), w.gateways.Take()) {
			w.must((&queue.Sender{Client: w.steps, URL: "url"}).SendRaw(context.Background(), string(body), nil))
			busy = w.now
		}
		if w.seen() {
			busy = w.now
		}
		w.lookAround()
		w.retryOverdue()
		minute := w.now.Truncate(time.Minute)
		if w.signups != nil && w.checked != minute {
			w.checked = minute
			w.reconcile()
		}
		if w.now.Sub(busy) > 2*time.Minute {
			w.now = w.now.Add(25 * time.Second)
		}
		w.now = w.now.Add(5 * time.Second)
	}
}

func (w *world) deliverOne(q *queuetest.Queue, deliver func(events.Delivery) error, own bool) bool {
	if q == nil {
		return false
	}
	d, ok := q.Receive(visibility)
	if !ok {
		return false
	}
	if !own {
		d.Queue = "decommission"
	}
	err := deliver(d)
	if err == nil {
		q.Delete(d.ID)
	} else if w.complain && !errors.Is(err, pool.ErrHeld) && !errors.Is(err, errUndoing) { // these come again
		w.t.Fatal(d.Body, err)
	}
	return true
}

// retryOverdue has steps tried again whose deadline is over, as the pool check does.
func (w *world) retryOverdue() {
	ctx := context.Background()
	send := func(of, id string, p pool.Progress) {
		if p.Step != "" && p.Step != pool.StepReport {
			w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(ctx, events.NewStep(of, id, string(p.Step), p.Count+1), 0))
		}
	}
	departures, err := w.ledger.OverdueDepartures(ctx, w.now, 10)
	w.must(err)
	for _, id := range departures {
		_, d, err := ledger.UpdateDeparture(ctx, w.ledger, id, func(d pool.Departure) (pool.Departure, error) {
			after, changed := pool.OverdueDeparture(d, w.now)
			if !changed {
				return d, ledger.ErrUnchanged
			}
			w.overdue += after.Tries - d.Tries
			return after, nil
		})
		w.must(err)
		if d.Step == pool.StepReport {
			w.must(w.told(func() error { _, err := w.ledger.SaveDeparture(ctx, d, reportedDeparture(d)); return err }))
		}
		send(events.OfDeparture, string(id), d.Progress)
	}
	clearances, err := w.ledger.OverdueClearances(ctx, w.now, 10)
	w.must(err)
	for _, id := range clearances {
		_, c, err := ledger.UpdateClearance(ctx, w.ledger, id, func(c pool.Clearance) (pool.Clearance, error) {
			after, changed := pool.OverdueClearance(c, w.now)
			if !changed {
				return c, ledger.ErrUnchanged
			}
			w.overdue += after.Tries - c.Tries
			return after, nil
		})
		w.must(err)
		if c.Step == pool.StepReport {
			reported := c.Clone()
			reported.Progress = c.Reported()
			w.must(w.told(func() error { _, err := w.ledger.SaveClearance(ctx, c, reported); return err }))
		}
		send(events.OfClearance, string(id), c.Progress)
	}
}

// told has people told of what was given up, as the pool check does.
func (w *world) told(save func() error) error {
	w.stuck++
	return save()
}

func reportedDeparture(d pool.Departure) pool.Departure {
	d = d.Clone()
	d.Progress = d.Reported()
	return d
}

// once delivers a message to a handler.
func (w *world) once(d events.Delivery) error {
	return w.handler(w.call).Message(events.WithCorrelation(context.Background(), d.Correlation()), d)
}

// residue lists where the tenant's name, address, content or password still is, outside archive, secrets apart.
func (w *world) residue() []string {
	var found []string
	for _, share := range w.gateways.Shares() {
		for key, value := range share.Tags {
			if strings.Contains(value, "acme") {
				found = append(found, "tag "+key+" of share "+share.Name)
			}
		}
		if slices.Contains(share.Clients, "10.0.0.1/32") {
			found = append(found, "client list of share "+share.Name)
		}
	}
	for _, group := range []string{"sg-1", "sg-2"} {
		if slices.Contains(w.groups.Rules(group), rule("10.0.0.1")) {
			found = append(found, "rule of group "+group)
		}
	}
	for i := range 2 {
		page, err := w.store().Versions(context.Background(), w.bucket(i+1), "", pool.ObjectCursor{})
		w.must(err)
		for _, v := range page.Versions {
			if strings.Contains(v.Key, "acme") {
				found = append(found, "object "+v.Key)
			}
		}
	}
	for _, report := range w.reported() {
		if strings.HasPrefix(report, "object ") {
			found = append(found, "report's "+report)
		}
	}
	for _, s := range w.servers {
		for name, d := range s.databases {
			if slices.Contains(d.rows, "rows of acme") || d.copier != "" {
				found = append(found, "database "+name)
			}
		}
	}
	for name := range w.secrets.Secrets() {
		if strings.Contains(name, "acme") {
			found = append(found, "secret "+name)
		}
	}
	return found
}

// rule is the rule that lets an address in, as the fake words it.
func rule(address string) string { return "tcp 2049-2049 " + address + "/32" }

// fails has the next task of a job report something else than it would.
func (w *world) fails(job string, r events.TaskReport) {
	w.failing[job] = append(w.failing[job], r)
}

// dies has the next task of a job end with an exit code, or run on, and report nothing.
func (w *world) dies(job string, code int) { w.dying[job] = append(w.dying[job], code) }

// until lets everything happen until acme's departure has come so far.
func (w *world) until(far func(pool.Departure) bool) {
	w.t.Helper()
	for range 10_000 {
		w.run(0, w.once)
		if d, err := w.ledger.Departure(context.Background(), "acme.markacme"); err == nil && far(d) {
			return
		}
	}
	w.t.Fatal("it does not come so far")
}

// residual reports whether any residue is of a sort.
func (w *world) residual(sort string) bool {
	for _, s := range w.servers {
		for _, d := range s.databases {
			if d.copier != "" && sort == "copier" {
				return true
			}
		}
	}
	for name := range w.secrets.Secrets() {
		if strings.Contains(name, "/"+sort+"/") {
			return true
		}
	}
	return false
}

// visible are the messages of the handler's own queue, as they would be delivered.
func (w *world) visible() (all []events.Delivery) {
	for _, m := range w.steps.Messages() {
		all = append(all, queuetest.Delivery(m))
	}
	return all
}
