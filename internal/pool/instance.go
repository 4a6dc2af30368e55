package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// badStatuses are the statuses of an RDS instance that are known not to serve ("Viewing DB instance status" in its user guide).
// RDS adds others now and then, and what it does to an instance it mostly does beside its clients: whatever else it says is no
// trouble, and one that does not answer is found by asking it.
var badStatuses = []string{
	"creating", "deleting", "failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
	"incompatible-create", "incompatible-network", "incompatible-option-group", "incompatible-parameters", "incompatible-restore",
	"insufficient-capacity", "maintenance", "rebooting", "renaming", "restore-error", "starting", "stopped", "stopping", "storage-full",
	"upgrading",
}

// InstanceTrouble says why the RDS instance of a database host should take no tenants, by its status; empty: nothing does.
func InstanceTrouble(status string) string {
	if !slices.Contains(badStatuses, status) {
		return ""
	}
	return fmt.Sprintf("RDS says that its instance is %q", status)
}

// outAfter is for how long a database host may be down until people are woken: RDS restarts an instance, or fails over, in
// minutes.
const outAfter = 5 * time.Minute

// OutOfReach reports whether a database host that tenants have slots on is down, and will hardly come back by itself: its
// instance sends no metrics any more, which its alarm tells some minutes after, or it is out of service for longer than RDS takes.
func (h Host) OutOfReach(now time.Time) bool {
	if h.Kind != Database || h.State != HostCordoned || h.Assigned() == 0 || !h.Down() {
		return false
	}
	silent := slices.ContainsFunc(h.Alarmed(), func(name string) bool { return strings.HasSuffix(name, "-silence") })
	return silent || now.Sub(h.Since) >= outAfter
}

// Troubled notes what RDS says of a host's instance, by its status, and cordons the host or lets it in again when that
// follows: one that something had ailed before, within some hours, only once that has lasted. changed is false when the host
// is neither in service nor cordoned, or nothing is new.
func Troubled(h Host, status string, now time.Time) (out Host, changed bool, err error) {
	trouble := InstanceTrouble(status)
	if trouble == h.Trouble || h.State != HostInService && h.State != HostCordoned {
		return h, false, nil
	}
	out = h.Clone()
	why, ails := trouble, len(h.Alarmed()) > 0 || h.Doubt != ""
	switch {
	case trouble == "":
		if h.State == HostCordoned && !ails && (len(h.lately(now)) > 1 || !h.Calm.IsZero()) {
			out.Calm = now.UTC()
		}
	case h.Trouble == "" && !ails: // else it was noted when that began
		out.Rang, out.Calm = h.fell(now, now), time.Time{}
	}
	out.Trouble = trouble
	if trouble == "" {
		why = fmt.Sprintf("RDS says that its instance is %q; before, %s", status, h.Trouble)
	}
	if out, err = Reconsider(out, now, why); err != nil {
		return h, false, err
	}
	return out, true, nil
}
