package servicequotas

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// request is one for an increase that is not decided.
type request struct {
	code  string
	value float64
	at    time.Time // when it is granted
}

// increase answers RequestServiceQuotaIncrease.
func (q *Quotas) increase(_ context.Context, call endpoint.Call) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.grant()
	found, err := q.find(call)
	if err != nil {
		return nil, err
	}
	value, _ := call.Params["DesiredValue"].(float64)
	switch {
	case value <= found.counts():
		return nil, &endpoint.Error{Code: "IllegalArgumentException", Message: "You must provide a quota value greater than or equal to the current quota value."}
	case slices.ContainsFunc(q.requests, func(r request) bool { return r.code == found.code }):
		return nil, &endpoint.Error{Code: "ResourceAlreadyExistsException", Message: "Only one open service quota increase request is allowed per quota."}
	}
	now := q.cfg.Now()
	q.requests = append(q.requests, request{found.code, value, now.Add(q.cfg.Decide)})
	shown := q.shown(*found, 0, "")
	return map[string]any{"RequestedQuota": map[string]any{
		"Id": strings.ToLower(rand.Text()), "ServiceCode": found.service, "QuotaCode": found.code, "QuotaName": found.name, "QuotaArn": shown["QuotaArn"],
		"DesiredValue": value, "Status": "PENDING", "Created": float64(now.Unix()), "Unit": "None", "GlobalQuota": shown["GlobalQuota"],
	}}, nil
}

// grant grants what is to be granted by now. The caller holds the lock.
func (q *Quotas) grant() {
	now := q.cfg.Now()
	q.requests = slices.DeleteFunc(q.requests, func(r request) bool {
		if r.at.After(now) {
			return false
		}
		for i := range q.quotas {
			if q.quotas[i].code == r.code {
				q.quotas[i].applied = r.value
			}
		}
		return true
	})
}
