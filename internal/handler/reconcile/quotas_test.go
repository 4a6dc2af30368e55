package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func (w *world) quota(t *testing.T) pool.Quota {
	t.Helper()
	q, err := w.ledger.Quotas(t.Context())
	if err != nil || len(q.Seen) != 1 {
		t.Fatalf("%+v, %v", q, err)
	}
	return q.Seen[0]
}

func TestQuotasArePutOnRecord(t *testing.T) {
	w := newWorld()
	said := func(s pool.QuotaSaid) {
		w.reading = pool.QuotaReading{Said: map[string]pool.QuotaSaid{"rds-instances": s}, Made: map[pool.Kind]int{pool.Database: 3}}
	}
	said(pool.QuotaSaid{Most: 40, Used: 5})
	if err := w.round(t, 0); err != nil {
		t.Fatal(err)
	}
	if q := w.quota(t); q.Most != 40 || q.Else != 2 || q.Why != "" {
		t.Errorf("read: %+v", q)
	}
	said(pool.QuotaSaid{Why: "AccessDenied"})
	if err := w.round(t, 15); err != nil {
		t.Fatal(err)
	}
	if q := w.quota(t); q.Most != 40 || q.Why != "AccessDenied" || q.Stale(w.now) || !q.Stale(began.Add(25*time.Hour)) {
		t.Errorf("not read: %+v", q)
	}
	said(pool.QuotaSaid{Most: 100, Used: 5})
	w.fail = errors.New("throttled") // AWS can't be held against the ledger
	if err := w.round(t, 30); !errors.Is(err, w.fail) {
		t.Errorf("a round of which a part failed: %v", err)
	}
	if q := w.quota(t); q.Most != 100 {
		t.Errorf("raised: %+v", q)
	}
	w.fail, w.deaf = nil, errors.New("no time")
	w.metrics.Reset()
	if err := w.round(t, 45); !errors.Is(err, w.deaf) || !strings.Contains(w.metrics.String(), "InventoryDiffers") {
		t.Errorf("a round without quotas: %v", err)
	}
}

func TestBadQuotasAreRefused(t *testing.T) {
	for text, ok := range map[string]bool{
		`[{"name":"rds-instances","database":1},{"name":"alarms","most":5000,"share":6}]`: true,
		`{}`: false, `[{"most":1}]`: false, `[{"name":"instances"}]`: false, `[{"name":"alarms","most":-1}]`: false,
		`[{"name":"alarms","share":-1}]`: false, `[{"name":"alarms"},{"name":"alarms"}]`: false,
	} {
		if _, err := (Environment{QuotasText: text}).Quotas(); (err == nil) != ok || !ok && !errors.Is(err, ErrQuotas) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
