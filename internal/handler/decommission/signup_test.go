package decommission

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/announce"
	"headroom/internal/handler/signup"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

// signer makes a process that signs tenants up, as the function does that is deployed beside this one.
func (w *world) signer(call killtest.Call) *signup.Handler {
	out := outside{w, call}
	sender := func(q *queuetest.Queue) killtest.Sender {
		return killtest.Sender{Next: &queue.Sender{Client: q, URL: "url"}, Call: call}
	}
	store := killtest.Ledger{Next: w.ledger, Call: call}
	reconciler, err := shelf.New(shelf.Config{Ledger: store, Policies: out, Now: w.clock})
	w.must(err)
	metrics := telemetry.Recorder{Out: &w.written, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
	announcer, err := announce.New(announce.Config{
		Events:  killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: call},
		Metrics: metrics, Now: w.clock, Stage: "dev",
	})
	w.must(err)
	h, err := signup.New(signup.Config{
		Ledger: store, Shelf: reconciler, Policies: out, Vault: signing{out}, Databases: signing{out}, Announce: announcer,
		Access: access.Writer{Shares: out, Firewall: out}, Tags: signing{out},
		Mark: func() (string, error) { w.named++; return fmt.Sprintf("life%06d", w.named), nil }, Jitter: func() float64 { return 0.5 },
		Steps: sender(w.signups), StepsQueue: queuetest.Name, PoolChecks: sender(w.checks), HostEvents: sender(w.checks), Refused: sender(w.refused),
		Networks: pool.Networks{Instances: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, Mount: "nfsvers=4.1,hard",
		Metrics: metrics, Log: slog.New(slog.DiscardHandler), Now: w.clock, Until: func(t time.Time) time.Duration { return t.Sub(w.clock()) },
	})
	w.must(err)
	return h
}

// signing is what a signup reaches and a departure does not.
type signing struct{ outside }

func (s signing) Tenant(ctx context.Context, id, mark string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = s.call("Secret", func() (err error) { c, arn, err = s.vault().Tenant(ctx, id, mark, fill); return err })
	return c, arn, err
}

func (s signing) Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error {
	return s.call("TagShare", func() error { return s.gateways().Tag(ctx, share, tags) })
}

func (s signing) Open(_ context.Context, login pool.Login, name, _ string) error {
	return s.in("Open", login, pool.MarkedSlot{Name: name}, func(_ *server, d *database) error {
		if d == nil {
			return errNoSlot
		}
		d.login = true
		return nil
	})
}

// opensUp has signups served from the shelf from now on.
func (w *world) opensUp() {
	w.signups = queuetest.New(w.clock)
	w.reconcile()
}

// reconcile does for the shelf and for signups what the pool check does.
func (w *world) reconcile() {
	w.t.Helper()
	ctx := context.Background()
	reconciler, err := shelf.New(shelf.Config{Ledger: w.ledger, Policies: outside{w, undisturbed}, Now: w.clock})
	w.must(err)
	if err := reconciler.Reconcile(ctx, tier); err != nil && !errors.Is(err, pool.ErrConflict) {
		w.t.Fatal(err)
	}
	waiters, err := w.ledger.Waiting(ctx, tier, 1)
	w.must(err)
	if before, err := w.ledger.Shelf(ctx, tier); err == nil && len(waiters) > 0 && before.Queue == 0 {
		after := before.Clone()
		after.Queue = before.Tail
		w.must(w.ledger.SaveShelf(ctx, before, after))
	}
	if len(waiters) > 0 {
		w.must((&queue.Sender{Client: w.signups, URL: "url"}).Send(ctx, events.NewServeWaiting(string(tier)), 0))
	}
	overdue, err := w.ledger.OverdueTenants(ctx, w.now, 10)
	w.must(err)
	for _, id := range overdue {
		_, t, err := ledger.UpdateTenant(ctx, w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
			after, changed := pool.OverdueTenant(t, w.now)
			if !changed {
				return t, ledger.ErrUnchanged
			}
			return after, nil
		})
		w.must(err)
		if t.Step != "" && t.Step != pool.StepReport {
			w.must((&queue.Sender{Client: w.signups, URL: "url"}).Send(ctx, events.NewTenantStep(string(id), string(t.Step), t.Count+1), 0))
		}
	}
}

// signUp delivers a message to a handler of signups.
func (w *world) signUp(d events.Delivery) error {
	return w.signer(undisturbed).Message(context.Background(), d)
}

// signsUp puts a signup into the queue.
func (w *world) signsUp(tenant, address string) {
	w.t.Helper()
	body := fmt.Sprintf(`{"version":"1","tenantId":%q,"tier":"standard","instanceIp":%q}`, tenant, address)
	w.must((&queue.Sender{Client: w.signups, URL: "url"}).SendRaw(context.Background(), body, nil))
}

// rows are what a database has, by the name that clients know it by.
func (w *world) rows(name string) []string {
	for _, s := range w.servers {
		for slot, d := range s.databases {
			if pool.DatabaseName(slot) == name {
				return slices.Clone(d.rows)
			}
		}
	}
	return nil
}
