package rds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// delete answers DeleteDBInstance. It does not wait for the end.
func (r *RDS) delete(_ context.Context, call endpoint.Call) (any, error) {
	input := struct {
		DBInstanceIdentifier      string        `json:"DBInstanceIdentifier"`
		SkipFinalSnapshot         weakjson.Bool `json:"SkipFinalSnapshot"`
		FinalDBSnapshotIdentifier string        `json:"FinalDBSnapshotIdentifier"`
		DeleteAutomatedBackups    weakjson.Bool `json:"DeleteAutomatedBackups"`
	}{DeleteAutomatedBackups: true}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(input.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	final := strings.ToLower(input.FinalDBSnapshotIdentifier)
	_, taken := r.snapshots[final]
	switch {
	case bool(input.SkipFinalSnapshot) && final != "":
		return nil, refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting a database instance with SkipFinalSnapshot set to true.")
	case !bool(input.SkipFinalSnapshot) && final == "":
		return nil, refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case bool(i.properties.DeletionProtection):
		return nil, refused("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case i.is(deleting):
		return nil, refused("InvalidDBInstanceState", "Instance %s is already being deleted.", i.identifier)
	case i.is(creating, modifying, renaming, resetting, rebooting, starting, stopping):
		return nil, notIn(available)
	case final != "" && i.is(failed, unrestored, storageFull):
		return nil, refused("InvalidDBInstanceState", "A final snapshot of DB instance %s can't be made in its state %s.", i.identifier, i.status)
	case final != "" && taken:
		return nil, refused("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", final)
	}
	if final != "" {
		if err := checkIdentifier("FinalDBSnapshotIdentifier", final); err != nil {
			return nil, err
		}
		r.snapshots[final] = r.finalSnapshot(i, final)
	}
	i.status, i.parked = deleting, true
	r.work.Go(func() {
		if err := wait(r.life, r.cfg.Lead/2); err != nil {
			return // all goes with the cloud
		}
		if err := r.remove(i, !bool(input.DeleteAutomatedBackups)); err != nil {
			r.cfg.Log.Error("database could not be deleted", "instance", r.name(i), "error", err)
		}
	})
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// remove stops an instance and forgets it, with its secret and, unless they are to stay, its backups.
func (r *RDS) remove(i *instance, keepBackups bool) error {
	<-i.ready
	r.mu.Lock()
	i.status, i.parked = deleting, true
	server := i.server
	r.mu.Unlock()
	if server != nil {
		if err := server.Close(); err != nil {
			return fmt.Errorf("stop DB instance %s: %w", r.name(i), err)
		}
	}
	i.changing.Lock() // who is at it finds that it is gone
	defer i.changing.Unlock()
	r.mu.Lock()
	delete(r.instances, i.identifier)
	if i.secretARN != "" {
		r.cfg.Secrets.RemoveManaged(i.secretARN)
	}
	archive := i.archive
	if _, _, begun := r.window(archive, retention(i.properties)); keepBackups && begun {
		r.retained[i.resourceID] = i.backups()
		archive = nil
	}
	i.archive = nil
	r.mu.Unlock()
	r.emit(i, eventDeleted, "DB instance deleted")
	if archive != nil {
		if err := archive.Close(); err != nil {
			return fmt.Errorf("delete the backups of DB instance %s: %w", r.name(i), err)
		}
	}
	return nil
}

// closeBackups removes the archives of all that there is.
func closeBackups(instances map[string]*instance, left map[string]*retained) error {
	var errs []error
	for _, i := range instances {
		if i.archive != nil {
			errs = append(errs, i.archive.Close())
		}
	}
	for _, b := range left {
		errs = append(errs, b.archive.Close())
	}
	return errors.Join(errs...)
}
