package operator

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// Plans are what the next pool check would do, and why, by one policy document or by two.
type Plans struct {
	At      time.Time `json:"at"`
	By      []PlansBy `json:"by"` // the first is the document in force
	Stopped *Stops    `json:"stops,omitempty"`
	Spent   float64   `json:"spentDollarsMonth"`
	Next    []string  `json:"next,omitempty"`
}

// PlansBy are plans by a policy document.
type PlansBy struct {
	Policy  string     `json:"policy"`            // "in force", or the name of a file
	Warning string     `json:"warning,omitempty"` // that it can't be meant, and which one is in force
	Cap     float64    `json:"capDollarsMonth,omitempty"`
	Tiers   []TierPlan `json:"tiers"`
}

// TierPlan is what would be done about a tier. Seconds of 315360000 are ten years or more.
type TierPlan struct {
	Tier    pool.Tier  `json:"tier"`
	Pairs   int        `json:"pairs"` // tenants that can be served from what is free of both kinds
	Waiting int        `json:"waiting"`
	Empty   int64      `json:"timeToEmptySeconds"`      // the median, with nothing that is coming
	Early   int64      `json:"timeToEmptyEarlySeconds"` // with one chance in ten that it is less
	Risk    float64    `json:"waitRisk"`                // that somebody must wait before hosts come, with what is coming; 0 to 1
	Wait    *Wait      `json:"nextWait,omitempty"`      // of who would come onto the waiting list now; left out: nobody waits
	Pools   []PoolPlan `json:"pools"`
}

// Wait is how long somebody waits.
type Wait struct {
	Median int64  `json:"medianSeconds,omitempty"`
	Ninety int64  `json:"ninetySeconds,omitempty"`
	Capped string `json:"capped,omitempty"` // why it can't be said
}

// PoolPlan is what would be done about a pool, with the numbers that it comes from.
type PoolPlan struct {
	Pool     string  `json:"pool"`
	Orders   int     `json:"orders"` // hosts
	Held     []Held  `json:"heldBack,omitempty"`
	Wanted   int     `json:"wanted"` // slots to be free or coming, beside those for who waits: the buffer
	Free     int     `json:"free"`
	Coming   int     `json:"coming"`
	Hosts    int     `json:"hosts"`
	PerHour  float64 `json:"demandPerHour"`
	Spread   float64 `json:"spread"`
	Surge    bool    `json:"surge"`
	Lead     int64   `json:"leadMedianSeconds"`
	LeadLong int64   `json:"leadP99Seconds"`
	Ends     []End   `json:"ends"` // limits that the pool will meet, the nearest first
	Price    float64 `json:"hostDollarsMonth,omitempty"`
	Reason   string  `json:"reason"`

	After    int     `json:"hostsAfter"`         // once what is ordered has come, and what goes is gone
	Retires  string  `json:"retires,omitempty"`  // host that the next pool check retires; left out: none
	Spare    string  `json:"spare"`              // why it does, or why none is
	Drains   string  `json:"drains,omitempty"`   // host that the next pool check drains by itself; left out: none
	Sparse   string  `json:"sparse,omitempty"`   // why it does, or why none is; left out: the policy has that not done
	Retiring []Going `json:"retiring,omitempty"` // hosts that are taken down
	Drained  []Going `json:"drained,omitempty"`  // hosts that go once they are empty
}

// End is a limit that a pool will meet.
type End struct {
	Limit string `json:"limit"`
	Days  int    `json:"days"`
}

// Plans makes the plans that the next pool check will make, of one tier or all; other is another document to plan by beside, nil:
// none. It is a file's, whose name is given.
func (o *Operator) Plans(ctx context.Context, tier pool.Tier, other []byte, file string) (Plans, error) {
	stands, err := o.Policy(ctx)
	if err != nil {
		return Plans{}, err
	}
	if err := stands.oneInForce(); err != nil {
		return Plans{}, err
	}
	documents := []pool.Document{stands.Document}
	plans := Plans{At: o.Now().UTC(), By: []PlansBy{{Policy: "in force", Warning: stands.Warning()}}, Next: []string{"headroom pool list"}}
	if other != nil {
		d, err := o.parsePolicy(other)
		if err != nil {
			return Plans{}, refused("docs/operations.md says what each field means.", "%v", err)
		}
		documents = append(documents, d)
		plans.By = append(plans.By, PlansBy{Policy: file})
		plans.Next = []string{"headroom pool policy diff " + file, "headroom pool policy set " + file + " --reason …"}
	}
	keys, err := o.keys(ctx, append(slices.Clone(documents[0].Pools), documents[len(documents)-1].Pools...))
	if err != nil {
		return Plans{}, err
	}
	var tiers []pool.Tier
	for _, key := range keys {
		if (tier == "" || key.Tier == tier) && !slices.Contains(tiers, key.Tier) {
			tiers = append(tiers, key.Tier)
		}
	}
	if len(tiers) == 0 {
		return Plans{}, noTier(tier)
	}
	for _, tier := range tiers {
		seen, err := o.look(ctx, tier, stands)
		if err != nil {
			return Plans{}, err
		}
		hosts := map[pool.Kind][]pool.Host{}
		for _, k := range pool.Kinds {
			if hosts[k], err = o.hostsOf(ctx, pool.Key{Kind: k, Tier: tier}); err != nil {
				return Plans{}, err
			}
		}
		plans.Spent = seen.Spent.Dollars()
		if on := stopsOf(seen.Stops); len(on.Levels) > 0 {
			plans.Stopped = &on
		}
		for i, d := range documents {
			s := seen.Sight
			s.Document = d
			plans.By[i].Cap = d.MoneyCap
			t := tierPlan(s)
			if err := o.goings(ctx, hosts, s, &t); err != nil {
				return Plans{}, err
			}
			plans.By[i].Tiers = append(plans.By[i].Tiers, t)
		}
	}
	return plans, nil
}

func tierPlan(s pool.Sight) TierPlan {
	seen, plans := s.Seen(), s.Plans()
	ahead := seen.Ahead(s.At)
	t := TierPlan{
		Tier: s.Tier, Pairs: s.Observed(pool.Database).Pairs, Waiting: s.Waiting, Empty: inSeconds(ahead.Empty), Early: inSeconds(ahead.Early), Risk: ahead.Risk,
	}
	for _, k := range pool.Kinds {
		o, p, plan := seen.Pools[k], seen.Policies[k], plans[k]
		leads := o.Record.LeadTimes(p, s.At)
		one := PoolPlan{
			Pool: poolName(pool.Key{Kind: k, Tier: s.Tier}), Orders: len(plan.Actions), Wanted: plan.Buffer, Free: o.Free(p), Coming: o.Coming(p, s.At),
			Hosts: o.Record.Counters.Hosts, PerHour: o.Demand.PerHour(), Spread: o.Demand.C(), Surge: strings.Contains(plan.Reason, ", surge"),
			Lead: inSeconds(leads.Median()), LeadLong: inSeconds(leads.P99()), Price: p.HostPrice, Reason: plan.Reason,
		}
		for _, held := range plan.Held {
			one.Held = append(one.Held, Held(held))
		}
		for _, e := range ahead.Ends[k] {
			one.Ends = append(one.Ends, End(e))
		}
		t.Pools = append(t.Pools, one)
	}
	if s.Waiting > 0 || t.Pairs == 0 {
		e := s.Seen().EstimateWait(s.Waiting+1, s.At)
		t.Wait = &Wait{Median: inSeconds(e.Median), Ninety: inSeconds(e.Ninety), Capped: e.Capped}
	}
	return t
}

func inSeconds(d time.Duration) int64 { return int64(min(d, forecast.Forever) / time.Second) }
