package appliance

import (
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
			AsCache: slices.Contains(a.cache, diskID(d)),
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
		if slices.Contains(a.cache, id) {
			return ErrDiskTaken
		}
	}
	a.cache = append(a.cache, ids...)
	return nil
}

// Cache lists the ids of the disks that are the cache.
func (a *Appliance) Cache() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.cache)
}

// diskID is what the appliance calls a disk: stable over reboots, as the volume's name is.
func diskID(d machine.Disk) string { return "xen-vbd-" + d.VolumeID }

// cacheVolume is the volume that shares are kept on, empty without a cache. The caller holds the lock.
func (a *Appliance) cacheVolume() string {
	for _, d := range a.disks {
		if slices.Contains(a.cache, diskID(d)) {
			return d.VolumeID
		}
	}
	return ""
}
