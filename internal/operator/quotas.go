package operator

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// Quota is a service quota of the account, and how much of it is used.
type Quota struct {
	Name    string `json:"quota"`
	Most    int    `json:"most"`    // that the account may have, or that the policy lets it; 0: nobody says
	Assumed bool   `json:"assumed"` // AWS does not say it
	Used    int    `json:"used"`    // by whomever, hosts that are only ordered too
	Percent int    `json:"percent"`
	Grown   int    `json:"grown"` // what is used when all pools are at their ceilings
	Read    string `json:"read,omitempty"`
	Counts  bool   `json:"counts"`        // whether orders are held back by it: it was read in the last 24 hours
	Why     string `json:"why,omitempty"` // why it could not be read since
}

// Quotas are the quotas that hosts take from, as AWS was asked last, by name; those that don't count are the last.
func (o *Operator) Quotas(ctx context.Context) ([]Quota, error) {
	known, unknown, err := o.reach(ctx)
	if err != nil {
		return nil, err
	}
	quotas := []Quota{}
	for _, q := range known {
		quotas = append(quotas, Quota{
			Name: q.Name, Most: q.Most, Assumed: q.Assumed, Used: q.Used, Percent: q.Percent(), Grown: q.Grown, Read: at(q.Read), Counts: q.Most > 0, Why: q.Why,
		})
	}
	for _, q := range unknown {
		one := Quota{Name: q.Name, Most: q.Most, Assumed: q.Assumed, Why: q.Why}
		if !q.Read.IsZero() {
			one.Read = at(q.Read)
		}
		quotas = append(quotas, one)
	}
	return quotas, nil
}

// reach is how much of each quota is used, and would be with all pools at their ceilings; beside them those that are not known.
func (o *Operator) reach(ctx context.Context) (known []pool.QuotaSeen, unknown []pool.Quota, err error) {
	p, err := o.Policy(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := ledger.LookAtQuotas(ctx, o.Ledger, pool.Sight{At: o.Now(), Document: p.Document})
	if err != nil {
		return nil, nil, err
	}
	known, unknown = s.Quotas.Reach(p.Document, s.Hosts, s.At)
	return known, unknown, nil
}

// quotaNeeds are what quotaFindings says of the quotas as AWS was asked last.
func (o *Operator) quotaNeeds(ctx context.Context) (needs, notes []Need, err error) {
	known, unknown, err := o.reach(ctx)
	if err != nil {
		return nil, nil, err
	}
	needs, notes = quotaFindings(known, unknown)
	return needs, notes, nil
}

// quotaFindings are the quotas under which the policy's ceilings can't be reached, and those that AWS could not be asked for; and beside
// them, to be noted, which AWS does not name.
func quotaFindings(known []pool.QuotaSeen, unknown []pool.Quota) (needs, notes []Need) {
	for _, q := range unknown {
		what := q.Since() + ": nothing is held back by it"
		if q.Why != "" {
			what += "; " + q.Why
		}
		needs = append(needs, Need{What: what, Do: "headroom dlq show reconcile"})
	}
	for _, q := range known {
		switch {
		case q.Most == 0:
			notes = append(notes, Need{
				What: fmt.Sprintf("AWS names no quota %s here, and nothing is held back by it; %d are used", q.Name, q.Used), Do: "headroom quotas",
			})
		case q.Grown > q.Most:
			needs = append(needs, Need{
				What: fmt.Sprintf("the policy can grow to %d of quota %s, which is %d; %d are used", q.Grown, q.Name, q.Most, q.Used), Do: "headroom quotas",
			})
		}
	}
	return needs, notes
}
