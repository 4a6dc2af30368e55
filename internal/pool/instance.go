package pool

import (
	"fmt"
	"slices"
	"time"
)

// wellStatuses are the statuses of an RDS instance that serves ("Viewing DB instance status" in its user guide): what RDS
// does to it meanwhile, it does beside its clients.
var wellStatuses = []string{
	"available", "backing-up", "configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports",
	"configuring-associate-certificate", "configuring-activity-stream", "modifying", "storage-optimization", "storage-config-upgrade",
	"storage-initialization", "insufficient-resource-limits", "converting-to-vpc", "moving-to-vpc", "resetting-master-credentials",
	"delete-precheck",
}

// InstanceTrouble says why the RDS instance of a database host should take no tenants, by its status; empty: nothing does.
func InstanceTrouble(status string) string {
	if slices.Contains(wellStatuses, status) {
		return ""
	}
	return fmt.Sprintf("RDS says that its instance is %q", status)
}

// Troubled notes what RDS says of a host's instance, by its status, and cordons the host or lets it in again when that
// follows. changed is false when the host is neither in service nor cordoned, or nothing is new.
func Troubled(h Host, status string, now time.Time) (out Host, changed bool, err error) {
	trouble := InstanceTrouble(status)
	if trouble == h.Trouble || h.State != HostInService && h.State != HostCordoned {
		return h, false, nil
	}
	out = h.Clone()
	out.Trouble = trouble
	why := trouble
	if trouble == "" {
		why = fmt.Sprintf("RDS says that its instance is %q; before, %s", status, h.Trouble)
	}
	if out, err = Reconsider(out, now, why); err != nil {
		return h, false, err
	}
	return out, true, nil
}
