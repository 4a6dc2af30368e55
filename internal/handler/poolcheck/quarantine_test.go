package poolcheck

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

const stuckID pool.HostID = "share-standard-1"

// stuck returns a world with a host that the next check gives up.
func stuck(t *testing.T) *world {
	w := making(t, pool.StepActivate, 0)
	w.change(stuckID, func(h pool.Host) pool.Host {
		h.Tries = pool.MaxTries
		return h
	})
	w.late(stuckID)
	return w
}

// told is how often it was said that a host is quarantined: as an event, and as a notification.
func (w *world) told() [2]int { return [2]int{len(w.bus.Of("HostQuarantined")), len(w.topic.Notes())} }

func TestAQuarantineIsSaidOnceItIsRecorded(t *testing.T) {
	w := stuck(t)
	w.must(w.checkBy(func(operation string, do func() error) error {
		if h := w.host(stuckID); (operation == "Publish" || operation == "Notify") && h.State != pool.HostQuarantined {
			t.Errorf("%s while the host is %s", operation, h.State)
		}
		return do()
	}))
	if w.told() != [2]int{1, 1} {
		t.Errorf("told %v times", w.told())
	}
	for _, part := range []string{"tried 6 times", "building: CloudFormation accepted the stack"} {
		if note := w.topic.Notes()[0].Message; !strings.Contains(note, part) {
			t.Errorf("%q is not in\n%s", part, note)
		}
	}
}

func TestAHostThatMovesOnWhileItIsGivenUpIsNotQuarantined(t *testing.T) {
	w, moved := stuck(t), false
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "SaveHost" && !moved {
			moved = true
			w.change(stuckID, func(h pool.Host) pool.Host { return pool.Begin(h, pool.StepStabilize, w.now) })
		}
		return do()
	}))
	if h := w.host(stuckID); !moved || h.Step != pool.StepStabilize || w.told() != [2]int{} {
		t.Errorf("host %+v, told %v times", h, w.told())
	}
}

func TestOfHostsThatAreGivenUpAtOnceEachIsToldOfOnce(t *testing.T) {
	w := stuck(t)
	second := w.order(shares).ID
	w.change(second, func(h pool.Host) pool.Host {
		h = pool.Begin(h, pool.StepCache, w.now)
		h.Tries, h.Due = pool.MaxTries, w.now
		return h
	})
	saves := 0
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "SaveHost" {
			if saves++; saves == 1 {
				return pool.ErrConflict // both count a failure of the pool
			}
		}
		return do()
	}))
	w.must(w.check())
	if a, b := w.host(stuckID), w.host(second); a.State != pool.HostQuarantined || b.State != pool.HostQuarantined || w.told() != [2]int{2, 2} {
		t.Errorf("%s and %s, told %v times", a.State, b.State, w.told())
	}
	if r := w.pool(shares); r.Failures != 2 || r.Counters.Quarantined != 2 {
		t.Errorf("pool: %+v", r)
	}
}

func TestAQuarantineThatCannotBeAnnouncedYetIsAnnouncedLater(t *testing.T) {
	for _, operation := range []string{"Publish", "Notify"} {
		t.Run(operation, func(t *testing.T) {
			w := stuck(t)
			w.fail[operation] = errNotNow
			if err := w.check(); !errors.Is(err, errNotNow) {
				t.Errorf("got %v, want the failure to be told", err)
			}
			if h := w.host(stuckID); h.State != pool.HostQuarantined || h.Step != pool.StepAnnounce || h.Stuck != pool.StepActivate {
				t.Fatalf("host: %+v", h)
			}
			delete(w.fail, operation)
			w.late(stuckID)
			w.must(w.check())
			if h := w.host(stuckID); h.State != pool.HostQuarantined || h.Step != "" || w.told()[1] != 1 {
				t.Errorf("host %+v, told %v times", h, w.told())
			}
		})
	}
}

func TestAQuarantineIsAnnouncedHoweverLongThatTakes(t *testing.T) {
	w := stuck(t)
	w.fail["Notify"] = errNotNow
	for range 4 * pool.MaxTries {
		if err := w.check(); !errors.Is(err, errNotNow) {
			t.Errorf("check: %v", err)
		}
		w.now = w.now.Add(pool.Deadline(pool.StepAnnounce))
	}
	delete(w.fail, "Notify")
	w.must(w.check())
	if h := w.host(stuckID); h.State != pool.HostQuarantined || h.Step != "" || !h.Due.IsZero() || w.told()[1] != 1 {
		t.Errorf("host: %+v, told %v times", h, w.told())
	}
	if r := w.pool(shares); r.Failures != 1 || r.Counters.Quarantined != 1 {
		t.Errorf("pool: %+v", r)
	}
}

func TestQuarantineKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := stuck(t)
		w.request("a")
		w.deliver(life)
		w.now = w.now.Add(time.Hour)
		w.deliver(&killtest.Life{})
		if h, told := w.host(stuckID), w.told(); h.State != pool.HostQuarantined || h.Step != "" || told[0] < 1 || told[1] < 1 {
			t.Errorf("host %+v, told %v times", h, told)
		}
		return w.outcome("a")
	})
}
