package appliance

import (
	"fmt"
	"slices"

	"headroom/internal/local/machine"
)

// Disk is a disk of an appliance that can be its cache.
type Disk struct {
	ID      string // what AddCache is given
	Node    string
	Path    string
	SizeGiB int
	AsCache bool
}

func (a *Appliance) attach(disk machine.Disk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := func(d machine.Disk) bool { return d.VolumeID == disk.VolumeID }
	if !slices.ContainsFunc(a.disks, known) {
		a.disks = append(a.disks, disk)
	}
}

// detach takes a disk from an appliance. Its cache, and what it imports from, are in use; taken by force, its cache
// is missing, and it serves nothing any more.
func (a *Appliance) detach(volumeID string, force bool) error {
	a.mu.Lock()
	index := slices.IndexFunc(a.disks, func(d machine.Disk) bool { return d.VolumeID == volumeID })
	if index < 0 {
		a.mu.Unlock()
		return nil
	}
	used := a.who != nil && a.phase != stopped && (slices.Contains(a.who.cache, diskID(a.disks[index])) || a.fleet.on(volumeID).who() != nil)
	if used && !force {
		a.mu.Unlock()
		return fmt.Errorf("detach %s: %w", volumeID, machine.ErrBusy)
	}
	a.disks = slices.Delete(a.disks, index, index+1)
	a.mu.Unlock()
	a.missing(volumeID)
	return nil
}

// Disks lists the disks besides the root.
func (a *Appliance) Disks() []Disk {
	a.mu.Lock()
	defer a.mu.Unlock()
	var disks []Disk
	for _, d := range a.disks {
		if d.Root {
			continue
		}
		disks = append(disks, Disk{
			ID: diskID(d), Node: d.Device, Path: d.Device, SizeGiB: d.SizeGiB,
			AsCache: a.who != nil && slices.Contains(a.who.cache, diskID(d)),
		})
	}
	return disks
}

// AddCache makes disks the appliance's cache.
func (a *Appliance) AddCache(ids []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != running {
		return ErrNotConnected
	}
	for _, id := range ids {
		known := func(d machine.Disk) bool { return !d.Root && diskID(d) == id }
		if !slices.ContainsFunc(a.disks, known) {
			return ErrNoDisk
		}
		if slices.Contains(a.who.cache, id) {
			return ErrDiskTaken
		}
	}
	a.who.cache = append(a.who.cache, ids...)
	return nil
}

// Cache lists the ids of the disks that are the cache.
func (a *Appliance) Cache() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.who == nil {
		return nil
	}
	return slices.Clone(a.who.cache)
}

// diskID is what the appliance calls a disk: stable over reboots, as the volume's name is.
func diskID(d machine.Disk) string { return "xen-vbd-" + d.VolumeID }

// cacheVolume is the volume that shares are kept on, the first that became its cache; empty without one. The caller
// holds the lock.
func (a *Appliance) cacheVolume() string {
	for _, id := range a.who.cache {
		for _, d := range a.disks {
			if diskID(d) == id {
				return d.VolumeID
			}
		}
	}
	return ""
}
