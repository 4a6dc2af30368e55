package pool

import "time"

// Sight is a tier as it was read, and what is wanted of it. Whoever makes or words a plan makes it from this, so that all
// come to the same.
type Sight struct {
	Tier     Tier
	At       time.Time
	Document Document
	Records  map[Kind]Record
	Rests    map[Kind][]time.Time // when slots that rest are free again, the earliest first: of those that RestsSought asks for
	Shelf    Shelf
	Waiting  int // tenants that wait and hold nothing
	Spent    Cents
	Outlook  Outlook
	Stops    Stops
	Quotas   Quotas
	Hosts    map[Kind]int // of each kind in all tiers, which share the quotas; nil: not known, and no quota counts
}

// Policy is the policy of a kind; of a tier that has none any more, the one for those who wait.
func (s Sight) Policy(k Kind) Policy { return s.Document.PolicyOf(s.Records[k]) }

// Observed is what a plan of a kind is made from.
func (s Sight) Observed(k Kind) Observed { return s.observed(k, s.pairs()) }

func (s Sight) observed(k Kind, pairs int) Observed {
	return Observed{
		Record: s.Records[k], OnShelf: s.Shelf.SetOut(k), Waiting: s.Waiting,
		Demand: s.Outlook.Demand, Pairs: pairs, CoolDown: s.coolDown(), Rests: s.Rests[k],
	}
}

func (s Sight) coolDown() time.Duration { return time.Duration(s.Document.Terms.CoolDown) }

// pairs is how many tenants can be served from what is free of both kinds.
func (s Sight) pairs() int {
	free := func(k Kind) int {
		return s.Records[k].Counters.free(s.Shelf.SetOut(k), s.Policy(k).TenantsPerHost)
	}
	return min(free(Database), free(Share))
}

// Seen is what plans of both pools are made from.
func (s Sight) Seen() TierSeen {
	t := TierSeen{
		Pools: map[Kind]Observed{}, Policies: map[Kind]Policy{}, Limits: map[Kind][]Limit{},
		Budget: Budget{Cap: s.Document.Cap(), Spent: s.Spent},
	}
	pairs := s.pairs()
	for _, k := range Kinds {
		t.Pools[k], t.Policies[k] = s.observed(k, pairs), s.Policy(k)
		if s.Stops.On(StopOrder) {
			t.Limits[k] = append(t.Limits[k], StopOf(s.Stops))
		}
		if s.Hosts != nil {
			t.Limits[k] = append(t.Limits[k], s.Quotas.Given(s.Document).limits(k, s.Hosts, s.At)...)
		}
		if uncounted := s.uncounted(); uncounted > 0 {
			t.Limits[k] = append(t.Limits[k], uncountedOf(uncounted))
		}
	}
	return t
}

// uncounted is how many hosts of the tier may not be counted in what is spent, where a cap needs that.
func (s Sight) uncounted() int {
	n := 0
	for _, k := range Kinds {
		if r := s.Records[k]; s.Document.Cap() > 0 && s.Policy(k).Price() > 0 {
			n += max(0, r.Seq-r.Counted)
		}
	}
	return n
}

// Plans plans both pools.
func (s Sight) Plans() map[Kind]Plan { return DecideTier(s.Seen(), s.At) }

// Planned is the outlook with the plans that were made, and with what each pool can do without by these.
func (s Sight) Planned(plans map[Kind]Plan) Outlook {
	o := s.Outlook.Planned(plans, func(k Kind) time.Duration { return time.Duration(s.Policy(k).KeepEmpty) }, s.At)
	pairs := s.pairs()
	for k, plan := range plans {
		planned := o.Plans[k]
		planned.Spare = Spares(s.observed(k, pairs), s.Policy(k), plan, o, s.At).Why
		o.Plans[k] = planned
	}
	return o
}

// Noted is the outlook with who came since it was written, as the next pool check will note it.
func (s Sight) Noted(read Outlook) Outlook {
	noted := read.Noted(s.Shelf.Signups, s.Records[Database].LeadTimes(s.Policy(Database), s.At), s.At)
	noted.Demand = noted.Demand.Watched(s.pairs())
	return noted
}
