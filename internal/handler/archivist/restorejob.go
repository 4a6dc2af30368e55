package archivist

import (
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// refusedRestore is what is wrong with a job that brings something back from the past.
func refusedRestore(job events.ArchivistJob) string {
	tenant, _, ok := pool.RestorationID(job.ID).Parse()
	switch {
	case job.Of != events.OfRestoration || !ok || tenant != pool.TenantID(job.TenantID):
		return "its restoration is not the tenant's"
	case job.Archive != nil || job.Share != nil:
		return "it has what no restoration has"
	case job.Job == events.JobRestoreFiles:
		if job.Bucket == "" || job.Mark == "" || job.Database != nil || job.StandIn != nil {
			return "it has no bucket, or a database"
		}
		if job.At.IsZero() || !pool.CameBack(job.Folder) || strings.Count(job.Folder, "/") != 1 || !strings.HasSuffix(job.Folder, "/") {
			return "it does not say from when its files come, and into which folder"
		}
		return ""
	case job.Bucket != "" || job.Folder != "":
		return "it has a bucket"
	case job.Database == nil || job.StandIn == nil:
		return "it has no database, or no stand-in"
	}
	from, err := slotOf(*job.Database)
	if err != nil {
		return err.Error()
	}
	into, err := standInOf(*job.StandIn)
	if err != nil {
		return err.Error()
	}
	// Neither is ever the other: what would be read is what would be written.
	if from == into || job.Database.Mark == job.StandIn.Mark || job.Database.Host == job.StandIn.Host && job.Database.Port == job.StandIn.Port ||
		job.Database.SecretARN == job.StandIn.SecretARN {
		return "its database and its stand-in are not two"
	}
	return ""
}

// standInOf is the slot that a job's stand-in is: its own role fills it.
func standInOf(d events.JobDatabase) (string, error) {
	slot, found := strings.CutPrefix(d.Name, pool.DatabaseName(""))
	if !found || slot == "" || pool.RoleName(slot) != d.Username || d.Tenant != d.Username || d.Mark == "" || d.Host == "" {
		return "", errNoStandIn
	}
	return slot, nil
}
