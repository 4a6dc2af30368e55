package inventory

import (
	"maps"
	"slices"
	"strings"

	"headroom/internal/pool"
)

func (c *comparison) buckets() {
	there := map[string]Bucket{}
	for _, b := range c.Buckets {
		there[b.Name] = b
		c.stranger(Buckets, b.Name, "", "aws s3api get-bucket-tagging --bucket "+b.Name, b.Marks)
	}
	if c.blind(Buckets) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		for _, slot := range h.Slots {
			if slot.Bucket == "" || slot.State == pool.SlotPlanned {
				continue
			}
			name := pool.BucketName(slot.Bucket)
			b, found := there[name]
			switch {
			case !found:
				c.found.add(Missing, Page, Buckets, name, hostShow(h.ID), "bucket %s of slot %s/%d, which is %s, is not there", name, h.ID, slot.Index, slot.State)
			case slices.ContainsFunc(c.Unseen, func(u Unseen) bool { return u.Sort == Buckets && u.Of == name }):
			case b.Slot != h.SlotMark(slot) && slot.State != pool.SlotLeaving && c.At.Sub(slot.Since) >= settled:
				c.found.add(Drifted, Ticket, Buckets, name, hostShow(h.ID), "bucket %s of slot %s/%d bears the mark %q, and should bear %q", name, h.ID, slot.Index, b.Slot, h.SlotMark(slot))
			}
		}
	}
}

// SecretOf reads the name of a tenant's secret: whose it is, and of which signup. ok is false of a name that is none.
func (b Books) SecretOf(name string) (id pool.TenantID, mark string, ok bool) {
	rest, ours := strings.CutPrefix(name, "headroom/"+b.Stage+"/tenant/")
	tenant, mark, found := strings.Cut(rest, "/")
	return pool.TenantID(tenant), mark, ours && found && tenant != "" && mark != ""
}

func (c *comparison) secrets() {
	there := map[string]bool{}
	for _, s := range c.Secrets {
		there[s.Name], there[s.ARN] = true, true
		tenant, mark, ok := c.SecretOf(s.Name)
		if !ok || c.At.Sub(s.Made) < settled {
			continue
		}
		look := "headroom tenant show " + string(tenant)
		c.holds(s, tenant, mark)
		t, known := c.Tenants[tenant]
		switch {
		case !known:
			c.found.add(Orphaned, Ticket, Secrets, s.Name, "aws secretsmanager describe-secret --secret-id "+s.Name, "secret %s is of tenant %s, whom the ledger does not know", s.Name, tenant)
		case t.Mark == mark, slices.Contains(t.Spent, mark), c.leaves(t.ID, mark):
		default:
			c.found.add(Orphaned, Ticket, Secrets, s.Name, look, "secret %s is of a signup of tenant %s that the ledger does not know", s.Name, tenant)
		}
	}
	if c.blind(Secrets) {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.Tenants)) {
		if t := c.Tenants[id]; c.resting(t, c.At) && t.Secret != "" && !there[t.Secret] {
			c.found.add(Missing, Page, Secrets, t.Secret, "headroom tenant show "+string(id), "the secret of tenant %s is not there: its servers can't read how to log in", id)
		}
	}
}

// holds finds a database that a tenant's secret is for, and that the ledger takes for nobody's, or for somebody else's: as
// when the table was put back. A secret that a signup left behind when it was given other slots is for what may be anybody's.
func (c *comparison) holds(s Secret, tenant pool.TenantID, mark string) {
	name := s.Tags["headroom:database"]
	t := c.Tenants[tenant]
	if name == "" || slices.Contains(t.Spent, mark) || c.leaves(tenant, mark) {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.Hosts)) {
		h := c.Hosts[id]
		for _, slot := range h.Slots {
			if h.Kind != pool.Database || pool.DatabaseName(slot.Name) != name || c.At.Sub(slot.Since) < settled {
				continue
			}
			free := slot.State == pool.SlotFree || slot.State == pool.SlotOffered && !c.Held[tenant] && (t.Database.Host == "" || c.resting(t, c.At))
			if !free && (slot.State != pool.SlotAssigned || slot.Tenant == tenant) {
				continue
			}
			c.found.add(Drifted, Page, Secrets, s.Name, "headroom host cordon "+string(h.ID)+" --reason 'the ledger is behind'",
				"the database of slot %s/%d is tenant %s's by its secret, and by the ledger it is %s%s: it must not be handed out",
				h.ID, slot.Index, tenant, slot.State, of(slot.Tenant))
		}
	}
}

func of(t pool.TenantID) string {
	if t == "" {
		return ""
	}
	return " to " + string(t)
}

// leaves reports whether a mark is of a life of a tenant that a departure ends or ended. One that is left to be deleted at
// a departure's end is its own until then; a departure that has ended leaves none.
func (c *comparison) leaves(id pool.TenantID, mark string) bool {
	return slices.ContainsFunc(c.Departures[id], func(d pool.Departure) bool {
		return d.State != pool.DepartureLeft && (d.Tenant.Mark == mark || slices.Contains(d.Tenant.Spent, mark))
	})
}
