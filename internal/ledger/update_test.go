package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// store is a host, a tenant and a shelf. Before each of the next few writes somebody else writes.
type store struct {
	host           pool.Host
	tenant         pool.Tenant
	shelf          pool.Shelf
	others         int // writes of others still to come
	reads, written int
	outcome        pool.Outcome
	at             time.Time
	fail           error // of every write
}

// write is a write on the condition that the version is still as it was read.
func (s *store) write(version *int64, before int64, do func()) error {
	if s.fail != nil {
		return s.fail
	}
	if s.others > 0 {
		s.others--
		*version++
	}
	if *version != before {
		return pool.ErrConflict
	}
	do()
	*version = before + 1
	s.written++
	return nil
}

func (s *store) Host(context.Context, pool.HostID) (pool.Host, error) {
	s.reads++
	return s.host.Clone(), nil
}

func (s *store) SaveHost(_ context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return s.write(&s.host.Version, before.Version, func() { s.host, s.outcome, s.at = after.Clone(), outcome, now })
}

func (s *store) Tenant(context.Context, pool.TenantID) (pool.Tenant, error) {
	s.reads++
	return s.tenant.Clone(), nil
}

func (s *store) SaveTenant(_ context.Context, before, after pool.Tenant) (pool.Tenant, error) {
	err := s.write(&s.tenant.Version, before.Version, func() { s.tenant = after.Clone() })
	return s.tenant.Clone(), err
}

func (s *store) Shelf(context.Context, pool.Tier) (pool.Shelf, error) {
	s.reads++
	return s.shelf.Clone(), nil
}

func (s *store) SaveShelf(_ context.Context, before, after pool.Shelf) error {
	return s.write(&s.shelf.Version, before.Version, func() { s.shelf = after.Clone() })
}

var errOwn = errors.New("the change's own error")

// updates are the three updates of a store: each changes its record, unless answer is an error, and answers
// the versions before and after.
var updates = map[string]func(ctx context.Context, s *store, answer error) (before, after int64, err error){
	"host": func(ctx context.Context, s *store, answer error) (int64, int64, error) {
		before, after, err := ledger.UpdateHost(ctx, s, "share-standard-1", start, func(h pool.Host) (pool.Host, pool.Outcome, error) {
			h.Why = "changed"
			return h, pool.Failed, answer
		})
		return before.Version, after.Version, err
	},
	"tenant": func(ctx context.Context, s *store, answer error) (int64, int64, error) {
		before, after, err := ledger.UpdateTenant(ctx, s, "acme", func(t pool.Tenant) (pool.Tenant, error) {
			t.Secret = "changed"
			return t, answer
		})
		return before.Version, after.Version, err
	},
	"shelf": func(ctx context.Context, s *store, answer error) (int64, int64, error) {
		before := s.shelf.Version
		_, err := ledger.UpdateShelf(ctx, s, "standard", func(shelf pool.Shelf) (pool.Shelf, error) {
			shelf.Tail++
			return shelf, answer
		})
		return before, s.shelf.Version, err
	},
}

func TestAChangeIsDecidedAgainWhenSomebodyElseWroteFirst(t *testing.T) {
	for name, update := range updates {
		for _, others := range []int{0, 1, 11} { // a batch of ten about one record gets through
			s := &store{others: others}
			before, after, err := update(t.Context(), s, nil)
			if name == "shelf" {
				before += int64(others) // as it was read last
			}
			if err != nil || s.reads != others+1 || s.written != 1 || before != int64(others) || after != before+1 {
				t.Errorf("%s, %d others: version %d became %d, %d reads, %d writes, error %v", name, others, before, after, s.reads, s.written, err)
			}
		}
		s := &store{others: 1000}
		if _, _, err := update(t.Context(), s, nil); !errors.Is(err, pool.ErrConflict) || s.reads != 12 || s.written != 0 {
			t.Errorf("%s, others without end: %d reads, %d writes, error %v", name, s.reads, s.written, err)
		}
	}
}

func TestWhatIsUnchangedIsNotWritten(t *testing.T) {
	for name, update := range updates {
		s := &store{}
		before, after, err := update(t.Context(), s, ledger.ErrUnchanged)
		if err != nil || before != after || s.written != 0 || s.host.Why != "" || s.tenant.Secret != "" || s.shelf.Tail != 0 {
			t.Errorf("%s: version %d became %d, %d writes, error %v", name, before, after, s.written, err)
		}
	}
}

func TestAnErrorEndsAChange(t *testing.T) {
	for name, update := range updates {
		s := &store{}
		if _, _, err := update(t.Context(), s, errOwn); !errors.Is(err, errOwn) || s.reads != 1 || s.written != 0 {
			t.Errorf("%s, the change's: %d reads, %d writes, error %v", name, s.reads, s.written, err)
		}
		s = &store{fail: errors.New("throttled")}
		if _, _, err := update(t.Context(), s, nil); !errors.Is(err, s.fail) || s.reads != 1 || !strings.HasPrefix(err.Error(), "save ") {
			t.Errorf("%s, the ledger's: %d reads, error %v", name, s.reads, err)
		}
	}
}

func TestAHostIsSavedWithItsOutcomeAndTime(t *testing.T) {
	s := &store{}
	if _, _, err := updates["host"](t.Context(), s, nil); err != nil || s.outcome != pool.Failed || !s.at.Equal(start) || s.host.Why != "changed" {
		t.Errorf("saved %+v as %v at %s, error %v", s.host, s.outcome, s.at, err)
	}
}

func TestWhatIsAddedToAHistoryBearsTheContextsID(t *testing.T) {
	s := &store{host: pool.Host{ID: "database-standard-1", History: []pool.Entry{{At: start, What: "ordered", Correlation: "signup-5"}}}}
	_, after, err := ledger.UpdateHost(events.WithCorrelation(t.Context(), "alarm-7"), s, s.host.ID, start, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h.History = pool.Append(h.History, pool.Entry{At: start, What: "cordoned"})
		return h, pool.Neutral, nil
	})
	if err != nil || after.History[0].Correlation != "signup-5" || after.History[1].Correlation != "alarm-7" || s.host.History[1].Correlation != "alarm-7" {
		t.Errorf("history: %+v, %v", after.History, err)
	}
}
