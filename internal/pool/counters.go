package pool

// Counters are sums over the hosts of a pool. They are kept with the pool's record, so that no path
// has to read every host.
type Counters struct {
	Hosts             int // that exist or may exist in the cloud
	Provisioning      int // hosts on their way into service
	ProvisioningSlots int // slots those will bring
	InService         int // hosts in service
	Cordoned          int // hosts cordoned
	Quarantined       int // hosts given up
	Slots             int // slots of hosts in service
	Reserve           int // of those: made, and not set out yet
	Used              int // of those: set out or taken
	CordonedUsed      int // slots set out or taken of hosts that are cordoned, or being retired

	Leaving int // slots whose tenants leave, of hosts in service and cordoned
	Cooling int // slots that rest before they are free again, of hosts in service
	GivenUp int // slots in quarantine, of hosts in service and cordoned

	Room Room // of the hosts in service
}

// Contribution is what one host adds to its pool's counters.
func Contribution(h Host) Counters {
	var c Counters
	if h.ID == "" || !h.State.Live() {
		return c
	}
	c.Hosts = 1
	switch {
	case h.State.Provisioning():
		c.Provisioning, c.ProvisioningSlots = 1, h.Size
	case h.State == HostInService:
		c.InService, c.Slots, c.Reserve, c.Used = 1, len(h.Slots), h.Free(), h.Used()
		c.Leaving, c.Cooling, c.GivenUp = h.Leaving(), h.Cooling(), h.GivenUp()
		c.Room = roomOf(h)
	case h.State == HostCordoned:
		c.Cordoned, c.CordonedUsed, c.Leaving, c.GivenUp = 1, h.Used(), h.Leaving(), h.GivenUp()
	case h.State == HostRetiring:
		c.CordonedUsed, c.Leaving, c.GivenUp = h.Used(), h.Leaving(), h.GivenUp()
	case h.State == HostQuarantined:
		c.Quarantined = 1
	}
	return c
}

// Sub returns c minus other, field by field.
func (c Counters) Sub(other Counters) Counters {
	return c.plus(other, -1)
}

// Add returns c plus other, field by field.
func (c Counters) Add(other Counters) Counters {
	return c.plus(other, 1)
}

func (c Counters) plus(o Counters, sign int) Counters {
	return Counters{
		Hosts:             c.Hosts + sign*o.Hosts,
		Provisioning:      c.Provisioning + sign*o.Provisioning,
		ProvisioningSlots: c.ProvisioningSlots + sign*o.ProvisioningSlots,
		InService:         c.InService + sign*o.InService,
		Cordoned:          c.Cordoned + sign*o.Cordoned,
		Quarantined:       c.Quarantined + sign*o.Quarantined,
		Slots:             c.Slots + sign*o.Slots,
		Reserve:           c.Reserve + sign*o.Reserve,
		Used:              c.Used + sign*o.Used,
		CordonedUsed:      c.CordonedUsed + sign*o.CordonedUsed,
		Leaving:           c.Leaving + sign*o.Leaving,
		Cooling:           c.Cooling + sign*o.Cooling,
		GivenUp:           c.GivenUp + sign*o.GivenUp,
		Room:              c.Room.plus(o.Room, sign),
	}
}
