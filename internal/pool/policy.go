package pool

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Placement is the order in which hosts' slots are set out.
type Placement string

const (
	// Pack fills the fullest hosts up first, so that empty ones can go.
	Pack Placement = "pack"
	// Spread takes from the emptiest hosts first, so that tenants share as little as possible.
	Spread Placement = "spread"
)

// Policy is what an operator wants of one pool. It can be changed while the pool runs.
type Policy struct {
	Kind           Kind      `json:"kind"`
	Tier           Tier      `json:"tier"`
	SlotsPerHost   int       `json:"slotsPerHost"`   // slots that a new host gets
	Floor          int       `json:"floor"`          // hosts there are at least
	Ceiling        int       `json:"ceiling"`        // hosts there are at most
	ServeAtOnce    float64   `json:"serveAtOnce"`    // per cent of signups that are to be served at once, 50 to 99.9; 0: no forecast
	BufferSlots    int       `json:"bufferSlots"`    // slots kept free at least
	BufferPercent  int       `json:"bufferPercent"`  // slots kept free at least, as a share of those assigned
	MaxOrders      int       `json:"maxOrders"`      // hosts provisioning at once
	Placement      Placement `json:"placement"`      // pack or spread
	TenantsPerHost int       `json:"tenantsPerHost"` // tenants a host takes at most; 0: as many as it has slots

	Scheduled []Scheduled `json:"scheduled,omitempty"` // times for which more slots are to be free
	KeepEmpty Term        `json:"keepEmpty"`           // an empty host goes if nothing that was wanted within this time needs it; 0: never
	HostPrice float64     `json:"hostPrice,omitzero"`  // of a host, in dollars a month
	UsualLead Term        `json:"usualLead,omitzero"`  // the median lead time that is expected beside what is measured; 0: AWS's

	DrainPace   int  `json:"drainPace,omitzero"`   // tenants that are moved off drained database hosts in an hour; 0: none
	DrainMost   Term `json:"drainMost,omitzero"`   // a tenant that would be shut out for longer by that is not moved; 0: however long it takes
	Consolidate bool `json:"consolidate,omitzero"` // a database host whose tenants the others can take over is drained by itself
}

// Key names the policy's pool.
func (p Policy) Key() Key { return Key{Kind: p.Kind, Tier: p.Tier} }

// maxSlots bounds the slots of a host, and so the tenants of one.
const maxSlots = 100

// defaults are what holds where a document says nothing of a pool.
var defaults = Policy{ServeAtOnce: 99, KeepEmpty: Term(24 * time.Hour)}

// defaultOrders is how many hosts may be provisioning at once where a document says nothing.
var defaultOrders = map[Kind]int{Database: 16, Share: 32}

// unsaid marks a number that a document says nothing of.
const unsaid = math.MinInt

// UnmarshalJSONFrom reads a policy, with defaults for what it leaves out: documents of before there was a forecast are
// read as well.
func (p *Policy) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	type plain Policy // without this method
	read := plain(defaults)
	read.MaxOrders = unsaid
	if err := json.UnmarshalDecode(from, &read); err != nil {
		return err
	}
	if read.MaxOrders == unsaid {
		read.MaxOrders = defaultOrders[read.Kind]
	}
	*p = Policy(read)
	return nil
}

// Limit is how many tenants a host takes, if it has the slots.
func (p Policy) Limit() int {
	if p.TenantsPerHost == 0 {
		return maxSlots
	}
	return p.TenantsPerHost
}

// Brings is how many tenants a new host can take.
func (p Policy) Brings() int { return min(p.SlotsPerHost, p.Limit()) }

// Policies are the policies of all pools, by tier and kind, in a fixed order.
type Policies []Policy

// Of returns the policy of a pool.
func (ps Policies) Of(k Key) (Policy, bool) {
	i := slices.IndexFunc(ps, func(p Policy) bool { return p.Key() == k })
	if i < 0 {
		return Policy{}, false
	}
	return ps[i], true
}

// Tiers are the tiers that can be signed up for, sorted.
func (ps Policies) Tiers() []Tier {
	var tiers []Tier
	for _, p := range ps {
		if !slices.Contains(tiers, p.Tier) {
			tiers = append(tiers, p.Tier)
		}
	}
	slices.Sort(tiers)
	return tiers
}

// Serves reports whether a tier can be signed up for.
func (ps Policies) Serves(t Tier) bool { return slices.Contains(ps.Tiers(), t) }

const (
	keepMost    = 30 * 24 * time.Hour // the longest keepEmpty
	leadMost    = 24 * time.Hour      // the longest usualLead
	paceMost    = 60                  // of any drainPace: a pool check a minute begins one move at most
	drainMost   = 24 * time.Hour      // the longest drainMost
	dollarsMost = 1e9                 // of any amount of money
)

// Document is what an operator wants of a stage: {"version":"1","pools":[…],"terms":{…},"drills":[…],"moneyCap":3000,
// "quotas":{…}}, of which the terms, each of them, the drills, the cap and the quotas may be left out.
type Document struct {
	Version string   `json:"version"`
	Pools   Policies `json:"pools"`
	Terms   Terms    `json:"terms"`
	Drills  []Drill  `json:"drills,omitempty"` // moves of gateways that were tried, and may be made by themselves
	// MoneyCap is what all hosts of the stage together may cost, in dollars a month; 0: there is no cap.
	MoneyCap float64 `json:"moneyCap,omitzero"`
	// Quotas are the service quotas that the account was given since it was deployed, by name, such as "rds-instances".
	Quotas map[string]int `json:"quotas,omitempty"`
}

// shareSlots is how many shares a gateway of the default size serves (AWS, "Performance guidance for gateways
// with multiple file shares": 10 at cache size "Small").
const shareSlots = 10

// Bounds are what hosts can bear, whatever a policy asks for.
type Bounds struct {
	DatabaseSlots int // slots of a database host, for whose tenants it has connections
}

// ParseDocument reads a policy document and refuses one that cannot be meant, or that hosts can't bear, with
// every reason.
func ParseDocument(document []byte, bounds Bounds) (Document, error) {
	// A name that is spelt otherwise, or is there twice, is refused: what was meant must not be guessed.
	doc := Document{Terms: DefaultTerms}
	if err := json.Unmarshal(document, &doc, json.RejectUnknownMembers(true)); err != nil {
		return Document{}, fmt.Errorf("read policy document: %w", err)
	}
	errs := append(doc.Terms.check(), checkDrills(doc.Drills)...)
	if doc.Version != "1" {
		errs = append(errs, fmt.Errorf("version is %q, not \"1\"", doc.Version))
	}
	if len(doc.Pools) == 0 {
		errs = append(errs, errors.New("no pools"))
	}
	seen := map[Key]bool{}
	for _, p := range doc.Pools {
		if seen[p.Key()] {
			errs = append(errs, fmt.Errorf("pool %s is there twice", p.Key()))
		}
		seen[p.Key()] = true
		errs = append(errs, p.check(bounds)...)
	}
	for _, t := range doc.Pools.Tiers() {
		for _, k := range Kinds {
			if !seen[Key{k, t}] {
				errs = append(errs, fmt.Errorf("tier %q has no %s pool", t, k))
			}
		}
	}
	errs = append(errs, doc.checkMoney()...)
	errs = append(errs, doc.checkQuotas()...)
	if len(errs) > 0 {
		return Document{}, fmt.Errorf("policy document: %w", errors.Join(errs...))
	}
	slices.SortFunc(doc.Pools, func(a, b Policy) int {
		if a.Tier != b.Tier {
			return compare(a.Tier, b.Tier)
		}
		return compare(a.Kind, b.Kind)
	})
	return doc, nil
}

func compare[T ~string](a, b T) int { return bytes.Compare([]byte(a), []byte(b)) }

func (p Policy) check(bounds Bounds) []error {
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("pool %s: "+format, append([]any{p.Key()}, args...)...))
		}
	}
	refuse(p.Kind != Database && p.Kind != Share, "kind is neither database nor share")
	refuse(!validTier(p.Tier), "tier is not 1 to 20 lower-case letters and digits")
	refuse(p.SlotsPerHost < 1 || p.SlotsPerHost > maxSlots, "slotsPerHost is %d, not 1 to %d", p.SlotsPerHost, maxSlots)
	refuse(p.Kind == Share && p.SlotsPerHost > shareSlots, "slotsPerHost is %d; a gateway has %d shares at most", p.SlotsPerHost, shareSlots)
	refuse(p.Kind == Database && p.SlotsPerHost > bounds.DatabaseSlots,
		"slotsPerHost is %d; an instance of this stage has connections for the tenants of %d", p.SlotsPerHost, bounds.DatabaseSlots)
	refuse(p.Floor < 0, "floor is %d", p.Floor)
	refuse(p.Ceiling < 1 || p.Ceiling < p.Floor, "ceiling is %d, below 1 or the floor %d", p.Ceiling, p.Floor)
	refuse(p.ServeAtOnce != 0 && (p.ServeAtOnce < 50 || p.ServeAtOnce > 99.9), "serveAtOnce is %v, not 50 to 99.9", p.ServeAtOnce)
	refuse(p.BufferSlots < 0, "bufferSlots is %d", p.BufferSlots)
	refuse(p.BufferPercent < 0 || p.BufferPercent > 1000, "bufferPercent is %d, not 0 to 1000", p.BufferPercent)
	refuse(p.MaxOrders < 1, "maxOrders is %d, not 1 or more", p.MaxOrders)
	refuse(p.Placement != Pack && p.Placement != Spread, "placement is %q, neither pack nor spread", p.Placement)
	refuse(p.TenantsPerHost < 0, "tenantsPerHost is %d", p.TenantsPerHost)
	refuse(p.KeepEmpty < 0 || time.Duration(p.KeepEmpty) > keepMost, "keepEmpty is %s, not 0 to %s", time.Duration(p.KeepEmpty), keepMost)
	refuse(p.HostPrice < 0 || p.HostPrice > dollarsMost, "hostPrice is %v", p.HostPrice)
	refuse(p.UsualLead < 0 || time.Duration(p.UsualLead) > leadMost, "usualLead is %s, not 0 to %s", time.Duration(p.UsualLead), leadMost)
	refuse(p.DrainPace < 0 || p.DrainPace > paceMost, "drainPace is %d, not 0 to %d", p.DrainPace, paceMost)
	refuse(p.DrainMost < 0 || time.Duration(p.DrainMost) > drainMost, "drainMost is %s, not 0 to %s", time.Duration(p.DrainMost), drainMost)
	refuse(p.Kind == Share && (p.DrainPace != 0 || p.DrainMost != 0 || p.Consolidate), "drainPace, drainMost and consolidate are of databases: a share stays where its bucket is")
	refuse(p.Consolidate && p.DrainPace == 0, "consolidate needs a drainPace: else what is drained by itself is never empty")
	return append(errs, p.checkScheduled()...)
}

func validTier(t Tier) bool {
	if len(t) < 1 || len(t) > 20 {
		return false
	}
	for _, r := range t {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}
