package recovery

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// has is a tenant that has both.
func (p *planner) has(t pool.Tenant, known bool, s Secret, database, share place) {
	of := "tenant " + string(s.Tenant)
	key, _, _ := database.host.Parse()
	after := t.Clone()
	if !known {
		after = pool.Tenant{ID: s.Tenant, Tier: key.Tier, State: pool.TenantRequested, RequestedAt: s.Made.UTC()}
	}
	ready := known && t.State == pool.TenantReady
	if after.Secret = s.ARN; after.Mark != s.Mark { // another life's, with departures of its own, and nothing of before
		after.Mark, after.Undone = s.Mark, p.undone(s)
		after.RequestedAt, after.ReadyAt = s.Made.UTC(), s.Made.UTC()
	}
	p.lives = append(p.lives, s)
	var what []string
	if !p.same(t.Database, database) {
		if ready && t.Database.Host != database.host {
			after.MovedAt = p.now
		}
		after.Database = p.holding(database)
		what = append(what, "its secret is for "+s.Database+" of "+string(database.host))
	}
	if !p.same(t.Share, share) {
		after.Share = p.holding(share)
		what = append(what, "share "+p.slot(share).Share+" of "+string(share.host)+" bears its tag")
	}
	if addressed, why := p.addressed(t, share); why != "" {
		after.Addresses, after.Change = addressed.Addresses, addressed.Change
		if what = append(what, why); ready {
			after.Progress = addressed.Progress
		}
	}
	half := p.half(t, database, share)
	if half && t.State == pool.TenantRequested && len(what) == 0 && t.Mark == s.Mark {
		return // its signup goes on
	}
	if half {
		after, what = p.goesOn(after, known, what)
	} else if !ready {
		var err error
		after.Returning, after.Anew, after.Held, after.Change = nil, false, false, pool.Change{}
		if after, err = pool.MoveTenant(after, pool.TenantReady, p.now, "recovered: "+strings.Join(what, "; ")); err != nil {
			p.unsure("decide for", of, "%v", err)
			return
		}
		after.ReadyAt = s.Made.UTC()
		what = append(what, "it has both")
	} else if t.Mark != s.Mark || t.Secret != s.ARN {
		what = append(what, "it logs in by secret "+s.ARN)
	}
	if len(what) > 0 {
		p.change(t, after)
		p.does("restore", of, "%s", strings.Join(what, "; "))
	}
	switch db, sh := p.slot(database).Open, p.slot(share).Open; {
	case half:
	case !db && !sh:
		p.plan.Leave = append(p.plan.Leave, Wish{s.Tenant, lastWord(after, s).Add(tick)})
		p.does("have leave again", of, "nobody can reach its database or its share: it was leaving")
	case db != sh:
		p.unsure("let in or put out", of, "somebody can reach its %s, and not its other half: something about it was under way", map[bool]string{true: "database", false: "share"}[db])
	}
}

// addressed is a tenant with the addresses that its share serves, and why that is not what its record says; why is empty: it is. Who is
// shut has none of the addresses that another is served at by now: were it let in again, so would the other's machine be.
func (p *planner) addressed(t pool.Tenant, share place) (after pool.Tenant, why string) {
	after, s := t.Clone(), p.slot(share)
	if s.Open && !slices.Equal(slices.Sorted(slices.Values(s.Clients)), t.Clients()) {
		after.Addresses = s.Addresses()
		why = "its share serves " + strings.Join(after.Addresses, ", ")
	} else if address, other := p.lost(t, share); other != "" {
		after.Addresses = slices.DeleteFunc(t.Desired(), func(a string) bool { return p.serving(a, t.ID) != "" })
		why = "its address " + address + " is tenant " + string(other) + "'s by now"
	} else {
		return t, ""
	}
	after.Change, after.Progress = pool.Change{}, pool.Progress{}
	return after, why
}

// half reports whether a tenant that has both was about to get them: it has not been in, or else it was being shut out.
func (p *planner) half(t pool.Tenant, database, share place) bool {
	db := p.slot(database)
	return t.State != pool.TenantReady && !db.Open && !db.Holds && !p.slot(share).Full
}

// lost is an address of a tenant's, whose share serves nobody, that is another tenant's by now; other is empty: none is.
func (p *planner) lost(t pool.Tenant, share place) (address string, other pool.TenantID) {
	if p.slot(share).Open {
		return "", ""
	}
	for _, address = range t.Reached() {
		if other = p.serving(address, t.ID); other != "" {
			return address, other
		}
	}
	return "", ""
}

// tick is what is just after something else: messages are dated in milliseconds.
const tick = time.Millisecond

// lastWord is when the last message was sent that is known to have been followed: a tenant signed up, as its record says or the secret by
// which it logs in, had its storage, or was asked to leave or to stay. It is the same however often the recovery is made.
func lastWord(t pool.Tenant, s Secret) time.Time {
	return slices.MaxFunc([]time.Time{t.RequestedAt, t.ReadyAt, t.LeftAt, s.Made.UTC()}, time.Time.Compare)
}

// undone is how many departures of the life that a secret is of were undone, by those on record: the next has that number.
func (p *planner) undone(s Secret) (n int) {
	for _, d := range p.Departures[s.Tenant] {
		if d.Tenant.Mark == s.Mark && (d.State == pool.DepartureUndone || d.State == pool.DepartureUndoing) {
			n = max(n, d.Tenant.Undone+1)
		}
	}
	return n
}

// goesOn is a tenant whose signup was cut short when it had its share, or when that bore its tag: its signup opens both, and
// tells it so. One that had its storage, put nothing in, and was shut out to leave, looks the same.
func (p *planner) goesOn(t pool.Tenant, known bool, what []string) (pool.Tenant, []string) {
	why := "recovered: its signup goes on with " + strings.Join(what, "; ")
	if known && t.State != pool.TenantRequested { // it waited, or had left
		if moved, err := pool.MoveTenant(t, pool.TenantRequested, p.now, why); err == nil {
			t = moved
		}
	} else {
		t.History = pool.Append(t.History, pool.Entry{At: p.now, What: string(pool.TenantRequested), Why: why})
	}
	t.Returning, t.Anew, t.Held, t.Change = nil, false, false, pool.Change{}
	t.Progress = pool.Started(pool.StepOpen, p.now)
	return t, append(what, "its signup was cut short, and goes on")
}
