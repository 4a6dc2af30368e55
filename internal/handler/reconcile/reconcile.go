// Package reconcile holds AWS against the ledger on a schedule, and tells people what differs for longer than a thing is on
// its way. Beside that it reads the account's service quotas, for all who plan. It changes nothing in AWS and deletes nothing: temporary instances that restorations left are restore's to clear,
// and all else that nobody knows may hold what somebody needs.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/stocktake"
	"headroom/internal/telemetry"
)

type taker interface {
	Take(ctx context.Context) (stocktake.Stock, error)
}

type store interface {
	Sightings(ctx context.Context) (inventory.Sightings, error)
	SaveSightings(ctx context.Context, before, after inventory.Sightings) error
	Quotas(ctx context.Context) (pool.Quotas, error)
	SaveQuotas(ctx context.Context, before, after pool.Quotas) error
}

// account says what AWS says of the account's quotas. What can't be read is in what is said; only the end of the context's time is
// an error.
type account interface {
	Read(ctx context.Context) (pool.QuotaReading, error)
}

type announcer interface {
	InventoryDiffers(ctx context.Context, news []inventory.Finding) error
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Stock    taker
	Account  account
	Takes    []pool.Quota // service quotas that hosts take from, and what they take
	Ledger   store
	Announce announcer
	Metrics  telemetry.Recorder
	Log      *slog.Logger
	Now      func() time.Time
}

// Handler handles the messages of the reconcile queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Stock == nil || c.Account == nil || len(c.Takes) == 0 || c.Ledger == nil || c.Announce == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("reconcile: every field of Config is required")
	}
	return &Handler{c}, nil
}

// Message handles one message; there is one kind, which says no more than that it is time.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	var round events.ReconcileRound
	if events.TypeOf([]byte(d.Body)) != events.TypeReconcileRound || events.Decode([]byte(d.Body), &round) != nil {
		h.Log.WarnContext(ctx, "message ignored", "messageId", d.ID, "body", d.Body)
		h.Metrics.Count(telemetry.EventsIgnored, 1)
		return nil
	}
	// One that fails keeps the other from nothing.
	return errors.Join(h.round(ctx), h.readQuotas(ctx))
}

func (h *Handler) round(ctx context.Context) error {
	// Read before AWS is looked at: of two rounds at once, the one that began earlier does not undo the later one.
	before, err := h.Ledger.Sightings(ctx)
	if err != nil {
		return err
	}
	stock, err := h.Stock.Take(ctx)
	if err != nil {
		return err
	}
	r := inventory.Remember(before, stock.Findings, h.Now())
	for _, f := range r.News {
		h.Log.WarnContext(ctx, "AWS differs from the ledger", "verdict", f.Verdict, "severity", f.Severity, "sort", f.Sort, "of", f.Of, "what", f.What)
	}
	// Told before it is recorded: killed in between, it is told twice rather than never.
	if err := h.Announce.InventoryDiffers(ctx, r.News); err != nil {
		return err
	}
	// Commit point: what was told is not told again.
	if err := h.Ledger.SaveSightings(ctx, before, r.Sightings); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("remember what was found: %w", err)
	}
	grave := 0
	for _, f := range r.Stand {
		if f.Severity == inventory.Page {
			grave++
		}
	}
	h.Metrics.Gauge(telemetry.InventoryDiffers, len(r.Stand))
	h.Metrics.Gauge(telemetry.InventoryGrave, grave)
	h.measureFullest(stock.Books.Fullest())
	return nil
}

// measureFullest measures what only a look at all hosts tells: a pool's counters say how many tenants it has, and not where.
func (h *Handler) measureFullest(most map[pool.Key]int) {
	for _, key := range slices.SortedFunc(maps.Keys(most), func(a, b pool.Key) int { return strings.Compare(a.String(), b.String()) }) {
		h.Metrics.Pool(string(key.Kind), string(key.Tier)).Gauge(telemetry.TenantsOnFullest, most[key])
	}
}
