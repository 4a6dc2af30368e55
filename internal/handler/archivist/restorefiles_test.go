package archivist

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

const folder = "restored-20261126T120000Z/"

func filesJob(attempt int) events.ArchivistJob {
	return events.ArchivistJob{
		Version: "1", Type: events.TypeArchivistJob, Job: events.JobRestoreFiles, Of: events.OfRestoration, ID: restoration, Attempt: attempt, TenantID: "acme",
		Bucket: share, Mark: shareMark, At: events.Time{Time: noon}, Folder: folder,
	}
}

// past fills a share that was one thing at noon and is another an hour later.
func (w *world) past() {
	w.t.Helper()
	w.now = noon.Add(-time.Hour)
	w.fill()
	fault := w.s3.Fault
	w.s3.Fault = nil
	defer func() { w.s3.Fault = fault }()
	w.now = noon.Add(-time.Minute) // in another second than it was written in
	_, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(share), Key: aws.String("gone")})
	check(w.t, err)
	w.now = noon.Add(time.Hour)
	w.put("a.txt", "later")
	w.put("new", "later")
	w.put("gone", "back")
	_, err = w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(share), Key: aws.String("folder/x")})
	check(w.t, err)
}

// thenHeld is what fill leaves.
var thenHeld = map[string]string{
	"a.txt": strings.Repeat("content ", 100), "empty": "", "folder/": "", "folder/x": "x", "Zoë": "é", "link": "../../etc/passwd",
}

// holds is what a bucket's keys are now, each with its owner's note, and how many versions there are of all.
func (w *world) holds() (now map[string]string, versions int) {
	w.t.Helper()
	fault := w.s3.Fault
	w.s3.Fault = nil
	defer func() { w.s3.Fault = fault }()
	now = map[string]string{}
	page, err := w.bucket.Versions(context.Background(), share, "", pool.ObjectCursor{})
	check(w.t, err)
	for _, v := range page.Versions {
		if v.Marker || !v.Latest {
			continue
		}
		content, stored, err := w.bucket.ReadAll(context.Background(), v.Ref(share), 1<<20)
		check(w.t, err)
		if stored.Metadata["file-owner"] != "1000" {
			w.t.Errorf("%s has the metadata %v", v.Key, stored.Metadata)
		}
		now[v.Key] = string(content)
	}
	return now, len(page.Versions)
}

// back is what is in the folder, by the keys that it had.
func back(now map[string]string) map[string]string {
	there := map[string]string{}
	for key, content := range now {
		if rest, ok := strings.CutPrefix(key, folder); ok {
			there[rest] = content
		}
	}
	return there
}

func TestFilesComeBackBesideThePresentOnes(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	before, _ := w.holds()
	report := w.do(filesJob(1))
	if report.Proof == "" || len(report.Found) > 0 || report.Failure != "" || report.Entries != files || report.Bytes != 819 ||
		!strings.Contains(report.Proof, "6 files (819 bytes)") || strings.Contains(report.Proof, "left out") {
		t.Errorf("got %+v", report)
	}
	now, versions := w.holds()
	if got := back(now); !maps.Equal(got, thenHeld) {
		t.Errorf("back are %v", got)
	}
	for key, content := range before {
		if now[key] != content {
			t.Errorf("%s was %q and is %q", key, content, now[key])
		}
	}
	// Once more is the same, and copies nothing, nor what came back.
	again := w.do(filesJob(2))
	if _, now := w.holds(); now != versions || again.Proof != report.Proof || again.Entries != report.Entries || again.Bytes != report.Bytes {
		t.Errorf("again: %d versions instead of %d, %+v", now, versions, again)
	}
	if text := w.log.String(); strings.Contains(text, "a.txt") {
		t.Errorf("the log has the tenant's things: %s", text)
	}
}

func TestFilesOfATimeWithoutAnyAreNone(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	job := filesJob(1)
	job.At = events.Time{Time: noon.Add(-2 * time.Hour)}
	if report := w.do(job); report.Entries != 0 || !strings.Contains(report.Proof, "0 files") {
		t.Errorf("got %+v", report)
	}
}

// Many files are listed in pages, and copied many at once.
func TestManyFilesComeBack(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 1700 {
		key := fmt.Sprintf("file %05d", i)
		w.put(key, "then "+key)
	}
	w.now = noon.Add(time.Hour)
	for i := range 1200 {
		w.put(fmt.Sprintf("file %05d", i), "now")
	}
	w.s3.Page = 700
	if report := w.do(filesJob(1)); report.Entries != 1700 || report.Proof == "" || len(report.Found) > 0 {
		t.Errorf("got %+v", report)
	}
	w.s3.Page = 0
	for _, i := range []int{0, 699, 1199, 1699} {
		key := fmt.Sprintf("file %05d", i)
		content, _, err := w.bucket.ReadAll(t.Context(), pool.ObjectRef{Bucket: share, Key: folder + key}, 1<<20)
		if err != nil || string(content) != "then "+key {
			t.Errorf("%s is %q, %v", key, content, err)
		}
	}
}

func TestWhatCantBeUnderTheFolderIsLeftOutAndSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	w.now = noon
	w.put(strings.Repeat("k", 1000), "long")
	report := w.do(filesJob(1))
	if report.Entries != files || !strings.Contains(report.Proof, "1 are left out") || !strings.Contains(report.Proof, "kkk") {
		t.Errorf("got %+v", report)
	}
}

func TestWhatTheTenantHasInTheFolderIsItsOwn(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	w.put(folder+"a.txt", "mine")
	w.put(folder+"other", "mine")
	report := w.do(filesJob(1))
	if report.Proof != "" || len(report.Found) == 0 || !strings.Contains(report.Found[0], "a.txt") {
		t.Errorf("got %+v", report)
	}
	if now, _ := w.holds(); now[folder+"a.txt"] != "mine" || now[folder+"other"] != "mine" {
		t.Errorf("the folder has %v", back(now))
	}
}

// losing is S3, where somebody deletes a copy once all are made.
type losing struct {
	objects
	w *world
}

func (l losing) Copies(ctx context.Context, bucket string, copies []pool.ObjectCopy) error {
	err := l.objects.Copies(ctx, bucket, copies)
	_, deleted := l.w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String(folder + "folder/x")})
	check(l.w.t, deleted)
	return err
}

func TestACopyThatIsNotThereInTheEndIsNoProof(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	w.Objects = losing{w.Objects, w}
	report := w.do(filesJob(1))
	if report.Proof != "" || len(report.Found) != 1 || !strings.Contains(report.Found[0], `"folder/x"`) {
		t.Errorf("got %+v", report)
	}
}

// An upload of an earlier attempt is ended; those of a gateway are not.
func TestUploadsThatWereLeftAreEnded(t *testing.T) {
	w := newWorld(t, nil)
	w.past()
	for _, key := range []string{folder + "large", "large"} {
		_, err := w.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(share), Key: &key})
		check(t, err)
	}
	w.do(filesJob(2))
	page, err := w.bucket.Uploads(t.Context(), share, "", pool.UploadCursor{})
	check(t, err)
	if len(page.Uploads) != 1 || page.Uploads[0].Key != "large" {
		t.Errorf("open are %+v", page.Uploads)
	}
}

func TestRestoringFilesKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) map[string]string {
		w := newWorld(t, life)
		w.past()
		attempt := 0
		check(t, life.Deliver(func() error {
			attempt++
			return w.Do(t.Context(), filesJob(attempt))
		}))
		last := w.sent[len(w.sent)-1]
		now, _ := w.holds()
		now["proof"] = last.Proof
		return now
	})
}

func TestRestoreJobsThatAreNoGood(t *testing.T) {
	for name, change := range map[string]func(*events.ArchivistJob){
		"of a departure":            func(j *events.ArchivistJob) { j.Of = events.OfDeparture },
		"of another tenant":         func(j *events.ArchivistJob) { j.TenantID = "other" },
		"without a number":          func(j *events.ArchivistJob) { j.ID = "acme.restore-" },
		"no attempt":                func(j *events.ArchivistJob) { j.Attempt = 0 },
		"no bucket":                 func(j *events.ArchivistJob) { j.Bucket = "" },
		"no mark":                   func(j *events.ArchivistJob) { j.Mark = "" },
		"no time":                   func(j *events.ArchivistJob) { j.At = events.Time{} },
		"into the present files":    func(j *events.ArchivistJob) { j.Folder = "" },
		"into a folder of no time":  func(j *events.ArchivistJob) { j.Folder = "restored/" },
		"into a folder of a folder": func(j *events.ArchivistJob) { j.Folder += "x/" },
		"into what is no folder":    func(j *events.ArchivistJob) { j.Folder += "x" },
		"with an archive":           func(j *events.ArchivistJob) { j.Archive = &events.ArchiveRef{Bucket: store} },
		"with a database":           func(j *events.ArchivistJob) { j.Database = databaseJob(1).Database },
		"with a stand-in":           func(j *events.ArchivistJob) { j.StandIn = databaseJob(1).StandIn },
	} {
		job := filesJob(1)
		change(&job)
		if refused(job) == "" {
			t.Errorf("%s: taken", name)
		}
	}
	if why := refused(filesJob(1)); why != "" {
		t.Errorf("a good one: %s", why)
	}
	for name, change := range map[string]func(*events.ArchivistJob){
		"with a bucket":        func(j *events.ArchivistJob) { j.Bucket = share },
		"with a folder":        func(j *events.ArchivistJob) { j.Folder = folder },
		"no database":          func(j *events.ArchivistJob) { j.Database = nil },
		"no stand-in":          func(j *events.ArchivistJob) { j.StandIn = nil },
		"by the tenant's role": func(j *events.ArchivistJob) { j.Database.Username = j.Database.Tenant },
		"into itself":          func(j *events.ArchivistJob) { j.StandIn.Host = j.Database.Host },
		"into the same slot": func(j *events.ArchivistJob) {
			j.StandIn.Name, j.StandIn.Username, j.StandIn.Tenant = "d_abc", "t_abc", "t_abc"
		},
		"of the same mark":          func(j *events.ArchivistJob) { j.StandIn.Mark = j.Database.Mark },
		"by the same secret":        func(j *events.ArchivistJob) { j.StandIn.SecretARN = j.Database.SecretARN },
		"by another's role":         func(j *events.ArchivistJob) { j.StandIn.Username = "t_other" },
		"by a copier":               func(j *events.ArchivistJob) { j.StandIn.Username, j.StandIn.Tenant = "c_new", "c_new" },
		"into a database of nobody": func(j *events.ArchivistJob) { j.StandIn.Name = "postgres" },
		"into an unmarked one":      func(j *events.ArchivistJob) { j.StandIn.Mark = "" },
	} {
		job := databaseJob(1)
		change(&job)
		if refused(job) == "" {
			t.Errorf("%s: taken", name)
		}
	}
	if why := refused(databaseJob(1)); why != "" {
		t.Errorf("a good one: %s", why)
	}
}
