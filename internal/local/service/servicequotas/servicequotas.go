// Package servicequotas fakes Service Quotas: what the account may have, of what hosts are made of. Other services ask it before they
// make something.
package servicequotas

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

// defaultDecide is how long AWS takes here to grant a request. In truth that is from minutes to days, and it may refuse.
const defaultDecide = 10 * time.Minute

// Config is what the fake needs. Account, Region and Now are required.
type Config struct {
	Account, Region string
	Now             func() time.Time
	Decide          time.Duration // from a request for an increase to its being granted; default 10 minutes
	// Allowed reports whether a caller may do something that Service Quotas does as the caller; nil: everybody may.
	Allowed func(principal, action string) error
}

// Quotas is the fake. Its methods may be called at once.
type Quotas struct {
	cfg Config

	mu       sync.Mutex
	quotas   []quota
	requests []request // the oldest first
}

// New makes the quotas of an account.
func New(cfg Config) *Quotas {
	if cfg.Decide == 0 {
		cfg.Decide = defaultDecide
	}
	return &Quotas{cfg: cfg, quotas: slices.Clone(known)}
}

// Set gives the account a quota from now on.
func (q *Quotas) Set(code string, value float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.quotas {
		if q.quotas[i].code == code {
			q.quotas[i].applied = value
		}
	}
}

// Most is what the account may have of something, by its quota's code.
func (q *Quotas) Most(code string) float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.grant()
	for _, one := range q.quotas {
		if one.code == code {
			return one.counts()
		}
	}
	return 0
}

// counts is what is enforced, whatever is available to who asks.
func (q quota) counts() float64 {
	if q.applied > 0 {
		return q.applied
	}
	return q.preset
}

// Service answers Service Quotas' API.
func (q *Quotas) Service() endpoint.Service {
	return endpoint.Service{Name: "servicequotas", Operations: map[string]endpoint.Operation{
		"GetServiceQuota":             q.get,
		"GetAWSDefaultServiceQuota":   q.getDefault,
		"ListServiceQuotas":           q.list,
		"RequestServiceQuotaIncrease": q.increase,
	}}
}

// find finds the quota that a call names. The caller holds the lock.
func (q *Quotas) find(call endpoint.Call) (*quota, error) {
	service, code := constraint.Text(call.Params, "ServiceCode"), constraint.Text(call.Params, "QuotaCode")
	if refused := constraint.QuotaNamed(service, code); refused != nil {
		return nil, endpoint.Refused(refused)
	}
	some := false
	for i := range q.quotas {
		if q.quotas[i].service == *service {
			some = true
			if q.quotas[i].code == *code {
				return &q.quotas[i], nil
			}
		}
	}
	if !some {
		return nil, endpoint.Refused(constraint.NoQuotaService())
	}
	return nil, endpoint.Refused(constraint.NoQuota())
}

func (q *Quotas) get(_ context.Context, call endpoint.Call) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.grant()
	found, err := q.find(call)
	switch {
	case err != nil:
		return nil, err
	case found.applied == 0:
		return nil, endpoint.Refused(constraint.NoQuota())
	}
	return map[string]any{"Quota": q.shown(*found, found.applied, call.Principal)}, nil
}

func (q *Quotas) getDefault(_ context.Context, call endpoint.Call) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	found, err := q.find(call)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Quota": q.shown(quota{service: found.service, code: found.code, name: found.name}, found.preset, "")}, nil
}

// list answers ListServiceQuotas: those of a service whose applied values are available.
func (q *Quotas) list(_ context.Context, call endpoint.Call) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.grant()
	service, list, some := constraint.Text(call.Params, "ServiceCode"), []any{}, false
	for _, one := range q.quotas {
		if service != nil && one.service == *service {
			some = true
			if one.applied > 0 {
				list = append(list, q.shown(one, one.applied, call.Principal))
			}
		}
	}
	if !some {
		return nil, endpoint.Refused(constraint.NoQuotaService())
	}
	return map[string]any{"Quotas": list}, nil
}

// shown is a quota as it is answered to a caller, with a value or with why there is none.
func (q *Quotas) shown(one quota, value float64, principal string) map[string]any {
	set := map[string]any{
		"ServiceCode": one.service, "QuotaCode": one.code, "QuotaName": one.name, "Unit": "None", "Adjustable": true, "GlobalQuota": one.service == "iam",
		"QuotaArn": fmt.Sprintf("arn:aws:servicequotas:%s:%s:%s/%s", q.cfg.Region, q.cfg.Account, one.service, one.code),
	}
	if one.asks != "" && principal != "" && q.cfg.Allowed != nil {
		if err := q.cfg.Allowed(principal, one.asks); err != nil {
			set["ErrorReason"] = map[string]any{"ErrorCode": constraint.QuotaDependency, "ErrorMessage": err.Error()}
			return set
		}
	}
	set["Value"] = value
	return set
}
