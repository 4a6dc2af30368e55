package operator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// waitingSeen bounds how many of a waiting list are looked at.
const waitingSeen = 1000

// Pool is a pool as it stands, and what is planned for it.
type Pool struct {
	Pool    string       `json:"pool"` // "<kind>-<tier>"
	Kind    pool.Kind    `json:"kind"`
	Tier    pool.Tier    `json:"tier"`
	Policy  *pool.Policy `json:"policy,omitempty"` // left out: no new tenant is taken
	Hosts   HostCounts   `json:"hosts"`
	Slots   SlotCounts   `json:"slots"`
	Waiting int          `json:"waiting"` // tenants on the tier's waiting list who hold nothing
	Plan    Plan         `json:"plan"`
	Lead    LeadTimes    `json:"leadTimes"`

	FailuresInARow int       `json:"failuresInARow,omitempty"`
	NoOrderBefore  time.Time `json:"noOrderBefore,omitzero"` // after failures
	Coming         []Coming  `json:"coming,omitempty"`
	Patients       []Patient `json:"patients,omitempty"` // hosts that are ill, or that a person wants changed
	FailingZones   []string  `json:"failingZones,omitempty"`
	LastNumber     int       `json:"lastNumber"` // of the last host that was ordered
	observed       pool.Observed
}

// HostCounts counts the hosts of a pool.
type HostCounts struct {
	There        int `json:"there"` // that exist, or may exist
	InService    int `json:"inService"`
	Provisioning int `json:"provisioning"`
	Cordoned     int `json:"cordoned"`
	Quarantined  int `json:"quarantined"`
	Ceiling      int `json:"ceiling,omitempty"`
}

// SlotCounts counts the slots of a pool.
type SlotCounts struct {
	Free     int `json:"free"` // that can be given away
	OnShelf  int `json:"onShelf"`
	Assigned int `json:"assigned"`
	Coming   int `json:"coming"` // that hosts on their way will bring, and slots that rest no longer than a host takes
	Leaving  int `json:"leaving"`
	Cooling  int `json:"cooling"`
}

// Plan is what the pool check would do now.
type Plan struct {
	Orders int    `json:"orders"`
	Held   []Held `json:"heldBack,omitempty"`
	Reason string `json:"reason"`
}

// Held is how many hosts are wanted and not ordered, and by which limit.
type Held struct {
	Limit string `json:"limit"`
	Hosts int    `json:"hosts"`
}

// LeadTimes are those of a pool's last hosts, in seconds.
type LeadTimes struct {
	Known     int   `json:"known"` // how many the rest is of
	P50       int64 `json:"p50Seconds,omitempty"`
	P90       int64 `json:"p90Seconds,omitempty"`
	LateAfter int64 `json:"lateAfterSeconds"` // a host that takes longer is not counted on
}

// Coming is a host on its way into service.
type Coming struct {
	Host      pool.HostID `json:"host"`
	OrderedAt time.Time   `json:"orderedAt"`
	Slots     int         `json:"slots"`
	Late      bool        `json:"late"`
}

// Patient is a host that is ill, or that a person wants changed.
type Patient struct {
	Host    pool.HostID `json:"host"`
	Zone    string      `json:"zone,omitempty"`
	Since   time.Time   `json:"since"`
	Inside  bool        `json:"beingMended"`
	Planned bool        `json:"planned,omitempty"`
}

// ParsePool reads the name of a pool: "<kind>-<tier>", or with "/" or "#" between them.
func ParsePool(name string) (pool.Key, error) {
	kind, tier, found := strings.Cut(strings.NewReplacer("/", "-", "#", "-").Replace(name), "-")
	key := pool.Key{Kind: pool.Kind(kind), Tier: pool.Tier(tier)}
	if !found || !slices.Contains(pool.Kinds, key.Kind) || tier == "" {
		return key, refused("It is the kind and the tier, such as database-standard or share-standard.", "%q is no pool", name)
	}
	return key, nil
}

func poolName(k pool.Key) string { return string(k.Kind) + "-" + string(k.Tier) }

// Pools reads all pools there are or ought to be: those of the policies, and those that hosts were ever ordered for.
func (o *Operator) Pools(ctx context.Context) ([]Pool, error) {
	ps, err := o.policies(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := o.keys(ctx, ps)
	if err != nil {
		return nil, err
	}
	var pools []Pool
	for _, key := range keys {
		p, err := o.pool(ctx, key, ps)
		if err != nil {
			return nil, err
		}
		pools = append(pools, p)
	}
	return pools, nil
}

// keys are the pools there are or ought to be, by tier and kind.
func (o *Operator) keys(ctx context.Context, ps pool.Policies) ([]pool.Key, error) {
	tiers, err := o.Ledger.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	tiers = append(tiers, ps.Tiers()...)
	slices.Sort(tiers)
	var keys []pool.Key
	for _, tier := range slices.Compact(tiers) {
		for _, kind := range pool.Kinds {
			keys = append(keys, pool.Key{Kind: kind, Tier: tier})
		}
	}
	return keys, nil
}

// Pool reads one pool.
func (o *Operator) Pool(ctx context.Context, name string) (Pool, error) {
	key, err := ParsePool(name)
	if err != nil {
		return Pool{}, err
	}
	ps, err := o.policies(ctx)
	if err != nil {
		return Pool{}, err
	}
	p, err := o.pool(ctx, key, ps)
	if err == nil && p.Policy == nil && p.LastNumber == 0 {
		return Pool{}, missing("headroom pool list names those there are.", "there is no pool %s", poolName(key))
	}
	return p, err
}

func (o *Operator) pool(ctx context.Context, key pool.Key, ps pool.Policies) (Pool, error) {
	seen, err := o.observe(ctx, key)
	if err != nil {
		return Pool{}, fmt.Errorf("read pool %s: %w", poolName(key), err)
	}
	ward, err := o.Ledger.Ward(ctx, key)
	if err != nil {
		return Pool{}, fmt.Errorf("read pool %s: %w", poolName(key), err)
	}
	now := o.Now()
	view := Pool{Pool: poolName(key), Kind: key.Kind, Tier: key.Tier, Waiting: seen.Waiting, LastNumber: seen.Record.Seq, observed: seen}
	policy, ok := ps.Of(key)
	if ok {
		view.Policy = &policy
	} else {
		policy = pool.Retired(seen.Record)
	}
	c := seen.Record.Counters
	view.Hosts = HostCounts{There: c.Hosts, InService: c.InService, Provisioning: c.Provisioning, Cordoned: c.Cordoned, Quarantined: c.Quarantined}
	if ok {
		view.Hosts.Ceiling = policy.Ceiling
	}
	view.Slots = SlotCounts{
		Free: seen.Free(policy), OnShelf: seen.OnShelf, Assigned: seen.Assigned(), Coming: seen.Coming(policy, now), Leaving: c.Leaving, Cooling: c.Cooling,
	}
	plan := pool.Decide(seen, policy, nil, now)
	view.Plan = Plan{Orders: len(plan.Actions), Reason: plan.Reason}
	for _, held := range plan.Held {
		view.Plan.Held = append(view.Plan.Held, Held(held))
	}
	view.Lead = leadTimes(seen.Record, policy)
	view.FailuresInARow = seen.Record.Failures
	if now.Before(seen.Record.BackoffUntil) {
		view.NoOrderBefore = seen.Record.BackoffUntil.UTC()
	}
	for _, coming := range seen.Record.Coming {
		view.Coming = append(view.Coming, Coming{
			Host: coming.Host, OrderedAt: coming.OrderedAt.UTC(), Slots: coming.Slots, Late: now.Sub(coming.OrderedAt) > seen.Record.LateAfter(policy),
		})
	}
	for _, p := range ward.Patients {
		view.Patients = append(view.Patients, Patient{Host: p.Host, Zone: p.Zone, Since: p.Since.UTC(), Inside: p.Inside, Planned: p.Planned})
	}
	view.FailingZones = ward.FailingZones(now)
	return view, nil
}

// observe reads what a plan is made from, in the order in which the pool check reads it.
func (o *Operator) observe(ctx context.Context, key pool.Key) (pool.Observed, error) {
	record, err := o.Ledger.Pool(ctx, key)
	if err != nil {
		return pool.Observed{}, err
	}
	shelf, err := o.Ledger.Shelf(ctx, key.Tier)
	if err != nil {
		return pool.Observed{}, err
	}
	waiters, err := o.Ledger.Waiting(ctx, key.Tier, waitingSeen)
	if err != nil {
		return pool.Observed{}, err
	}
	seen := pool.Observed{Record: record, OnShelf: shelf.SetOut(key.Kind)}
	for _, w := range waiters {
		if _, held := shelf.Held[w.Tenant]; !held {
			seen.Waiting++
		}
	}
	return seen, nil
}

func leadTimes(r pool.Record, p pool.Policy) LeadTimes {
	lead := LeadTimes{Known: len(r.Leads), LateAfter: int64(r.LateAfter(p) / time.Second)}
	if len(r.Leads) == 0 {
		return lead
	}
	var took []time.Duration
	for _, l := range r.Leads {
		took = append(took, l.Took)
	}
	slices.Sort(took)
	at := func(part float64) int64 { // nearest rank
		return int64(took[max(0, int(math.Ceil(part*float64(len(took))))-1)] / time.Second)
	}
	lead.P50, lead.P90 = at(0.5), at(0.9)
	return lead
}

// notFound says of a record that is not there what to do; other errors stay as they are.
func notFound(err error, do, format string, args ...any) error {
	if errors.Is(err, pool.ErrNotFound) {
		return missing(do, format, args...)
	}
	return err
}
