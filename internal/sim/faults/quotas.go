package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/handler/reconcile"
	"headroom/internal/pool"
	"headroom/internal/stocktake"
)

// account is what the account may have, and what others than the stage use of it.
type account struct {
	w      *world
	most   map[string]int // by a quota's name
	others map[string]int
}

// takes are the quotas that hosts take from here.
var takes = []pool.Quota{{Name: "rds-instances", Database: 1}, {Name: "ec2-vcpus", Share: 4}, {Name: "stacks", Database: 1, Share: 1}}

const (
	// roundEvery is between two looks at the account.
	roundEvery = 15 * time.Minute
	// ample is a quota that nothing reaches.
	ample = 1000
	// quotaTime is how long after a quota was read to be used up nothing may be ordered any more that takes of it.
	quotaTime = 2 * time.Minute
)

// newAccount draws what an account may have: little, where it is squeezed.
func newAccount(w *world) *account {
	a := &account{w: w, most: map[string]int{}, others: map[string]int{}}
	squeezed := w.chances[Squeezed]
	few := squeezed.comes()
	for _, q := range takes {
		a.most[q.Name], a.others[q.Name] = ample, squeezed.draw.IntN(4)
		if few && squeezed.draw.IntN(2) == 0 {
			a.most[q.Name] = a.others[q.Name] + (2+squeezed.draw.IntN(4))*max(q.Database, q.Share)
		}
	}
	return a
}

// squeeze has others take more or less of a quota, or AWS grant another one.
func (a *account) squeeze() {
	squeezed := a.w.chances[Squeezed]
	if !squeezed.comes() {
		return
	}
	q := takes[squeezed.draw.IntN(len(takes))]
	each := max(q.Database, q.Share)
	if squeezed.draw.IntN(3) == 0 {
		a.most[q.Name] = a.used(q) + squeezed.draw.IntN(4)*each
	} else {
		a.others[q.Name] = squeezed.draw.IntN(4) * each
	}
	a.w.trace("quota %s is %d, others use %d and all %d", q.Name, a.most[q.Name], a.others[q.Name], a.used(q))
}

// raise has AWS grant all that is wanted.
func (a *account) raise() {
	for name := range a.most {
		a.most[name] = ample
	}
}

// used is what is used of a quota, by whomever.
func (a *account) used(q pool.Quota) int {
	used := a.others[q.Name]
	for _, h := range a.w.cloud.stacks.live {
		if q.Name == "stacks" || h.taken {
			used += q.Takes(h.kind)
		}
	}
	if q.Name == "rds-instances" {
		for _, name := range a.w.cloud.rds.Names() {
			if a.w.cloud.stacks.live[name] == nil {
				used++ // a temporary one
			}
		}
	}
	return used
}

// refuses says in AWS's words why a host's stack can't be made, or what is in it; empty: it can be.
func (a *account) refuses(kind pool.Kind, ofStacks bool) string {
	words := map[string]string{
		"rds-instances": "DB Instance quota exceeded (Service: Rds, Status Code: 400, Error Code: InstanceQuotaExceeded)",
		"ec2-vcpus":     "You have requested more vCPU capacity than your current vCPU limit allows (Service: Ec2, Status Code: 400, Error Code: VcpuLimitExceeded)",
		"stacks":        "LimitExceededException: Limit for stacks has been exceeded",
	}
	for _, q := range takes {
		if (q.Name == "stacks") == ofStacks && q.Takes(kind) > 0 && a.used(q)+q.Takes(kind) > a.most[q.Name] {
			return words[q.Name]
		}
	}
	return ""
}

// Read reads the quotas, as of which some can't be read.
func (a *account) Read(context.Context) (pool.QuotaReading, error) {
	return answered(a.w, "ReadQuotas", func() (pool.QuotaReading, error) {
		r := pool.QuotaReading{Said: map[string]pool.QuotaSaid{}, Made: map[pool.Kind]int{}, Moving: map[pool.Kind]int{}}
		for _, h := range a.w.cloud.stacks.live {
			status := "CREATE_IN_PROGRESS"
			if s, there := a.w.cloud.stacks.api.Stack(h.stack); there {
				status = string(s.Status)
			}
			if status == "CREATE_COMPLETE" || strings.HasPrefix(status, "UPDATE_") {
				r.Made[h.kind]++
			} else {
				r.Moving[h.kind]++
			}
		}
		for _, q := range takes {
			r.Said[q.Name] = pool.QuotaSaid{Most: a.most[q.Name], Used: a.used(q)}
			if unread := a.w.chances[Squeezed]; !unread.over && unread.rate > 0 && unread.draw.IntN(8) == 0 {
				r.Said[q.Name] = pool.QuotaSaid{Why: "AccessDenied: not now"}
			}
		}
		return r, nil
	})
}

// noStock takes stock of nothing: what would be found nobody here has made.
type noStock struct{}

// Take takes it.
func (noStock) Take(context.Context) (stocktake.Stock, error) { return stocktake.Stock{}, nil }

// wireReconcile makes the function that reads the quotas, and has it do so on its schedule.
func (w *world) wireReconcile() error {
	now := w.clock("reconcile")
	announcer, announceErr := w.announcer(now)
	h, err := reconcile.New(reconcile.Config{
		Stock: noStock{}, Account: w.quotas, Takes: takes, Ledger: w.store(), Announce: announcer, Metrics: none, Log: discard, Now: now,
	})
	if err == nil {
		w.rounds.handle = each(h.Message)
	}
	return errors.Join(announceErr, err)
}

// goRound asks for a look at the account, time and again.
func (w *world) goRound() {
	w.send(w.rounds, events.NewReconcileRound())
	w.after(roundEvery, w.goRound)
}

// full is of which kinds no host more may be ordered by what is known of quotas, and why.
func (a accounts) full(now time.Time) map[pool.Kind]string {
	hosts := map[pool.Kind]int{}
	for key, r := range a.Pools {
		hosts[key.Kind] += r.Counters.Hosts
	}
	full := map[pool.Kind]string{}
	for _, q := range a.Quotas.Seen {
		for _, k := range pool.Kinds {
			if q.Takes(k) > 0 && q.Most > 0 && !q.Stale(now) && q.Used(hosts)+q.Takes(k) > q.Most {
				full[k] = fmt.Sprintf("quota %s is %d, of which %d are used", q.Name, q.Most, q.Used(hosts))
			}
		}
	}
	return full
}

// quotasHold holds what is ordered to the quotas that are known.
func (w *world) quotasHold(a accounts) {
	hosts := map[pool.Kind]int{}
	for key, r := range a.Pools {
		hosts[key.Kind] += r.Counters.Hosts
	}
	for k, n := range hosts {
		since, full := w.before.full[k]
		if full && n > w.before.hostsOf[k] && w.now.Sub(since) > quotaTime {
			w.found("nothing is ordered beyond a quota that is known", "a %s host is, and since %s %s", k, since.Sub(w.begun), w.before.fullBy[k])
		}
	}
	w.before.hostsOf = hosts
	w.before.fullBy = a.full(w.now)
	maps.DeleteFunc(w.before.full, func(k pool.Kind, _ time.Time) bool { return w.before.fullBy[k] == "" })
	for k := range w.before.fullBy {
		if _, known := w.before.full[k]; !known {
			w.before.full[k] = w.now
		}
	}
	for _, k := range pool.Kinds {
		c, s := a.Pools[pool.Key{Kind: k, Tier: tier}].Counters, a.Shelves[tier]
		if c.Reserve+c.Cooling+c.Provisioning > 0 || len(s.Offers(k)) > 0 || s.Refill != nil {
			delete(w.before.bare, k)
		} else if _, known := w.before.bare[k]; !known {
			w.before.bare[k] = w.now
		}
	}
}

// heldByName holds, once a minute, that what is held back is by a limit's name: somebody waits, of a kind there is none, none is
// coming, and no plan of the last minutes says why. A plan knows of who waited before it was begun, and of what there was by then: that
// a host on its way failed since, or one in service was cordoned, the next one says. What recovery holds is planned for by nobody.
func (w *world) heldByName() {
	if w.blind() {
		clear(w.before.bare)
		return
	}
	a := w.ledger.Books()
	since, full := time.Time{}, false
	for _, at := range w.before.full {
		since, full = at, true
	}
	if len(a.Waiting[tier]) == 0 || !full || w.now.Sub(since) < 10*time.Minute {
		return
	}
	waits := waitsSince(a.Tenants[a.Waiting[tier][0].Tenant])
	o, err := w.ledger.Outlook(context.Background(), tier)
	for k, p := range must(w, o, err).Plans {
		bare, none := w.before.bare[k]
		if !none || w.before.fullBy[k] == "" || w.now.Sub(w.before.full[k]) < 10*time.Minute || p.At.Before(later(later(w.before.full[k], waits), bare).Add(quotaTime)) {
			continue
		}
		if len(p.Held) == 0 && p.Orders == 0 {
			w.found("what is held back is by name", "%d wait, %s, and the plan of %s is %+v", len(a.Waiting[tier]), w.before.fullBy[k], k, p)
		}
	}
}

// waitsSince is since when somebody waits.
func waitsSince(t pool.Tenant) (since time.Time) {
	for _, e := range t.History {
		if e.What == string(pool.TenantWaiting) {
			since = e.At
		}
	}
	return since
}
