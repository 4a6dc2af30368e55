package decommission

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"time"

	"headroom/events"
	"headroom/internal/bays"
	"headroom/internal/copytask"
	"headroom/internal/pool"
)

// bayWait is the time between two looks for a bay.
const bayWait = time.Minute

// archive has a task write the tenant's data into an archive.
func (h *Handler) archive(ctx context.Context, d pool.Departure) (leaving, error) {
	return h.attempt(ctx, d, events.JobArchive)
}

// verify has another task read the archive back, and compare it with its sources.
func (h *Handler) verify(ctx context.Context, d pool.Departure) (leaving, error) {
	return h.attempt(ctx, d, events.JobVerify)
}

// bays has tasks take turns.
func (h *Handler) bays() bays.Bays { return bays.Bays{Ledger: h.Ledger, AtOnce: h.AtOnce} }

// attempt begins an attempt, or looks after the one that is under way. What a task comes to is in its report.
func (h *Handler) attempt(ctx context.Context, d pool.Departure, job string) (leaving, error) {
	if d.Attempt.Task != "" {
		return h.lookAfter(ctx, d)
	}
	waits, err := h.swapsBack(ctx, d)
	if waits == nil && err == nil {
		waits, err = h.endMove(ctx, d)
	}
	if waits != nil || err != nil {
		d.Due = h.Now().Add(pool.Deadline(d.Step))
		return leaving{Record: d, Wait: bayWait, Because: waits}, err
	}
	took, err := h.bays().Take(ctx, pool.Bay{Owner: string(d.ID()), Host: d.Tenant.Database.Host})
	if err != nil {
		return leaving{}, err
	}
	if !took {
		d.Due = h.Now().Add(pool.Deadline(d.Step)) // it waits for its turn, which is no failure
		return leaving{Record: d, Wait: bayWait, Because: bays.ErrNone}, nil
	}
	number := d.Attempt.Number + 1
	body, err := h.job(ctx, d, job, number)
	if err != nil {
		return leaving{}, err
	}
	// The same attempt again runs no other task, so that one whose start was not recorded is found.
	task, err := h.Tasks.Run(ctx, copytask.Order(h.Stage, string(d.ID()), d.Tenant.ID, job, number, body))
	if err != nil {
		return leaving{}, err
	}
	return leaving{Record: d.Begun(task, h.Now()), Wait: copytask.LookWait}, nil
}

// lookAfter looks at the task of an attempt that was not heard of lately, or that ECS says has ended.
func (h *Handler) lookAfter(ctx context.Context, d pool.Departure) (leaving, error) {
	silent := h.Now().Sub(d.Attempt.Heard)
	why, ended, err := copytask.Ended(ctx, h.Tasks, d.Attempt.Task, silent)
	if err != nil {
		return leaving{}, err
	}
	if copytask.Awaited(ended, silent, pool.Deadline(d.Step)) {
		return leaving{Record: d, Wait: copytask.LookWait}, nil
	}
	if !ended {
		why = fmt.Sprintf("its task was not heard of for %s", silent.Round(time.Second))
	}
	if err := h.endAttempt(ctx, d, why); err != nil {
		return leaving{}, err
	}
	return h.failed(ctx, d, why, false)
}

// failed records an attempt that came to nothing, and gives its bay back with the last.
func (h *Handler) failed(ctx context.Context, d pool.Departure, why string, anew bool) (leaving, error) {
	h.Log.WarnContext(ctx, "attempt failed", "departure", d.ID(), "step", d.Step, "attempt", d.Attempt.Number, "reason", why)
	after := d.AttemptFailed(why, anew, h.Now())
	if !after.Copying() {
		if err := h.bays().Leave(ctx, string(d.ID())); err != nil {
			return leaving{}, err
		}
	}
	return leaving{Record: after, Wait: retryWait << min(after.Attempt.Failed, 5)}, nil
}

// job words what a task is to do, and lets its copier in.
func (h *Handler) job(ctx context.Context, d pool.Departure, job string, number int) ([]byte, error) {
	database, share, err := h.hosts(ctx, d)
	if err != nil {
		return nil, err
	}
	slot := share.Slot(d.Tenant.Share.Index)
	if slot == nil {
		return nil, fmt.Errorf("look up slot %s/%d: it is not there", share.ID, d.Tenant.Share.Index)
	}
	secret, err := h.letCopierIn(ctx, d, database, number)
	if err != nil {
		return nil, err
	}
	has := d.Tenant.Database
	out := events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: job, Of: events.OfDeparture, ID: string(d.ID()), Attempt: number,
		TenantID: string(d.Tenant.ID), Bucket: pool.BucketName(slot.Bucket), Mark: share.HeldMark(d.Tenant.Share),
		Correlated: events.Correlated{CorrelationID: pool.Thread(d.History)},
		Database: &events.JobDatabase{
			Host: database.Access.Address, Port: database.Access.Port, Name: pool.DatabaseName(has.Name), Username: pool.CopierName(has.Name),
			SecretARN: secret, Tenant: pool.RoleName(has.Name), Mark: database.HeldMark(has),
		},
	}
	if job == events.JobArchive {
		ref := h.archiveOf(d.ID(), number)
		out.Archive = &ref
	} else {
		ref := archiveRef(d.Attempt.Archived)
		out.Archive = &ref
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the job of departure %s: %w", d.ID(), err)
	}
	return body, nil
}

// letCopierIn lets a role in that reads this one database, and returns the secret with its credentials.
//
// Commit point: the secret is stored before the role has its password, so that nobody has a password that is not known.
func (h *Handler) letCopierIn(ctx context.Context, d pool.Departure, database pool.Host, number int) (string, error) {
	has := d.Tenant.Database
	credentials, arn, err := h.Vault.Copier(ctx, copierOf(d.ID(), number), func(password string) events.Credentials {
		return events.Credentials{
			Engine: "postgres", Host: database.Access.Address, Port: database.Access.Port,
			DBName: pool.DatabaseName(has.Name), Username: pool.CopierName(has.Name), Password: password,
		}
	})
	if err != nil {
		return "", fmt.Errorf("store the credentials of a copier of departure %s: %w", d.ID(), err)
	}
	slot := pool.MarkedSlot{Name: has.Name, Mark: database.HeldMark(has)}
	err = h.asMaster(ctx, database, func(login pool.Login) error {
		return h.Databases.GrantCopier(ctx, login, slot, credentials.Password, h.Now().Add(copytask.RoleTerm))
	})
	if err != nil {
		return "", fmt.Errorf("let a copier of departure %s in: %w", d.ID(), err)
	}
	return arn, nil
}

// endAttempt ends the attempt of a departure: its task, and its copier, which may have been let in before there was one.
// The guard has no part in it: a copier and its secret are Headroom's own, hold nothing of the tenant, and must go also
// when the departure is undone, or a stop switch is on. That keeps a way in to the data open for no longer than needed.
func (h *Handler) endAttempt(ctx context.Context, d pool.Departure, why string) error {
	if err := copytask.Stop(ctx, h.Tasks, d.Attempt.Task, why); err != nil {
		return err
	}
	database, err := h.Ledger.Host(ctx, d.Tenant.Database.Host)
	if err != nil {
		return fmt.Errorf("read the database host of tenant %s: %w", d.Tenant.ID, err)
	}
	slot := pool.MarkedSlot{Name: d.Tenant.Database.Name, Mark: database.HeldMark(d.Tenant.Database)}
	if err := h.asMaster(ctx, database, func(login pool.Login) error { return h.Databases.RevokeCopier(ctx, login, slot) }); err != nil {
		return fmt.Errorf("put the copier of departure %s out: %w", d.ID(), err)
	}
	// The next attempt's too: it may have been let in, and not recorded.
	for _, number := range []int{d.Attempt.Number, d.Attempt.Number + 1} {
		if err := h.Vault.DeleteCopier(ctx, copierOf(d.ID(), number)); err != nil {
			return fmt.Errorf("delete the secret of a copier of departure %s: %w", d.ID(), err)
		}
	}
	return nil
}

// forgetCopiers deletes the secrets of all copiers that a departure ever had: one that was stored by somebody late, after
// its attempt had ended, opens nothing, and is not to stay.
func (h *Handler) forgetCopiers(ctx context.Context, d pool.Departure) error {
	for number := range d.Attempt.Number + 1 {
		if err := h.Vault.DeleteCopier(ctx, copierOf(d.ID(), number+1)); err != nil {
			return fmt.Errorf("delete the secret of a copier of departure %s: %w", d.ID(), err)
		}
	}
	return nil
}

// copierOf names the copier of an attempt.
func copierOf(id pool.DepartureID, number int) string { return fmt.Sprintf("%s/%d", id, number) }

// archiveOf is where an attempt writes its archive.
func (h *Handler) archiveOf(id pool.DepartureID, number int) events.ArchiveRef {
	name := path.Join(string(id), strconv.Itoa(number))
	return events.ArchiveRef{Bucket: h.Archives, Key: name + ".zip", ManifestKey: name + ".manifest.jsonl"}
}

// archiveRef words an archive.
func archiveRef(a pool.Archive) events.ArchiveRef {
	return events.ArchiveRef{
		Bucket: a.Bucket, Key: a.Key, VersionID: a.VersionID, Bytes: a.Bytes, SHA256: a.SHA256, ManifestKey: a.Manifest,
		ManifestVersionID: a.ManifestID, ManifestSHA256: a.ManifestSHA256, Entries: a.Entries, RetainUntil: events.At(a.RetainUntil),
	}
}

// readArchive reads one.
func readArchive(a events.ArchiveRef) pool.Archive {
	return pool.Archive{
		Bucket: a.Bucket, Key: a.Key, VersionID: a.VersionID, Bytes: a.Bytes, SHA256: a.SHA256, Manifest: a.ManifestKey,
		ManifestID: a.ManifestVersionID, ManifestSHA256: a.ManifestSHA256, Entries: a.Entries,
	}
}
