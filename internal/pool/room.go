package pool

// Room counts the hosts in service by how far they can be filled: Room[n-1] of them have a slot in
// reserve for an n-th tenant. With a count for each n, what a limit of tenants leaves is known
// whatever the limit is changed to, and a host that is over it is not set off against another.
type Room [maxSlots]int

// Under is how many slots in reserve can be set out with no host going over a limit of tenants.
func (r Room) Under(limit int) int {
	slots := 0
	for _, hosts := range r[:min(limit, maxSlots)] {
		slots += hosts
	}
	return slots
}

// roomOf is the room that one host has.
func roomOf(h Host) Room {
	var r Room
	used := h.Used()
	for n := used; n < min(used+h.Free(), maxSlots); n++ {
		r[n] = 1
	}
	return r
}

func (r Room) plus(o Room, sign int) Room {
	for n := range r {
		r[n] += sign * o[n]
	}
	return r
}
