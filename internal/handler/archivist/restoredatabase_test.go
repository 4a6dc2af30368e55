package archivist

import (
	"errors"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func databaseJob(attempt int) events.ArchivistJob {
	return events.ArchivistJob{
		Version: "1", Type: events.TypeArchivistJob, Job: events.JobRestoreDatabase, Of: events.OfRestoration, ID: restoration, Attempt: attempt, TenantID: "acme",
		Database: &events.JobDatabase{
			Host: "db.internal", Port: 5432, Name: "d_abc", Username: pool.CopierName("abc"), Tenant: "t_abc", SecretARN: secretARN, Mark: databaseMark,
		},
		StandIn: &events.JobDatabase{
			Host: "host.internal", Port: 5432, Name: "d_new", Username: "t_new", Tenant: "t_new", SecretARN: fillerARN, Mark: databaseMark + "/stand-in-2",
		},
	}
}

// prepare makes the stand-in anew, as is done before each attempt.
func (w *world) prepare() { w.data.standIn = &pool.Catalog{Version: 150015, Collate: "C", Ctype: "C"} }

func TestADatabaseComesBackIntoItsStandIn(t *testing.T) {
	w := newWorld(t, nil)
	w.prepare()
	w.data.catalog.Sequences = []pool.SequenceAt{{Name: "app.numbers", Last: 7, Called: true}}
	report := w.do(databaseJob(1))
	if report.Proof != "2 tables with 13 rows, 1 sequences, 2 large objects" || len(report.Found) > 0 || report.Failure != "" || report.Entries != 2 || report.Bytes == 0 || report.Total != 8<<20 {
		t.Errorf("got %+v", report)
	}
	if differ := w.data.catalog.Differences(*w.data.standIn); len(differ) > 0 || len(w.data.standIn.Forced) != 1 {
		t.Errorf("the stand-in has %+v", w.data.standIn)
	}
	if text := w.log.String(); strings.Contains(text, "orders") || strings.Contains(text, filling) {
		t.Errorf("the log has the tenant's things: %s", text)
	}
}

func TestAStandInThatIsNotWhatItsDatabaseWasIsNoProof(t *testing.T) {
	for name, spoil := range map[string]func(*pool.Catalog){
		"a row too few":          func(c *pool.Catalog) { c.Tables[0].Rows-- },
		"no table":               func(c *pool.Catalog) { c.Tables = c.Tables[:1] },
		"a large object too few": func(c *pool.Catalog) { c.LargeObjects-- },
	} {
		w := newWorld(t, nil)
		w.prepare()
		w.data.spoils = spoil
		if report := w.do(databaseJob(1)); report.Proof != "" || len(report.Found) != 1 || report.Failure != "" {
			t.Errorf("%s: %+v", name, report)
		}
		if w.data.standIn.Forced != nil {
			t.Errorf("%s: it was taken for whole", name)
		}
	}
}

func TestWhatFailsIsNoProof(t *testing.T) {
	for name, change := range map[string]func(*world){
		"a dump that does not restore":   func(w *world) { w.data.lost = true },
		"a database that can't be read":  func(w *world) { w.data.fails = errors.New("57P01") },
		"a copier that is not let in":    func(w *world) { w.data.granted = false },
		"a secret of another host":       func(w *world) { w.data.host = "other.internal" },
		"a stand-in that is not empty":   func(w *world) { w.data.standIn.Tables = []pool.TableRows{{Name: "app.x"}} },
		"a stand-in with large objects":  func(w *world) { w.data.standIn.LargeObjects = 1 },
		"a stand-in with a routine only": func(w *world) { w.data.standIn.Routines = []string{"app.f()"} },
	} {
		w := newWorld(t, nil)
		w.prepare()
		change(w)
		if report := w.do(databaseJob(1)); report.Proof != "" || report.Failure == "" || strings.Contains(report.Failure, password) {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// An attempt that is killed is followed by another, before which the stand-in is made anew: without that, none is done.
func TestRestoringADatabaseKilledAtEveryCall(t *testing.T) {
	for _, anew := range []bool{true, false} {
		killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) bool {
			w := newWorld(t, life)
			w.prepare()
			attempt := 0
			check(t, life.Deliver(func() error {
				if attempt++; anew {
					w.prepare()
				}
				return w.Do(t.Context(), databaseJob(attempt))
			}))
			last := w.sent[len(w.sent)-1]
			whole := len(w.data.catalog.Differences(*w.data.standIn)) == 0 && len(w.data.standIn.Forced) == 1
			if last.Proof != "" && !whole {
				t.Errorf("proven, and is %+v", w.data.standIn)
			}
			return !anew || last.Proof != "" && whole
		})
	}
}
