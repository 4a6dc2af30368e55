package archivist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/pool"
)

// replace stores another zip or manifest in the archive's place, and has the job name that, with what it is.
func (w *world) replace(key string, content []byte) (version, sum string) {
	w.t.Helper()
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: aws.String(store), Key: &key, Body: bytes.NewReader(content)})
	check(w.t, err)
	digest := sha256.Sum256(content)
	return aws.ToString(out.VersionId), hex.EncodeToString(digest[:])
}

// delete hides an object of the share, or destroys a version of the archive.
func (w *world) delete(bucket, key, version string) {
	w.t.Helper()
	in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	_, err := w.s3.DeleteObject(w.t.Context(), in)
	check(w.t, err)
}

// What is not as it must be is found: nothing is scrubbed then.
func TestWhatIsRefusedBeforeTheScrub(t *testing.T) {
	flip := func(at float64) func(*world, *events.ArchivistJob) {
		return func(w *world, j *events.ArchivistJob) {
			w.s3.Corrupt(store, j.Archive.Key, j.Archive.VersionID, int(at*float64(j.Archive.Bytes-1)))
		}
	}
	// manifest changes the manifest that lies beside the zip; the job names the changed one.
	manifest := func(old, with string) func(*world, *events.ArchivistJob) {
		return func(w *world, j *events.ArchivistJob) {
			content := w.read(j.Archive.ManifestKey, j.Archive.ManifestVersionID)
			changed := bytes.Replace(content, []byte(old), []byte(with), 1)
			if bytes.Equal(content, changed) {
				w.t.Fatalf("the manifest has no %s", old)
			}
			j.Archive.ManifestVersionID, j.Archive.ManifestSHA256 = w.replace(j.Archive.ManifestKey, changed)
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(*world, *events.ArchivistJob)
		found string
	}{
		{"the first byte flipped", flip(0), "damaged"},
		{"a byte flipped in the dump", flip(0.1), "no good"},
		{"a byte flipped in the middle", flip(0.5), "damaged"},
		{"a byte flipped in the directory", flip(0.9), "damaged"},
		{"the last byte flipped", flip(1), "damaged"},
		{"a byte of the manifest flipped", func(w *world, j *events.ArchivistJob) {
			w.s3.Corrupt(store, j.Archive.ManifestKey, j.Archive.ManifestVersionID, 300)
		}, "damaged"},
		{"a zip that is cut", func(w *world, j *events.ArchivistJob) {
			raw := w.read(j.Archive.Key, j.Archive.VersionID)
			j.Archive.VersionID, j.Archive.SHA256 = w.replace(j.Archive.Key, raw[:len(raw)-30])
			j.Archive.Bytes -= 30
		}, "the zip ends in it"},
		{"a zip that is shorter than was written", func(w *world, j *events.ArchivistJob) {
			raw := w.read(j.Archive.Key, j.Archive.VersionID)
			j.Archive.VersionID, _ = w.replace(j.Archive.Key, raw[:len(raw)-30])
		}, "bytes were written"},
		{"something behind the zip", func(w *world, j *events.ArchivistJob) {
			raw := append(w.read(j.Archive.Key, j.Archive.VersionID), 0)
			j.Archive.VersionID, j.Archive.SHA256 = w.replace(j.Archive.Key, raw)
			j.Archive.Bytes++
		}, "something comes behind it"},
		{"another zip than was written", func(_ *world, j *events.ArchivistJob) { j.Archive.SHA256 = strings.Repeat("0", 64) }, "was written with"},
		{"a zip that is gone", func(w *world, j *events.ArchivistJob) { w.delete(store, j.Archive.Key, j.Archive.VersionID) }, "not there any more"},
		{"a manifest that is gone", func(w *world, j *events.ArchivistJob) {
			w.delete(store, j.Archive.ManifestKey, j.Archive.ManifestVersionID)
		}, "not there any more"},
		{"a manifest with another version", manifest(`"version":"`, `"version":"0`), "damaged"},
		{"a manifest with fewer rows", manifest(`"rows":10`, `"rows":11`), "damaged"},
		{"a manifest of another tenant", manifest(`"tenant":"acme"`, `"tenant":"bcme"`), "damaged"},
		{"another manifest than was written", func(_ *world, j *events.ArchivistJob) { j.Archive.ManifestSHA256 = strings.Repeat("0", 64) }, "was written with"},
		{"an entry too few", func(_ *world, j *events.ArchivistJob) { j.Archive.Entries++ }, "entries"},

		{"an object added", func(w *world, _ *events.ArchivistJob) { w.put("b.txt", "new") }, `object "b.txt" is in the bucket, and not in the archive`},
		{"an object added at the end", func(w *world, _ *events.ArchivistJob) { w.put("zzz", "new") }, `object "zzz" is in the bucket, and not in the archive`},
		{"an object added at the beginning", func(w *world, _ *events.ArchivistJob) { w.put("0", "new") }, `object "0" is in the bucket, and not in the archive`},
		{"an object overwritten", func(w *world, _ *events.ArchivistJob) { w.put("folder/x", "y") }, `object "folder/x" is version`},
		{"an object overwritten with the same", func(w *world, _ *events.ArchivistJob) { w.put("folder/x", "x") }, `object "folder/x" is version`},
		{"an object deleted", func(w *world, _ *events.ArchivistJob) { w.delete(share, "empty", "") }, `object "empty" is in the archive, and not in the bucket`},
		{"an object that came back", func(w *world, _ *events.ArchivistJob) { w.put("gone", "gone") }, `object "gone" is in the bucket`},

		{"another generation of the share", func(_ *world, j *events.ArchivistJob) { j.Mark = "share-standard-1/x7c2m9q4ab/4/2" }, "share's mark"},
		{"another generation of the database", func(_ *world, j *events.ArchivistJob) { j.Database.Mark = "db-standard-1/p4n8v1k6sd/11/4" }, "database's mark"},
		{"another life of the tenant", func(w *world, j *events.ArchivistJob) {
			j.ID = "acme.otherlife"
			for key, to := range map[*string]*string{&j.Archive.Key: &j.Archive.VersionID, &j.Archive.ManifestKey: &j.Archive.ManifestVersionID} {
				content := w.read(*key, *to)
				*key = strings.Replace(*key, departure, j.ID, 1)
				*to, _ = w.replace(*key, content)
			}
		}, "the mark is"},
		{"another attempt", func(w *world, j *events.ArchivistJob) {
			for key, to := range map[*string]*string{&j.Archive.Key: &j.Archive.VersionID, &j.Archive.ManifestKey: &j.Archive.ManifestVersionID} {
				content := w.read(*key, *to)
				*key = strings.Replace(*key, "/1/", "/7/", 1)
				*to, _ = w.replace(*key, content)
			}
		}, "attempt"},

		{"a row added", func(w *world, _ *events.ArchivistJob) { w.data.catalog.Tables[0].Rows++ }, "rows"},
		{"a table added", func(w *world, _ *events.ArchivistJob) {
			w.data.catalog.Tables = append(w.data.catalog.Tables, pool.TableRows{Name: "app.new"})
		}, "table app.new"},
		{"a table dropped", func(w *world, _ *events.ArchivistJob) { w.data.catalog.Tables = w.data.catalog.Tables[:1] }, `we""ird; na.me`},
		{"row security forced since", func(w *world, _ *events.ArchivistJob) { w.data.catalog.Forced = nil }, "forced"},
		{"a large object dropped", func(w *world, _ *events.ArchivistJob) { w.data.catalog.LargeObjects-- }, "large objects"},
		{"another server", func(w *world, _ *events.ArchivistJob) { w.data.catalog.Version++ }, "15.15"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.fill()
			verify := w.archived()
			test.spoil(w, &verify)
			got := w.do(verify)
			if !strings.Contains(strings.Join(got.Found, "\n"), test.found) || got.Proof != "" || got.Failure != "" || got.Archive != nil {
				t.Errorf("found %q, proof %q, failure %q; want %q found", got.Found, got.Proof, got.Failure, test.found)
			}
		})
	}
}

func TestADumpThatDoesNotRestore(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	w.data.lost = true // its bytes are as they were written
	got := w.do(w.archived())
	if !strings.Contains(strings.Join(got.Found, "\n"), pool.ErrBadDump.Error()) || got.Proof != "" {
		t.Errorf("got %+v", got)
	}
}

// What could not be verified is no finding: another try may find it good.
func TestAnArchiveThatCanNotBeReadIsNotTakenForBad(t *testing.T) {
	away := errors.New("S3 is away")
	for _, operation := range []string{"HeadObject", "GetObject", "ListObjectVersions"} {
		w := newWorld(t, nil)
		w.fill()
		verify := w.archived()
		w.s3.Fault = func(o string) (bool, error) {
			if o == operation {
				return false, away
			}
			return false, nil
		}
		if got := w.do(verify); !strings.Contains(got.Failure, away.Error()) || len(got.Found) > 0 || got.Proof != "" {
			t.Errorf("%s: %+v", operation, got)
		}
	}
	w := newWorld(t, nil)
	verify := w.archived()
	w.data.fails = errors.New("the server is away")
	if got := w.do(verify); !strings.Contains(got.Failure, "the server is away") || len(got.Found) > 0 {
		t.Errorf("got %+v", got)
	}
}

func TestManyFindingsAreNamedInPart(t *testing.T) {
	w := newWorld(t, nil)
	verify := w.archived()
	for i := range 100 {
		w.put(fmt.Sprint(i)+strings.Repeat("ü", 400), "")
	}
	got := w.do(verify)
	if len(got.Found) != foundMost+1 || got.Found[foundMost] != fmt.Sprintf("and %d more", 100-foundMost) {
		t.Errorf("got %d: %s", len(got.Found), got.Found[len(got.Found)-1])
	}
	for _, found := range got.Found {
		if len(found) > failureMost {
			t.Errorf("%d bytes of one", len(found))
		}
	}
}

// TestTheProberDoesNothingElse has nothing to archive with, and is asked to.
func TestTheProberDoesNothingElse(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	prober, err := NewProber(Prober{Shares: w.shares, Reports: w, Address: address, Log: w.Log, Now: w.Now, Sleep: w.Sleep, Start: w.Start})
	check(t, err)
	w.Archivist = prober
	if got := w.do(job(events.JobArchive, 1)); !strings.Contains(got.Failure, "is not the prober's") || got.Archive != nil {
		t.Errorf("it archives: %+v", got)
	}
	probe := events.ArchivistJob{
		Version: "1", Type: events.TypeArchivistJob, Job: events.JobProbe, Of: events.OfRepair, ID: "share-standard-1.3", Attempt: 1,
		Share: &events.JobShare{Host: "gateway.internal", Path: "/def"},
	}
	body, err := json.Marshal(probe)
	check(t, err)
	if _, err := ReadJob(string(body)); err != nil {
		t.Error(err)
	}
	if got := w.do(probe); got.Proof == "" || got.Of != events.OfRepair || got.ID != probe.ID {
		t.Errorf("it came to %+v", got)
	}
	if _, err := NewProber(Prober{Shares: w.shares}); err == nil {
		t.Error("half a prober is taken for one")
	}
}

// A prober has its address before the share is open to it.
func TestProbe(t *testing.T) {
	probe := events.ArchivistJob{
		Version: "1", Type: events.TypeArchivistJob, Job: events.JobProbe, Of: events.OfClearance, ID: departure + "/share", Attempt: 1, TenantID: "acme",
		Share: &events.JobShare{Host: "gateway.internal", Path: "/def"},
	}
	w := newWorld(t, nil)
	w.shares.shut = 20
	if got := w.do(probe); got.Proof == "" || len(got.Found) > 0 || w.sent[0].Address != address || w.sent[0].Done || len(w.sent) < 5 {
		t.Errorf("an empty one: %+v", w.sent)
	}
	w = newWorld(t, nil)
	w.shares.names = []string{"notes.txt"}
	if got := w.do(probe); len(got.Found) != 1 || !strings.Contains(got.Found[0], "notes.txt") || got.Proof != "" {
		t.Errorf("one that is not: %+v", got)
	}
	w = newWorld(t, nil)
	w.shares.shut = 1 << 20
	if got := w.do(probe); !strings.Contains(got.Failure, "status 13") || w.now.Sub(noon) > probeFor+2*probeEvery {
		t.Errorf("one that stays shut: %+v after %v", got, w.now.Sub(noon))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, w.Do(ctx, probe))
	if last := w.sent[len(w.sent)-1]; !strings.Contains(last.Failure, "stopped") {
		t.Errorf("stopped: %+v", last)
	}
}

func TestJobsThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*events.ArchivistJob){
		"another version":                func(j *events.ArchivistJob) { j.Version = "2" },
		"another type":                   func(j *events.ArchivistJob) { j.Type = "TaskReport" },
		"an unknown job":                 func(j *events.ArchivistJob) { j.Job = "delete" },
		"no attempt":                     func(j *events.ArchivistJob) { j.Attempt = 0 },
		"another tenant's departure":     func(j *events.ArchivistJob) { j.TenantID = "other" },
		"a clearance's":                  func(j *events.ArchivistJob) { j.Of = events.OfClearance },
		"no mark of the departure":       func(j *events.ArchivistJob) { j.ID = "acme" },
		"no mark of the share":           func(j *events.ArchivistJob) { j.Mark = "" },
		"no mark of the database":        func(j *events.ArchivistJob) { j.Database.Mark = "" },
		"no source":                      func(j *events.ArchivistJob) { j.Bucket, j.Database = "", nil },
		"master's login":                 func(j *events.ArchivistJob) { j.Database.Username = "headroom" },
		"the tenant's login":             func(j *events.ArchivistJob) { j.Database.Username = "t_abc" },
		"another slot's role":            func(j *events.ArchivistJob) { j.Database.Tenant = "t_abd" },
		"no archive":                     func(j *events.ArchivistJob) { j.Archive = nil },
		"the share's bucket for archive": func(j *events.ArchivistJob) { j.Archive.Bucket = share },
		"another attempt's key":          func(j *events.ArchivistJob) { j.Archive.Key = departure + "/2/archive.zip" },
		"another departure's key":        func(j *events.ArchivistJob) { j.Archive.Key = "other.k3v9x2m7qa/1/archive.zip" },
		"a key that is no attempt's":     func(j *events.ArchivistJob) { j.Archive.Key = departure + "/01/archive.zip" },
		"another manifest's key":         func(j *events.ArchivistJob) { j.Archive.ManifestKey = departure + "/2/manifest.jsonl" },
		"one key for both":               func(j *events.ArchivistJob) { j.Archive.ManifestKey = j.Archive.Key },
		"nothing to verify":              func(j *events.ArchivistJob) { j.Job = events.JobVerify },
		"a repair that archives":         func(j *events.ArchivistJob) { j.Of = events.OfRepair },
		"a tenant's that is of none":     func(j *events.ArchivistJob) { j.TenantID = "" },
		"nothing to probe":               func(j *events.ArchivistJob) { j.Job = events.JobProbe },
	} {
		j := job(events.JobArchive, 1)
		if why := refused(j); why != "" {
			t.Fatalf("a good one: %s", why)
		}
		change(&j)
		if refused(j) == "" {
			t.Errorf("%s: taken", name)
		}
	}
	for _, text := range []string{"", "null", "[]", `{"version":1}`} {
		if _, err := ReadJob(text); !errors.Is(err, ErrJob) {
			t.Errorf("%s: %v", text, err)
		}
	}
	sample, err := events.Sample("ArchivistJob")
	check(t, err)
	if _, err := ReadJob(string(sample)); err != nil {
		t.Errorf("the contract's sample: %v", err)
	}
}

func TestNamesAreTakenApart(t *testing.T) {
	for qualified, want := range map[string][2]string{
		"app.orders": {"app", "orders"}, `app."we""ird; na.me"`: {"app", `we"ird; na.me`}, `"a.b"."c.d"`: {"a.b", "c.d"}, "plain": {"", "plain"},
		`"""".""""`: {`"`, `"`},
	} {
		if schema, name := split(qualified); schema != want[0] || name != want[1] {
			t.Errorf("%s: %q, %q", qualified, schema, name)
		}
	}
}

func TestConfigMustBeComplete(t *testing.T) {
	w := newWorld(t, nil)
	whole := w.Config
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	whole.Address = ""
	if _, err := New(whole); err == nil {
		t.Error("built without an address")
	}
}

var _ io.Reader = reading{}
