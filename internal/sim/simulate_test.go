package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/pool"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// counted is a series of counts an hour.
func counted(t testing.TB, hours int, count func(hour int) float64) Demand {
	t.Helper()
	var text strings.Builder
	for h := range hours {
		fmt.Fprintf(&text, "%s,%g\n", monday.Add(time.Duration(h)*time.Hour).Format(time.RFC3339), count(h))
	}
	d, err := ReadDemand(strings.NewReader(text.String()), 1)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// policy is the default, as change leaves that of each pool.
func policy(t testing.TB, change func(*pool.Policy)) func(time.Time) pool.Document {
	t.Helper()
	doc, err := ReadPolicy(DefaultPolicy)
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc.Pools {
		change(&doc.Pools[i])
	}
	return func(time.Time) pool.Document { return doc }
}

func asShipped(*pool.Policy) {}

func run(t testing.TB, o Options) Result {
	t.Helper()
	if o.Tier = "standard"; o.Leads == nil {
		o.Leads = DefaultLeads()
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestASteadySeriesIsServed(t *testing.T) {
	r := run(t, Options{Demand: counted(t, 48, func(int) float64 { return 12 }), Policy: policy(t, asShipped), Seed: 1})
	if r.Signups != 576 || r.NeverServed != 0 || r.ServedAtOnce < 0.97 {
		t.Errorf("of %d signups %.3f were served at once, %d never", r.Signups, r.ServedAtOnce, r.NeverServed)
	}
	if r.IdleSlots.Share <= 0 || r.IdleSlots.Database <= 0 || r.HostsOrdered < 576/10 {
		t.Errorf("idle %+v, %d hosts were ordered", r.IdleSlots, r.HostsOrdered)
	}
	want := r.IdleSlots.Database*325/40 + r.IdleSlots.Share*207/10
	if math.Abs(r.IdleCostMonth-want) > 1e-6*want {
		t.Errorf("idle slots cost %v a month, want %v", r.IdleCostMonth, want)
	}
}

func TestTheSameSeedComesToTheSameAndAnotherDoesNot(t *testing.T) {
	o := Options{Demand: counted(t, 24, func(h int) float64 { return float64(h % 8 * 6) }), Policy: policy(t, asShipped), Seed: 3, Fail: 0.2}
	first := run(t, o)
	if diff := cmp.Diff(first, run(t, o)); diff != "" {
		t.Errorf("the same run differs: %s", diff)
	}
	o.Seed = 4
	if cmp.Equal(first, run(t, o), cmpopts.IgnoreFields(Result{}, "Seed")) {
		t.Error("another seed comes to the same")
	}
}

// The production code changes nothing that it has from the ledger, so that copies are no matter.
func TestALedgerThatCopiesComesToTheSame(t *testing.T) {
	o := Options{Demand: counted(t, 24, func(h int) float64 { return float64(h % 6 * 20) }), Policy: policy(t, asShipped), Seed: 5, Fail: 0.3}
	lent := run(t, o)
	o.copies = true
	if diff := cmp.Diff(lent, run(t, o)); diff != "" {
		t.Errorf("with copies it differs: %s", diff)
	}
}

func TestWhoComesInABurstWaitsAndIsServed(t *testing.T) {
	r := run(t, Options{Demand: counted(t, 30, func(h int) float64 {
		if h == 20 {
			return 300
		}
		return 1
	}), Policy: policy(t, asShipped), Seed: 1, Fail: 0.3})
	if r.NeverServed != 0 || r.ServedAtOnce > 0.8 || r.WaitP99 < 60 || r.WaitMost < r.WaitP99 || r.WaitP99 < r.WaitP50 {
		t.Errorf("of %d at once %.2f, never %d; waits %v %v %v", r.Signups, r.ServedAtOnce, r.NeverServed, r.WaitP50, r.WaitP99, r.WaitMost)
	}
	if r.Estimates == 0 || r.EstimatesHeld == 0 || r.EstimatesHeld > 1 || r.EmptyBeaten < 0 || r.EmptyBeaten > 1 {
		t.Errorf("%d were told how long, which held for %.2f; %.2f were out sooner", r.Estimates, r.EstimatesHeld, r.EmptyBeaten)
	}
	if r.HostsFailed == 0 || r.HostsFailed >= r.HostsOrdered {
		t.Errorf("of %d hosts %d failed", r.HostsOrdered, r.HostsFailed)
	}
}

func TestACeilingStrandsThoseBeyondIt(t *testing.T) {
	r := run(t, Options{
		Demand: counted(t, 24, func(int) float64 { return 5 }),
		Policy: policy(t, func(p *pool.Policy) { p.Ceiling = 5 }), Seed: 1,
	})
	if want := 120 - 50; r.NeverServed != want || r.WaitMost < 24*3600 {
		t.Errorf("%d are never served, want %d; the longest waits %v s", r.NeverServed, want, r.WaitMost)
	}
}

func TestWhatIsBeforeFromIsNotMeasured(t *testing.T) {
	o := Options{Demand: counted(t, 24, func(h int) float64 {
		if h < 12 {
			return 40
		}
		return 1
	}), Policy: policy(t, asShipped), Seed: 1}
	all := run(t, o)
	o.From = monday.Add(12 * time.Hour)
	half := run(t, o)
	if all.Signups != 492 || half.Signups != 12 || half.HostsOrdered >= all.HostsOrdered || !half.From.Equal(o.From) {
		t.Errorf("all %d and %d hosts, half %d and %d hosts", all.Signups, all.HostsOrdered, half.Signups, half.HostsOrdered)
	}
}

func TestHostsTakeTheLeadTimesThatWereDrawn(t *testing.T) {
	leads := Leads{pool.Database: {30 * time.Minute, 30 * time.Minute}, pool.Share: {10 * time.Minute, 10 * time.Minute}}
	w, err := newWorld(Options{Tier: "standard", Policy: policy(t, asShipped), Leads: leads, Seed: 1}, monday)
	if err != nil {
		t.Fatal(err)
	}
	w.line.at(monday, w.scheduled)
	w.line.run(monday.Add(2 * time.Hour))
	for _, k := range pool.Kinds {
		record, err := w.ledger.Pool(t.Context(), pool.Key{Kind: k, Tier: "standard"})
		if err != nil || len(record.Leads) == 0 {
			t.Fatalf("%s: %d lead times, error %v", k, len(record.Leads), err)
		}
		for _, lead := range record.Leads {
			if off := lead.Took - leads[k].Median; off < 0 || off > 2*time.Second {
				t.Errorf("%s: a lead time of %v, want %v", k, lead.Took, leads[k].Median)
			}
		}
	}
	if w.err != nil {
		t.Error(w.err)
	}
}

func TestARunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := Options{Demand: counted(t, 24, func(int) float64 { return 1 }), Tier: "standard", Policy: policy(t, asShipped), Leads: DefaultLeads()}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// What hosts cost that are let go is counted by the same prices as what all cost: those of the policy, or prod's.
func TestHostsThatAreLetGoSaveWhatTheyCost(t *testing.T) {
	o := Options{Demand: counted(t, 96, func(h int) float64 {
		if h == 0 {
			return 300
		}
		return 1
	}), Policy: policy(t, asShipped), Seed: 1}
	r := run(t, o)
	if r.HostsRetired == 0 || r.RetiredSaveMonth < 1 || r.RetiredSaveMonth > float64(r.HostsRetired)*prices[pool.Database] {
		t.Errorf("%d were let go, which saves $%.0f", r.HostsRetired, r.RetiredSaveMonth)
	}
	if left, least := r.HostsAtEnd.Database+r.HostsAtEnd.Share, float64(r.HostsOrdered-r.HostsRetired); left < least || left > least+10 { // some were there before
		t.Errorf("%g are left, of %d that were ordered since and %d that were let go", left, r.HostsOrdered, r.HostsRetired)
	}
	o.Policy = policy(t, func(p *pool.Policy) { asShipped(p); p.HostPrice = 10 * prices[p.Kind] })
	if dear := run(t, o); math.Abs(dear.RetiredSaveMonth-10*r.RetiredSaveMonth) > 1 || math.Abs(dear.CostMonth-10*r.CostMonth) > 1 {
		t.Errorf("at ten times the price they save $%.0f of $%.0f, and not $%.0f of $%.0f", dear.RetiredSaveMonth, dear.CostMonth, 10*r.RetiredSaveMonth, 10*r.CostMonth)
	}
}
