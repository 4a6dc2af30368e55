package archivist

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"headroom/events"
	"headroom/internal/archive"
	"headroom/internal/pool"
)

// ErrJob means that a job does not say what it must, or contradicts itself.
var ErrJob = errors.New("the job is no good")

// ReadJob reads a job as it is given to the task, and refuses what can't be one.
func ReadJob(text string) (events.ArchivistJob, error) {
	var job events.ArchivistJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return job, fmt.Errorf("%w: %w", ErrJob, err)
	}
	if why := refused(job); why != "" {
		return job, fmt.Errorf("%w: %s", ErrJob, why)
	}
	return job, nil
}

// refused is what is wrong with a job.
func refused(job events.ArchivistJob) string {
	switch {
	case job.Version != events.Version || job.Type != events.TypeArchivistJob:
		return "it is of another type or version"
	case job.ID == "" || job.Attempt < 1 || (job.Of != events.OfRepair && job.TenantID == ""):
		return "it does not say whose it is"
	case job.Job == events.JobRestoreFiles || job.Job == events.JobRestoreDatabase:
		return refusedRestore(job)
	case job.Of != events.OfDeparture && job.Of != events.OfClearance && (job.Of != events.OfRepair || job.Job != events.JobProbe):
		return "it is none of whose it says it is"
	case job.Job == events.JobProbe:
		if job.Share == nil || job.Share.Host == "" || !strings.HasPrefix(job.Share.Path, "/") {
			return "it has no share to look into"
		}
		return ""
	case job.Job != events.JobArchive && job.Job != events.JobVerify:
		return "it is none that is known"
	}
	id, ref := pool.DepartureID(job.ID), job.Archive
	if job.Of != events.OfDeparture || id.Tenant() != pool.TenantID(job.TenantID) || markOf(id) == "" || strings.Contains(job.ID, "/") {
		return "its departure is not the tenant's"
	}
	if job.Bucket == "" && job.Database == nil {
		return "it has no source"
	}
	if job.Bucket != "" && job.Mark == "" {
		return "its bucket has no mark"
	}
	if job.Database != nil {
		if _, err := slotOf(*job.Database); err != nil {
			return err.Error()
		}
	}
	if ref == nil || ref.Bucket == "" || ref.Bucket == job.Bucket {
		return "it has no bucket for archives, or the share's own"
	}
	if attemptOf(id, ref.Key) < 1 || attemptOf(id, ref.ManifestKey) != attemptOf(id, ref.Key) || ref.ManifestKey == ref.Key {
		return "its archive's keys are not the departure's"
	}
	if job.Job == events.JobArchive && attemptOf(id, ref.Key) != job.Attempt {
		return "its archive's key is another attempt's"
	}
	if job.Job == events.JobVerify && (ref.VersionID == "" || ref.SHA256 == "" || ref.ManifestVersionID == "" || ref.ManifestSHA256 == "" || ref.Bytes < 1) {
		return "it does not say what was archived"
	}
	return ""
}

// markOf is the mark of the signup that a departure ends.
func markOf(id pool.DepartureID) string {
	_, mark, _ := strings.Cut(string(id), ".")
	return mark
}

// attemptOf is the attempt that a key is of, 0 when it is none of the departure's: "<departure>/<attempt>", and then what
// it is. So an attempt writes what no other has written, and what a departure has lies under one prefix.
func attemptOf(id pool.DepartureID, key string) int {
	rest, found := strings.CutPrefix(key, string(id)+"/")
	digits := strings.IndexAny(rest, "./")
	if !found || digits < 0 || digits == len(rest)-1 {
		return 0
	}
	n, err := strconv.Atoi(rest[:digits])
	if err != nil || n < 1 || strconv.Itoa(n) != rest[:digits] {
		return 0
	}
	return n
}

// slotOf is the slot whose database a job has.
func slotOf(d events.JobDatabase) (string, error) {
	slot, found := strings.CutPrefix(d.Name, pool.DatabaseName(""))
	if !found || slot == "" || pool.CopierName(slot) != d.Username || pool.RoleName(slot) != d.Tenant || d.Mark == "" || d.Host == "" {
		return "", errors.New("its database, roles and mark are not those of one slot")
	}
	return slot, nil
}

// header is whose archive a job is about. When it was made is left to who makes it.
func header(job events.ArchivistJob) archive.Header {
	id := pool.DepartureID(job.ID)
	h := archive.Header{
		Tenant: job.TenantID, Mark: markOf(id), ShareMark: job.Mark, Bucket: job.Bucket,
		Attempt: strconv.Itoa(attemptOf(id, job.Archive.Key)),
	}
	if job.Database != nil {
		h.DatabaseMark = job.Database.Mark
	}
	return h
}
