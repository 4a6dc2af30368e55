package inventory

import (
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// Compare holds what was seen against the books. A sort of which nothing could be seen is a finding, and nothing is found
// missing of it. now is by the same clock as what the books say.
func Compare(b Books, seen Seen, now time.Time) []Finding {
	c := comparison{Books: b, Seen: seen, now: now, orders: b.orders()}
	c.unseen()
	c.stacks()
	c.instances()
	c.machines()
	c.volumes()
	c.gateways()
	c.shares()
	c.groups()
	c.buckets()
	c.secrets()
	c.alarms()
	return c.found.ordered()
}

type comparison struct {
	Books
	Seen
	now    time.Time
	orders map[string]pool.HostID
	found  findings
}

// blind reports whether nothing is known of a sort.
func (c *comparison) blind(s Sort) bool {
	return slices.ContainsFunc(c.Unseen, func(u Unseen) bool { return u.Sort == s && u.Of == "" })
}

func (c *comparison) unseen() {
	for _, u := range c.Unseen {
		if u.Sort == Gateways && c.givenUp(u.Of) {
			continue // it answers nothing any more, and is noted as what it is
		}
		of, do := string(u.Sort), "headroom doctor"
		if u.Of != "" {
			of = u.Of + " among the " + of
		}
		if u.Denied {
			do = "aws sts get-caller-identity"
		}
		c.found.add(Unlooked, Ticket, u.Sort, u.Of, do, "could not look at %s: %s", of, u.Why)
	}
}

// givenUp reports whether a gateway is one that another took the place of.
func (c *comparison) givenUp(arn string) bool {
	return slices.ContainsFunc(c.Gateways, func(g Gateway) bool {
		id, _ := c.hostOf(g.Marks, g.Name)
		h := c.Hosts[id]
		return g.ARN == arn && h.Gateways > 0 && h.Access.Gateway != arn
	})
}

// hosts are the hosts that have all that a host has, by ID.
func (c *comparison) hosts(kind pool.Kind) []pool.Host {
	var all []pool.Host
	for _, id := range slices.Sorted(maps.Keys(c.Hosts)) {
		if h := c.Hosts[id]; (kind == "" || h.Kind == kind) && standing(h, c.At) {
			all = append(all, h)
		}
	}
	return all
}

// stranger finds a thing that no host of the books has, or that another order made; known is false then. What is of a
// live host by its marks is known, whatever it is like.
func (c *comparison) stranger(sort Sort, of, name, do string, m Marks) (h pool.Host, known bool) {
	id, ours := c.hostOf(m, name)
	h, recorded := c.Hosts[id]
	what := one[sort]
	switch {
	case id == "":
		return h, false // it is nothing of a host's
	case !ours && recorded && h.State.Live():
		c.found.add(Foreign, Ticket, sort, of, do, "%s %s stands where host %s should have its own, and does not bear its mark", what, of, id)
	case !ours:
		if _, _, err := id.Parse(); err == nil {
			c.found.add(Foreign, Note, sort, of, do, "%s %s has a name that a host of ours may get, and does not bear our mark: its number is passed over", what, of)
		}
	case !recorded:
		c.found.add(Orphaned, Ticket, sort, of, do, "%s %s bears the mark of host %s, which the ledger does not know", what, of, id)
	case m.Order != h.Mark:
		c.found.add(Foreign, Ticket, sort, of, do, "%s %s is of another order of host %s: it bears the mark %q, and the host's is %q", what, of, id, m.Order, h.Mark)
	case !h.State.Live():
		c.found.add(Orphaned, Ticket, sort, of, do, "%s %s is left of host %s, which is %s", what, of, id, h.State)
	default:
		return h, true
	}
	return h, false
}

// one is the word for one thing of a sort.
var one = map[Sort]string{
	Stacks: "stack", Instances: "database instance", Machines: "machine", Volumes: "volume", Gateways: "gateway",
	Shares: "share", Groups: "security group", Buckets: "bucket", Secrets: "secret", Alarms: "alarm",
}

func hostShow(id pool.HostID) string { return "headroom host show " + string(id) }
