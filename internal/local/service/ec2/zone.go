package ec2

import (
	"maps"
	"slices"
)

// CloseZone lets a zone have no room for machines until OpenZone, and names the instances that it has: whose power went is
// for who runs machines to do. EC2 goes on to call them running, and their status checks tell.
func (e *EC2) CloseZone(zone string) (instances []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed == nil {
		e.closed = map[string]bool{}
	}
	e.closed[zone] = true
	return e.inZone(zone)
}

// OpenZone lets a zone have room again, and starts the machines of its instances anew, as they are when the power is back.
func (e *EC2) OpenZone(zone string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.closed, zone)
	for _, id := range e.inZone(zone) {
		if i := e.instances[id]; i.state == running {
			e.reboot(i)
		}
	}
}

// inZone names the instances of a zone that have not ended, sorted. The caller holds the lock.
func (e *EC2) inZone(zone string) (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(e.instances)) {
		if i := e.instances[id]; !i.state.over() && i.nic.zone == zone {
			ids = append(ids, id)
		}
	}
	return ids
}
