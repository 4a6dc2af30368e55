package inventory

import (
	"maps"
	"slices"
	"strings"

	"headroom/internal/pool"
)

func (c *comparison) machines() {
	there := map[string]Machine{}
	for _, m := range c.Machines {
		there[m.ID] = m
		look := "aws ec2 describe-instances --instance-ids " + m.ID
		h, known := c.stranger(Machines, m.ID, "", look, m.Marks)
		if known && standing(h, c.At) && m.ID != h.Access.Machine {
			c.found.add(Orphaned, Ticket, Machines, m.ID, look, "machine %s bears the marks of host %s, whose machine is %s: two that serve one gateway's buckets destroy what is in them", m.ID, h.ID, h.Access.Machine)
		}
	}
	if c.blind(Machines) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		m, found := there[h.Access.Machine]
		switch {
		case !found:
			c.found.add(Missing, Page, Machines, h.Access.Machine, hostShow(h.ID), "machine %s of host %s is not there: its tenants can't reach their shares", h.Access.Machine, h.ID)
		case m.State != "running":
			c.found.add(Drifted, Page, Machines, m.ID, hostShow(h.ID), "machine %s of host %s is %s", m.ID, h.ID, m.State)
		}
	}
}

func (c *comparison) volumes() {
	there := map[string]Volume{}
	for _, v := range c.Volumes {
		there[v.ID] = v
		look := "aws ec2 describe-volumes --volume-ids " + v.ID
		h, known := c.stranger(Volumes, v.ID, "", look, v.Marks)
		if !known || !standing(h, c.At) || v.ID == h.Access.Cache || v.Machine == h.Access.Machine {
			continue
		}
		if v.Marks.Repair != "" {
			c.found.add(Orphaned, Note, Volumes, v.ID, hostShow(h.ID), "volume %s is of an earlier machine or gateway of host %s, which repair %s keeps", v.ID, h.ID, v.Marks.Repair)
		} else {
			c.found.add(Orphaned, Ticket, Volumes, v.ID, look, "volume %s bears the marks of host %s, and is neither its cache nor at its machine", v.ID, h.ID)
		}
	}
	if c.blind(Volumes) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		v, found := there[h.Access.Cache]
		switch {
		case !found:
			c.found.add(Missing, Page, Volumes, h.Access.Cache, hostShow(h.ID), "the cache disk %s of host %s is not there: what was not uploaded is lost", h.Access.Cache, h.ID)
		case v.Machine != h.Access.Machine:
			c.found.add(Drifted, Page, Volumes, v.ID, hostShow(h.ID), "the cache disk %s of host %s is at machine %q, and not at %s", v.ID, h.ID, v.Machine, h.Access.Machine)
		}
	}
}

func (c *comparison) gateways() {
	there := map[string]bool{}
	for _, g := range c.Gateways {
		look := "aws storagegateway describe-gateway-information --gateway-arn " + g.ARN
		there[g.ARN] = true
		h, known := c.stranger(Gateways, g.ARN, g.Name, look, g.Marks)
		if !known || !standing(h, c.At) {
			continue
		}
		if g.ARN != h.Access.Gateway && h.Gateways > 0 {
			c.found.add(Orphaned, Note, Gateways, g.ARN, look, "gateway %s was given up for the one that host %s has now; it reaches no bucket, and may be deleted once host show lists none of its disks", g.ARN, h.ID)
		} else if g.ARN != h.Access.Gateway {
			c.found.add(Orphaned, Ticket, Gateways, g.ARN, look, "gateway %s bears the marks of host %s, whose gateway is %s", g.ARN, h.ID, h.Access.Gateway)
		} else if !g.Deprecated.IsZero() {
			severity := Ticket
			if g.Deprecated.After(c.now.Add(certificateSoon)) {
				severity = Note
			}
			c.found.add(Aging, severity, Gateways, g.ARN, "headroom host replace "+string(h.ID)+" --image ami-… --reason …", "the appliance of host %s gets no updates from %s on: its machine wants to be replaced", h.ID, day(g.Deprecated))
		}
	}
	if c.blind(Gateways) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		if !there[h.Access.Gateway] {
			c.found.add(Missing, Page, Gateways, h.Access.Gateway, hostShow(h.ID), "the gateway %s of host %s is not there: its tenants can't reach their shares", h.Access.GatewayID(), h.ID)
		}
	}
}

func (c *comparison) shares() {
	there := map[string]Share{}
	for _, s := range c.Shares {
		if s.Goes() {
			continue
		}
		there[s.ID] = s
		h, known := c.stranger(Shares, s.ID, "", "aws storagegateway list-file-shares", s.Marks)
		if known && h.Gateways > 0 && s.Gateway != h.Access.Gateway {
			continue // of a gateway that was given up, which is told of
		}
		if known && standing(h, c.At) && !slices.ContainsFunc(h.Slots, func(slot pool.Slot) bool { return slot.Share == s.ID || slot.State == pool.SlotLeaving }) {
			c.found.add(Orphaned, Ticket, Shares, s.ID, hostShow(h.ID), "share %s bears the marks of host %s, and is none of its slots'", s.ID, h.ID)
		}
	}
	if c.blind(Shares) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		if slices.ContainsFunc(c.Unseen, func(u Unseen) bool { return u.Sort == Shares && u.Of == h.Access.Gateway }) {
			continue
		}
		for _, slot := range h.Slots {
			c.share(h, slot, there)
		}
	}
}

// share holds a slot's share against the slot.
func (c *comparison) share(h pool.Host, slot pool.Slot, there map[string]Share) {
	if slot.State == pool.SlotLeaving || slot.State == pool.SlotPlanned || slot.Share == "" || c.At.Sub(slot.Since) < settled {
		return // it goes, comes or is made anew
	}
	s, found := there[slot.Share]
	if !found && (slot.State == pool.SlotQuarantined || slot.State == pool.SlotRetired) {
		return // it was withdrawn before its slot was given up: people were told, and nobody gets it
	}
	if !found {
		severity := Ticket
		if slot.State == pool.SlotAssigned {
			severity = Page
		}
		c.found.add(Missing, severity, Shares, slot.Share, hostShow(h.ID), "share %s of slot %s/%d, which is %s, is not there", slot.Share, h.ID, slot.Index, slot.State)
		return
	}
	if s.Bucket != slot.Bucket {
		c.found.add(Drifted, Page, Shares, s.ID, hostShow(h.ID), "share %s of slot %s/%d is on bucket %q, and by the ledger on %q", s.ID, h.ID, slot.Index, s.Bucket, slot.Bucket)
	}
	want, holder := []string{c.Nobody}, "nobody"
	if slot.State != pool.SlotFree && slot.State != pool.SlotCooling && slot.State != pool.SlotRetired {
		t, known := c.Tenants[slot.Tenant]
		if slot.State != pool.SlotAssigned || !known || !c.resting(t, c.At) || len(t.Change.Going)+len(t.Change.Coming) > 0 {
			return // offered, or somebody's and something is under way about it
		}
		want, holder = t.Clients(), "tenant "+string(t.ID)
	}
	has := slices.Sorted(slices.Values(s.Clients))
	if !slices.Equal(has, want) {
		c.found.add(Drifted, Page, Shares, s.ID, hostShow(h.ID), "share %s of slot %s/%d serves %s, and should serve %s (%s)",
			s.ID, h.ID, slot.Index, strings.Join(has, ", "), strings.Join(want, ", "), holder)
	}
}

func (c *comparison) groups() {
	byID := map[string]Group{}
	for _, g := range c.Groups {
		byID[g.ID] = g
		c.stranger(Groups, g.ID, "", "aws ec2 describe-security-group-rules --filters Name=group-id,Values="+g.ID, g.Marks)
	}
	if c.blind(Groups) {
		return
	}
	for _, h := range c.hosts(pool.Share) {
		g, found := byID[h.Access.SecurityGroup]
		if !found {
			c.found.add(Missing, Page, Groups, h.Access.SecurityGroup, hostShow(h.ID), "security group %s of host %s is not there", h.Access.SecurityGroup, h.ID)
			continue
		}
		c.group(h, g)
	}
}

// group holds what a gateway's group lets in against the addresses of the host's tenants. An address may be let in that is
// anybody's who has the host's share, had it, or is about to get one.
func (c *comparison) group(h pool.Host, g Group) {
	may, must := map[string]bool{}, map[string]string{}
	for _, t := range c.Tenants {
		if !c.near(t, h.ID) {
			continue
		}
		for _, address := range t.Reached() {
			may[address+"/32"] = true
		}
		if t.Share.Host == h.ID && c.resting(t, c.At) {
			for _, address := range t.Addresses {
				must[address+"/32"] = string(t.ID)
			}
		}
	}
	for _, all := range c.Departures {
		for _, d := range all {
			if !d.State.Ended() && c.near(d.Tenant, h.ID) {
				for _, address := range d.Tenant.Reached() {
					may[address+"/32"] = true
				}
			}
		}
	}
	look := "aws ec2 describe-security-group-rules --filters Name=group-id,Values=" + g.ID
	for _, network := range g.Lets {
		if !may[network] {
			c.found.add(Drifted, Ticket, Groups, g.ID, look, "the gateway of host %s lets %s in, which is no tenant's of it", h.ID, network)
		}
		delete(must, network)
	}
	for _, network := range slices.Sorted(maps.Keys(must)) {
		c.found.add(Drifted, Page, Groups, g.ID, look, "the gateway of host %s does not let %s of tenant %s in", h.ID, network, must[network])
	}
}

// near reports whether a tenant has its share at a host, had it until lately, or may be about to get it there.
func (c *comparison) near(t pool.Tenant, host pool.HostID) bool {
	return t.Share.Host == host || t.State == pool.TenantRequested || c.Held[t.ID] ||
		slices.ContainsFunc(t.Returning, func(h pool.Holding) bool { return h.Host == host })
}
