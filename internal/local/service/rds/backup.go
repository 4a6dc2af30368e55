package rds

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/postgresql"
)

const (
	// defaultShipEvery is how often RDS uploads an instance's log (user guide, "Restoring a DB instance to a specified time").
	defaultShipEvery = 5 * time.Minute
	// shipFinest bounds how often logs are shipped by the machine's clock, unless Config says more.
	shipFinest  = 2 * time.Second
	shipTimeout = 20 * time.Second // by the machine's clock, for one instance
	shipAtOnce  = 2
	// backupEvery is how often it is looked whether another base backup is due: RDS makes one a day.
	backupEvery   = 24 * time.Hour
	backupTimeout = 2 * time.Minute // by the machine's clock
)

// retained is what is left of an instance that was deleted without its automated backups.
type retained struct {
	identifier, resourceID string
	archiveARN             string
	archive                *postgresql.Archive
	properties             instanceProperties
	tags                   map[string]string
	created                time.Time
}

// shipAll archives the logs of all instances now and then, until Close, and makes the base backups that are due.
func (r *RDS) shipAll() {
	ticker := time.NewTicker(r.cfg.Clock.Real(r.cfg.ShipEvery))
	defer ticker.Stop()
	for {
		select {
		case <-r.life.Done():
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		var all []*instance
		for _, identifier := range sortedKeys(r.instances) {
			all = append(all, r.instances[identifier])
		}
		r.mu.Unlock()
		var shipping errgroup.Group
		shipping.SetLimit(shipAtOnce)
		for _, i := range all {
			shipping.Go(func() error { r.ship(i); return nil })
		}
		_ = shipping.Wait() // none fails
		r.expire()
	}
}

// ship archives an instance's log. That of one that is down, or full, is archived when it is up again: until then
// its latest restorable time stands still.
func (r *RDS) ship(i *instance) {
	r.mu.Lock()
	archive, server := i.archive, i.server
	ready := archive != nil && server != nil && !i.down && !i.parked && i.is(available, modifying, resetting)
	due := ready && i.is(available) && r.cfg.Clock.Now().Sub(i.backedUp) >= backupEvery
	r.mu.Unlock()
	if !ready {
		return
	}
	if _, _, begun := archive.Window(); !begun || due && archive.Due() {
		r.backUp(i)
		return
	}
	ctx, cancel := context.WithTimeout(r.life, shipTimeout)
	defer cancel()
	if err := archive.Ship(ctx, server); err != nil {
		r.cfg.Log.Debug("database log was not archived", "instance", r.name(i), "error", err)
	}
	if due {
		r.mu.Lock()
		i.backedUp = r.cfg.Clock.Now()
		r.mu.Unlock()
	}
}

// backUp makes a base backup of an instance, one at a time of all. What fails is tried again by shipAll.
func (r *RDS) backUp(i *instance) {
	select {
	case r.copying <- struct{}{}:
		defer func() { <-r.copying }()
	case <-r.life.Done():
		return
	}
	r.mu.Lock()
	archive, server := i.archive, i.server
	if archive == nil || server == nil || !i.is(available) || i.down {
		r.mu.Unlock()
		return
	}
	i.status = backingUp
	r.mu.Unlock()
	r.emit(i, eventBackingUp, "Backing up DB instance")
	ctx, cancel := context.WithTimeout(r.life, backupTimeout)
	defer cancel()
	err := archive.Backup(ctx, server)
	r.mu.Lock()
	if err == nil {
		i.backedUp = r.cfg.Clock.Now()
	}
	if i.status == backingUp {
		i.status = available
	}
	r.mu.Unlock()
	if err != nil {
		r.cfg.Log.Debug("database could not be backed up", "instance", r.name(i), "error", err)
		return
	}
	r.emit(i, eventBackedUp, "Finished DB Instance backup")
}

// expire forgets backups that are older than they are kept.
func (r *RDS) expire() {
	type keep struct {
		archive *postgresql.Archive
		before  time.Time
	}
	now := r.cfg.Clock.Now()
	var keeps []keep
	var over []*postgresql.Archive
	r.mu.Lock()
	for _, i := range r.instances {
		if i.archive != nil {
			keeps = append(keeps, keep{i.archive, r.cfg.Clock.Machine(now.Add(-retention(i.properties)))})
		}
	}
	for id, b := range r.retained {
		before := r.cfg.Clock.Machine(now.Add(-retention(b.properties)))
		if _, latest, ok := b.archive.Window(); !ok || latest.Before(before) {
			over = append(over, b.archive)
			delete(r.retained, id)
			continue
		}
		keeps = append(keeps, keep{b.archive, before})
	}
	r.mu.Unlock()
	for _, k := range keeps {
		if err := k.archive.Expire(k.before); err != nil {
			r.cfg.Log.Warn("old backups could not be removed", "error", err)
		}
	}
	for _, archive := range over {
		if err := archive.Close(); err != nil {
			r.cfg.Log.Warn("old backups could not be removed", "error", err)
		}
	}
}

func retention(p instanceProperties) time.Duration {
	return time.Duration(p.BackupRetentionPeriod.days()) * 24 * time.Hour
}

// window is from when to when one can restore, by Clock, to the millisecond, which is as fine as it is told.
func (r *RDS) window(archive *postgresql.Archive, keep time.Duration) (earliest, latest time.Time, ok bool) {
	if archive == nil {
		return earliest, latest, false
	}
	earliest, latest, ok = archive.Window()
	if !ok {
		return earliest, latest, false
	}
	earliest = r.cfg.Clock.At(earliest).Add(time.Millisecond).Truncate(time.Millisecond)
	latest = r.cfg.Clock.At(latest).Truncate(time.Millisecond)
	if oldest := r.cfg.Clock.Now().Add(-keep); earliest.Before(oldest) {
		earliest = oldest.Truncate(time.Millisecond)
	}
	return earliest, latest, !latest.Before(earliest)
}

// newArchive is an archive for an instance, and its ARN; none if it is not to be backed up.
func (r *RDS) newArchive(p instanceProperties) (*postgresql.Archive, string, error) {
	if p.BackupRetentionPeriod.days() == 0 {
		return nil, "", nil
	}
	archive, err := r.program.NewArchive()
	return archive, fmt.Sprintf("arn:aws:rds:%s:%s:auto-backup:ab-%s", r.cfg.Region, r.cfg.Account, strings.ToLower(rand.Text())), err
}

// describeBackups answers DescribeDBInstanceAutomatedBackups: those of instances that are there, and those that
// were retained.
func (r *RDS) describeBackups(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DbiResourceID        string `json:"DbiResourceId"`
		DBInstanceIdentifier string `json:"DBInstanceIdentifier"`
		ARN                  string `json:"DBInstanceAutomatedBackupsArn"`
		filters
		page
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	add := func(b *retained, status string) error {
		if input.DbiResourceID != "" && input.DbiResourceID != b.resourceID ||
			input.DBInstanceIdentifier != "" && identifierOf(input.DBInstanceIdentifier) != b.identifier ||
			input.ARN != "" && input.ARN != b.archiveARN {
			return nil
		}
		matches, err := input.match(map[string]string{"status": status, "db-instance-id": b.identifier, "dbi-resource-id": b.resourceID})
		if matches {
			list = append(list, r.shownBackup(b, status))
		}
		return err
	}
	for _, identifier := range sortedKeys(r.instances) {
		i := r.instances[identifier]
		if i.archive == nil {
			continue
		}
		status := "active"
		if _, _, begun := i.archive.Window(); !begun {
			status = "creating"
		}
		if err := add(i.backups(), status); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(r.retained) {
		if err := add(r.retained[id], "retained"); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 && (input.DbiResourceID != "" || input.DBInstanceIdentifier != "" || input.ARN != "") {
		return nil, errNoBackup
	}
	return input.cut("DBInstanceAutomatedBackups", "DBInstanceAutomatedBackup", list)
}

var errNoBackup = &endpoint.Error{Code: "DBInstanceAutomatedBackupNotFound", Message: "DBInstanceAutomatedBackup not found.", Status: 404}

// backups is what would be left of an instance.
func (i *instance) backups() *retained {
	return &retained{
		identifier: i.identifier, resourceID: i.resourceID, archiveARN: i.archiveARN, archive: i.archive,
		properties: i.properties, tags: i.tags, created: i.created,
	}
}

func (r *RDS) shownBackup(b *retained, status string) map[string]any {
	shown := map[string]any{
		"DBInstanceIdentifier": b.identifier, "DBInstanceArn": r.arn(b.identifier), "DbiResourceId": b.resourceID, "Region": r.cfg.Region,
		"DBInstanceAutomatedBackupsArn": b.archiveARN, "Status": status, "InstanceCreateTime": b.created,
		"Engine": b.properties.Engine, "EngineVersion": string(b.properties.EngineVersion), "MasterUsername": b.properties.MasterUsername,
		"AllocatedStorage": int(b.properties.AllocatedStorage), "BackupRetentionPeriod": b.properties.BackupRetentionPeriod.days(),
		"Encrypted": bool(b.properties.StorageEncrypted),
	}
	if b.properties.KmsKeyID != "" {
		shown["KmsKeyId"] = b.properties.KmsKeyID
	}
	if earliest, latest, ok := r.window(b.archive, retention(b.properties)); ok {
		shown["RestoreWindow"] = map[string]any{"EarliestTime": earliest, "LatestTime": latest}
	}
	return shown
}

// deleteBackup answers DeleteDBInstanceAutomatedBackup: those of an instance that is there go with it only.
func (r *RDS) deleteBackup(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DbiResourceID string `json:"DbiResourceId"`
		ARN           string `json:"DBInstanceAutomatedBackupsArn"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, b := range r.retained {
		if input.DbiResourceID != id && input.ARN != b.archiveARN {
			continue
		}
		delete(r.retained, id)
		r.work.Go(func() {
			if err := b.archive.Close(); err != nil {
				r.cfg.Log.Error("retained backups could not be removed", "error", err)
			}
		})
		return map[string]any{"DBInstanceAutomatedBackup": r.shownBackup(b, "deleting")}, nil
	}
	for _, i := range r.instances {
		if i.archive != nil && (input.DbiResourceID == i.resourceID || input.ARN == i.archiveARN) {
			return nil, refused("InvalidDBInstanceAutomatedBackupState", "Automated backups of an existing DB instance cannot be deleted.")
		}
	}
	return nil, errNoBackup
}
