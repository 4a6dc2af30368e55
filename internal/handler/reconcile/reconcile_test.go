package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/stocktake"
	"headroom/internal/telemetry"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const round = `{"version":"1","type":"ReconcileRound"}`

// world is a stage of which looks find what findings has, at most as often as there are rounds.
type world struct {
	now      time.Time
	ledger   *memory.Ledger
	findings []inventory.Finding
	books    inventory.Books
	fail     error
	told     []string
	metrics  bytes.Buffer
	reading  pool.QuotaReading
	deaf     error // of who is asked of quotas
}

func newWorld() *world { return &world{now: began, ledger: memory.New(memory.Options{})} }

func (w *world) Take(context.Context) (stocktake.Stock, error) {
	return stocktake.Stock{Books: w.books, Findings: w.findings}, w.fail
}

func (w *world) InventoryDiffers(_ context.Context, news []inventory.Finding) error {
	for _, f := range news {
		w.told = append(w.told, f.Of)
	}
	return nil
}

func (w *world) Read(context.Context) (pool.QuotaReading, error) { return w.reading, w.deaf }

// killed makes calls through a Call.
type killed struct {
	*world
	call killtest.Call
}

func (k killed) Take(ctx context.Context) (s stocktake.Stock, err error) {
	err = k.call("Take", func() error { s, err = k.world.Take(ctx); return err })
	return s, err
}

func (k killed) InventoryDiffers(ctx context.Context, news []inventory.Finding) error {
	return k.call("InventoryDiffers", func() error { return k.world.InventoryDiffers(ctx, news) })
}

func (k killed) Read(ctx context.Context) (r pool.QuotaReading, err error) {
	err = k.call("Read", func() error { r, err = k.world.Read(ctx); return err })
	return r, err
}

var takes = []pool.Quota{{Name: "rds-instances", Database: 1}}

func (w *world) handler(t *testing.T, call killtest.Call) *Handler {
	t.Helper()
	h, err := New(Config{
		Stock: killed{w, call}, Account: killed{w, call}, Takes: takes, Ledger: killtest.Ledger{Next: w.ledger, Call: call}, Announce: killed{w, call},
		Metrics: telemetry.Recorder{Out: &w.metrics, Now: func() time.Time { return w.now }, Stage: "dev", Log: slog.New(slog.DiscardHandler)},
		Log:     slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func undisturbed(_ string, call func() error) error { return call() }

func (w *world) round(t *testing.T, minutes int) error {
	t.Helper()
	w.now = began.Add(time.Duration(minutes) * time.Minute)
	return w.handler(t, undisturbed).Message(t.Context(), events.Delivery{ID: "m", Body: round})
}

var stray = inventory.Finding{Verdict: inventory.Orphaned, Severity: inventory.Ticket, Sort: inventory.Volumes, Of: "vol-1"}

func TestWhatDiffersForLongIsToldOnceAndMeasuredUntilItIsGone(t *testing.T) {
	w := newWorld()
	w.findings = []inventory.Finding{stray}
	for i, minutes := range []int{0, 15, 30, 45} {
		if err := w.round(t, minutes); err != nil {
			t.Fatal(err)
		}
		if want := i / 2; min(want, 1) != len(w.told) {
			t.Errorf("after %d minutes people were told %v", minutes, w.told)
		}
	}
	w.findings = nil
	if err := w.round(t, 60); err != nil {
		t.Fatal(err)
	}
	var measured []string
	for line := range strings.Lines(w.metrics.String()) {
		if _, value, there := strings.Cut(line, `"InventoryDiffers":`); there {
			measured = append(measured, value[:1])
		}
	}
	if got := strings.Join(measured, " "); got != "0 0 1 1 0" {
		t.Errorf("measured %s", got)
	}
}

func TestWhatIsGraveIsMeasuredByItself(t *testing.T) {
	w := newWorld()
	w.findings = []inventory.Finding{stray, {Verdict: inventory.Drifted, Severity: inventory.Page, Sort: inventory.Shares, Of: "share-1"}}
	for _, minutes := range []int{0, 30} {
		if err := w.round(t, minutes); err != nil {
			t.Fatal(err)
		}
	}
	if lines := w.metrics.String(); !strings.Contains(lines, `"InventoryGrave":0`) || !strings.Contains(lines, `"InventoryGrave":1`) || !strings.Contains(lines, `"InventoryDiffers":2`) {
		t.Errorf("measured %s", lines)
	}
}

func TestTheTenantsOfTheFullestHostOfEachPoolAreMeasured(t *testing.T) {
	w := newWorld()
	host := func(kind pool.Kind, n int, slots ...pool.SlotState) pool.Host {
		h := pool.Host{ID: pool.Key{Kind: kind, Tier: "standard"}.Host(n), Kind: kind, Tier: "standard"}
		for _, state := range slots {
			h.Slots = append(h.Slots, pool.Slot{State: state})
		}
		return h
	}
	w.books.Hosts = map[pool.HostID]pool.Host{}
	for _, h := range []pool.Host{
		host(pool.Database, 1, pool.SlotAssigned), host(pool.Database, 2, pool.SlotAssigned, pool.SlotAssigned, pool.SlotOffered, pool.SlotLeaving),
		host(pool.Database, 3), host(pool.Share, 1, pool.SlotFree),
	} {
		w.books.Hosts[h.ID] = h
	}
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	var measured []string
	for line := range strings.Lines(w.metrics.String()) {
		var m struct {
			Kind, Tier       string
			TenantsOnFullest *int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.TenantsOnFullest != nil {
			measured = append(measured, fmt.Sprint(m.Kind, " ", m.Tier, " ", *m.TenantsOnFullest))
		}
	}
	if got := strings.Join(measured, ", "); got != "database standard 2, share standard 0" {
		t.Errorf("measured %s", got)
	}
}

func TestARoundThatFailsForgetsNothing(t *testing.T) {
	w := newWorld()
	w.findings = []inventory.Finding{stray}
	for _, minutes := range []int{0, 60} {
		if err := w.round(t, minutes); err != nil {
			t.Fatal(err)
		}
	}
	w.fail = errors.New("throttled")
	if err := w.round(t, 75); !errors.Is(err, w.fail) {
		t.Errorf("a round that failed: %v", err)
	}
	w.fail = nil
	if err := w.round(t, 90); err != nil || len(w.told) != 1 {
		t.Errorf("told %v, %v", w.told, err)
	}
}

func TestWhatIsNoRoundIsIgnored(t *testing.T) {
	w := newWorld()
	w.fail = errors.New("it looked")
	for _, body := range []string{`{}`, `{"version":"1","type":"RestoreRound"}`, `no JSON`} {
		if err := w.handler(t, undisturbed).Message(t.Context(), events.Delivery{ID: "m", Body: body}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Whoever is killed has people told once at least, and the rounds after it once at most.
func TestRoundsKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld()
		w.findings = []inventory.Finding{stray}
		for n := range 6 {
			w.now = began.Add(time.Duration(n) * 20 * time.Minute)
			err := life.Deliver(func() error {
				return w.handler(t, life.Call).Message(context.Background(), events.Delivery{ID: "m", Body: round})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(w.told) == 0 || len(w.told) > 2 {
			t.Errorf("people were told %d times", len(w.told))
		}
		s, err := w.ledger.Sightings(t.Context())
		return fmt.Sprint(len(s.All), s.All[0].Told, err)
	})
}
