package recovery

import (
	"cmp"
	"slices"

	"headroom/internal/pool"
)

func (p *planner) host(id pool.HostID) {
	h, recorded := p.Books.Hosts[id]
	f, there := p.Found.Hosts[id]
	of := "host " + string(id)
	switch {
	case recorded && there && h.Mark != f.Order && h.State.Live():
		p.plan.Keep = append(p.plan.Keep, id)
		p.unsure("look at", of, "what stands in its place bears the order mark %q, and its own is %q", f.Order, h.Mark)
	case recorded && !h.State.Live():
		if there {
			p.unsure("look at", of, "it stands, and by the record it is %s", h.State)
		}
	case recorded && !there:
		p.gone(h, of)
	case !recorded:
		p.adopt(id, f, of)
	case !f.Whole && (h.State.Provisioning() || h.State == pool.HostDeleting):
		return // its steps go on
	case f.Blind != "":
		p.plan.Keep = append(p.plan.Keep, id)
		p.unsure("look again at", of, "%s", f.Blind)
		p.unmade(h, of)
	case h.State.Provisioning():
		p.catchUp(h, f, of)
	default:
		p.standing(h, f, of)
	}
}

// gone is a host of which nothing stands.
func (p *planner) gone(h pool.Host, of string) {
	if h.State == pool.HostOrdered {
		return // its stack may be asked for still
	}
	const why = "recovered: there is no stack of its order any more"
	after, err := h, error(nil)
	switch h.State {
	case pool.HostBuilding, pool.HostPreparing:
		after, err = pool.MoveHost(h, pool.HostDeleting, p.now, why)
	case pool.HostInService, pool.HostCordoned:
		after, err = pool.MoveHost(h, pool.HostLost, p.now, why)
	}
	if err == nil && after.State != pool.HostLost {
		after, err = pool.MoveHost(after, pool.HostDeleted, p.now, why)
	}
	if err != nil {
		p.unsure("decide for", of, "%v", err)
		return
	}
	p.plan.Hosts = append(p.plan.Hosts, HostChange{Before: h, After: after, Outcome: pool.Recovered})
	p.does("note that it is gone", of, "there is no stack of its order any more")
}

// adopt is a host that stands, and that the ledger does not know.
func (p *planner) adopt(id pool.HostID, f Host, of string) {
	key, _, err := id.Parse()
	if err != nil {
		return
	}
	if !f.Whole || f.Blind != "" || len(f.Slots) == 0 {
		// Its number is passed over, should it be drawn again.
		p.unsure("wait for", of, "%s: it is not on record, and is adopted when it is whole", cmp.Or(f.Blind, "it is not whole"))
		return
	}
	h := pool.Host{
		ID: id, Kind: key.Kind, Tier: key.Tier, State: pool.HostOrdered, Since: p.now, DecidedAt: p.now, OrderedAt: p.now,
		Mark: f.Order, Stack: f.Stack, Access: f.Access, Why: "recovered: it stands, and was not on record",
		History: []pool.Entry{{At: p.now, What: "recovered", Why: "it stands, and was not on record"}},
	}
	h.Slots = p.slots(h, f)
	h.Size, h.State, h.ByHand = len(h.Slots), pool.HostCordoned, pool.RecoveryHold
	h = pool.Begin(h, pool.StepWatch, p.now)
	p.plan.Hosts = append(p.plan.Hosts, HostChange{After: h})
	p.does("adopt", of, "it bears order mark %s, has %d slots, and was not on record", f.Order, h.Size)
}

// unmade holds a host that is being made by the record, and stands: it may have been in service since, and have tenants, so that it
// must not be made any further, nor come into service.
func (p *planner) unmade(h pool.Host, of string) {
	if !h.State.Provisioning() || h.HeldByRecovery() {
		return
	}
	after := h.Clone()
	after.ByHand = after.WithRecovery()
	p.plan.Hosts = append(p.plan.Hosts, HostChange{Before: h, After: after, Outcome: pool.Neutral})
	p.does("hold", of, "it is %s by the record, it stands, and it is not known what it has", h.State)
}

// catchUp is a host that was on its way into service, and is there by now.
func (p *planner) catchUp(h pool.Host, f Host, of string) {
	for index := 1; index <= h.Size; index++ {
		if _, found := p.stands(h.ID, index); !found {
			return // its steps go on
		}
	}
	after := h.Clone()
	if len(after.Slots) == 0 { // it is known only now how they are called
		after.Stack = f.Stack
	}
	after.Access = p.access(h.ID)
	after.State = pool.HostPreparing // so that what stands is taken for free
	after, err := pool.MoveHost(after, pool.HostCordoned, p.now, "recovered: it is made")
	if err != nil {
		p.unsure("decide for", of, "%v", err)
		return
	}
	after.ByHand = after.WithRecovery()
	after.Slots = p.slots(after, f)
	p.plan.Hosts = append(p.plan.Hosts, HostChange{Before: h, After: pool.Begin(after, pool.StepWatch, p.now), Outcome: pool.Recovered})
	p.does("put into service", of, "by the record it is %s, and all of it stands", h.State)
}

// standing is a host that stands, and is recorded as made.
func (p *planner) standing(h pool.Host, f Host, of string) {
	after := h.Clone()
	after.Slots = p.slots(h, f)
	after.Access = p.access(h.ID)
	if after.Access != h.Access {
		p.does("correct", of, "it is reached by another machine, gateway or address than is recorded")
		if after.Access.Gateway != h.Access.Gateway {
			after.Gateways++
			p.unsure("look at the cache disk of", of, "it has another gateway than is recorded")
		}
	}
	tenants := slices.ContainsFunc(after.Slots, func(s pool.Slot) bool { return s.State == pool.SlotAssigned })
	if h.State == pool.HostRetiring && tenants {
		moved, err := pool.MoveHost(after, pool.HostCordoned, p.now, "recovered: it has tenants")
		if err != nil {
			p.unsure("decide for", of, "%v", err)
			return
		}
		moved.ByHand = moved.WithRecovery()
		after = pool.Begin(moved, pool.StepWatch, p.now)
		p.does("keep", of, "it has tenants, and by the record it is being retired")
	}
	if after.Access == h.Access && after.State == h.State && slices.Equal(after.Slots, h.Slots) {
		return
	}
	p.plan.Hosts = append(p.plan.Hosts, HostChange{Before: h, After: after, Outcome: pool.Neutral})
}

// access is how a host is reached, by what stands, as far as that says it; while it is repaired, its record knows better.
func (p *planner) access(id pool.HostID) pool.Access {
	f, h := p.Found.Hosts[id].Access, p.Books.Hosts[id]
	if h.Repair > 0 {
		return h.Access
	}
	known := h.Access
	for _, field := range []struct{ to, is *string }{
		{&known.Address, &f.Address},
		{&known.MasterSecret, &f.MasterSecret},
		{&known.Gateway, &f.Gateway},
		{&known.Appliance, &f.Appliance},
		{&known.SecurityGroup, &f.SecurityGroup},
		{&known.Machine, &f.Machine},
	} {
		*field.to = cmp.Or(*field.is, *field.to)
	}
	known.Port = cmp.Or(f.Port, known.Port)
	known.Cache = cmp.Or(known.Cache, f.Cache)
	return known
}
