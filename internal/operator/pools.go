package operator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// Pool is a pool as it stands, and what is planned for it.
type Pool struct {
	Pool   string       `json:"pool"` // "<kind>-<tier>"
	Kind   pool.Kind    `json:"kind"`
	Tier   pool.Tier    `json:"tier"`
	Policy *pool.Policy `json:"policy,omitempty"` // in force; left out: no new tenant is taken
	// PolicyInvalid says that the policy document can't be meant, why, and which one is in force; left out: it can.
	PolicyInvalid string     `json:"policyInvalid,omitempty"`
	Hosts         HostCounts `json:"hosts"`
	Slots         SlotCounts `json:"slots"`
	Waiting       int        `json:"waiting"` // tenants on the tier's waiting list who hold nothing
	Plan          Plan       `json:"plan"`
	Lead          LeadTimes  `json:"leadTimes"`

	FailuresInARow int       `json:"failuresInARow,omitempty"`
	NoOrderBefore  time.Time `json:"noOrderBefore,omitzero"` // after failures
	Coming         []Coming  `json:"coming,omitempty"`
	Patients       []Patient `json:"patients,omitempty"` // hosts that are ill, or that a person wants changed
	FailingZones   []string  `json:"failingZones,omitempty"`
	LastNumber     int       `json:"lastNumber"` // of the last host that was ordered
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
	key, _ := poolKey(name)
	return key, Judge("pool", name)
}

func poolKey(name string) (key pool.Key, ok bool) {
	kind, tier, found := strings.Cut(strings.NewReplacer("/", "-", "#", "-").Replace(name), "-")
	key = pool.Key{Kind: pool.Kind(kind), Tier: pool.Tier(tier)}
	return key, found && slices.Contains(pool.Kinds, key.Kind) && events.IsTier(tier)
}

func poolName(k pool.Key) string { return string(k.Kind) + "-" + string(k.Tier) }

// Pools reads all pools there are or ought to be: those of the policies, and those that hosts were ever ordered for.
func (o *Operator) Pools(ctx context.Context) ([]Pool, error) {
	p, err := o.Policy(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := o.keys(ctx, p.Document.Pools)
	if err != nil {
		return nil, err
	}
	var pools []Pool
	var seen sight
	for _, key := range keys { // by tier
		if seen.Tier != key.Tier {
			if seen, err = o.look(ctx, key.Tier, p); err != nil {
				return nil, err
			}
		}
		p, err := o.pool(ctx, key.Kind, seen)
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
	policy, err := o.Policy(ctx)
	if err != nil {
		return Pool{}, err
	}
	seen, err := o.look(ctx, key.Tier, policy)
	if err != nil {
		return Pool{}, err
	}
	p, err := o.pool(ctx, key.Kind, seen)
	if err == nil && p.Policy == nil && p.LastNumber == 0 && p.PolicyInvalid == "" {
		return Pool{}, noPool(key)
	}
	return p, err
}

func noPool(k pool.Key) error {
	return missing("headroom pool list names those there are.", "there is no pool %s", poolName(k))
}

func noTier(tier pool.Tier) error {
	return missing("headroom pool list names those there are.", "there is no tier %s", tier)
}

// poolIsThere refuses a pool that the policy in force does not have and that no host was ever ordered for. While no policy is
// in force, any may be meant.
func (o *Operator) poolIsThere(ctx context.Context, key pool.Key) error {
	policy, err := o.Policy(ctx)
	if err != nil {
		return err
	}
	if _, has := policy.Document.Pools.Of(key); has || policy.InForce == 0 {
		return nil
	}
	record, err := o.Ledger.Pool(ctx, key)
	if err == nil && record.Seq == 0 {
		return noPool(key)
	}
	return err
}

// tierIsThere refuses a tier of which no pool is there, likewise.
func (o *Operator) tierIsThere(ctx context.Context, tier pool.Tier) error {
	policy, err := o.Policy(ctx)
	if err != nil {
		return err
	}
	keys, err := o.keys(ctx, policy.Document.Pools)
	if err != nil || policy.InForce == 0 || slices.ContainsFunc(keys, func(k pool.Key) bool { return k.Tier == tier }) {
		return err
	}
	return noTier(tier)
}

// sight is a tier as the next pool check will see it, with the plans that it will make.
type sight struct {
	pool.Sight
	plans  map[pool.Kind]pool.Plan
	policy Policy
}

func (o *Operator) look(ctx context.Context, tier pool.Tier, p Policy) (sight, error) {
	s, err := ledger.LookAhead(ctx, o.Ledger, tier, p.Document, o.Now())
	if err != nil {
		return sight{}, fmt.Errorf("look at tier %s: %w", tier, err)
	}
	return sight{Sight: s, plans: s.Plans(), policy: p}, nil
}

func (o *Operator) pool(ctx context.Context, kind pool.Kind, s sight) (Pool, error) {
	key := pool.Key{Kind: kind, Tier: s.Tier}
	ward, err := o.Ledger.Ward(ctx, pool.Key{Kind: pool.Share, Tier: s.Tier}) // databases have none, and stand in the same zones
	if err != nil {
		return Pool{}, fmt.Errorf("read pool %s: %w", poolName(key), err)
	}
	storm, err := o.Ledger.Storm(ctx)
	if err != nil {
		return Pool{}, fmt.Errorf("read pool %s: %w", poolName(key), err)
	}
	seen, policy, now := s.Observed(kind), s.Policy(kind), s.At
	view := Pool{
		Pool: poolName(key), Kind: kind, Tier: s.Tier, PolicyInvalid: s.policy.Warning(), Waiting: seen.Waiting, LastNumber: seen.Record.Seq,
		Plan: planOf(s.plans[kind], s.policy), Lead: leadTimes(seen.Record, policy), FailuresInARow: seen.Record.Failures, FailingZones: pool.FailingZones(storm, ward, now),
	}
	c := seen.Record.Counters
	view.Hosts = HostCounts{There: c.Hosts, InService: c.InService, Provisioning: c.Provisioning, Cordoned: c.Cordoned, Quarantined: c.Quarantined}
	if mine, ok := s.Document.Pools.Of(key); ok {
		view.Policy, view.Hosts.Ceiling = &mine, mine.Ceiling
	}
	view.Slots = SlotCounts{
		Free: seen.Free(policy), OnShelf: seen.OnShelf, Assigned: seen.Assigned(), Coming: seen.Coming(policy, now), Leaving: c.Leaving, Cooling: c.Cooling,
	}
	if now.Before(seen.Record.BackoffUntil) {
		view.NoOrderBefore = seen.Record.BackoffUntil.UTC()
	}
	for _, coming := range seen.Record.Coming {
		view.Coming = append(view.Coming, Coming{
			Host: coming.Host, OrderedAt: coming.OrderedAt.UTC(), Slots: coming.Slots, Late: now.Sub(coming.OrderedAt) > seen.Record.LateAfter(policy),
		})
	}
	for _, p := range ward.Patients {
		if of, _, err := p.Host.Parse(); err != nil || of != key {
			continue
		}
		view.Patients = append(view.Patients, Patient{Host: p.Host, Zone: p.Zone, Since: p.Since.UTC(), Inside: p.Inside, Planned: p.Planned})
	}
	return view, nil
}

// planOf words a plan. With no policy in force no pool check gets as far as a plan.
func planOf(p pool.Plan, in Policy) Plan {
	if in.oneInForce() != nil {
		return Plan{Reason: "nothing is planned: no policy is in force"}
	}
	plan := Plan{Orders: len(p.Actions), Reason: p.Reason}
	for _, held := range p.Held {
		plan.Held = append(plan.Held, Held(held))
	}
	return plan
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
