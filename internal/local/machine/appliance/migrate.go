package appliance

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The errors of an import, of which the first is AWS's word; how it words the others is not documented.
var (
	errDiskCount  = errors.New("cache disk count mismatch")
	errNoOldRoot  = errors.New("no root disk of the gateway found")
	errOtherRoot  = errors.New("the root disk is of another gateway")
	errGeneration = errors.New("the gateway can't be imported into an older generation")
	errNotNew     = errors.New("the appliance is not new")
)

// migratePage lets a new appliance take over the gateway whose cache and root volume were attached to it (S3 File
// Gateway User Guide, "Replacing your existing S3 File Gateway with a new instance", method 1). The body of the
// answer says how it went; its status is documented nowhere.
func (a *Appliance) migratePage(w http.ResponseWriter, r *http.Request) {
	if err := a.takeOver(r.URL.Query().Get("gatewayId")); err != nil {
		http.Error(w, "Failed to import Storage Gateway information: "+err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte("Successfully imported Storage Gateway information"))
}

// takeOver makes a new appliance a gateway that another one was, from that one's volumes. It reboots, and runs then;
// but it does not start again before the old root volume has been detached.
func (a *Appliance) takeOver(gatewayID string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != fresh {
		return errNotNew
	}
	old, oldRoot := a.oldRoot()
	var others []string
	for _, d := range a.disks {
		if !d.Root && d.VolumeID != oldRoot {
			others = append(others, diskID(d))
		}
	}
	switch {
	case old == nil:
		return errNoOldRoot
	case old.gateway != gatewayID:
		return errOtherRoot
	case generation(a.cfg.Version(a.machine.ImageID)) < generation(a.cfg.Version(old.image)):
		return errGeneration
	case len(others) != len(old.cache) || !a.fleet.whole(old, a.disks):
		return errDiskCount
	}
	who := &identity{
		gateway: old.gateway, image: a.machine.ImageID, cache: slices.Clone(old.cache), shares: maps.Clone(old.shares),
		handles: old.handles, imported: old.imported + 1,
	}
	if a.cfg.StaleHandles {
		who.handles = newHandles()
	}
	a.fleet.on(rootOf(a.machine)).write(who)
	a.who, a.phase, a.keys = who, rebooting, map[string]grant{}
	a.endPage()
	a.work.Go(func() {
		if a.pause(a.cfg.Import) {
			a.serve(rebooting)
		}
	})
	return nil
}

// oldRoot finds the root volume of another appliance among the disks. The caller holds the lock.
func (a *Appliance) oldRoot() (*identity, string) {
	for _, d := range a.disks {
		if d.Root {
			continue
		}
		if who := a.fleet.on(d.VolumeID).who(); who != nil {
			return who, d.VolumeID
		}
	}
	return nil, ""
}

// generation is the major number of a version of the software.
func generation(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	return n
}
