package restore

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/copytask"
	"headroom/internal/master"
	"headroom/internal/pool"
)

// errNoRoom is that of a copy for which its host has no room.
var errNoRoom = errors.New("there is no room for it")

// copy has a task copy the database from the temporary instance into a stand-in beside the present one.
func (h *Handler) copy(ctx context.Context, r pool.Restoration) (restoring, error) {
	if r.Move {
		return h.attempt(ctx, r, events.JobRestoreDatabase, h.prepareMove)
	}
	return h.attempt(ctx, r, events.JobRestoreDatabase, h.prepareCopy)
}

// prepareCopy closes the tenant's database on the temporary instance, lets a role in that reads it, and makes the stand-in
// that another role fills, which reaches nothing else.
func (h *Handler) prepareCopy(ctx context.Context, r pool.Restoration) (events.ArchivistJob, error) {
	host, err := h.host(ctx, r)
	if err != nil {
		return events.ArchivistJob{}, err
	}
	then, err := h.Instances.Look(ctx, r.Instance)
	if err != nil {
		return events.ArchivistJob{}, err
	}
	slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
	source := events.JobDatabase{
		Host: then.Address, Port: then.Port, Name: pool.DatabaseName(slot.Name), Username: pool.CopierName(slot.Name), Tenant: pool.RoleName(slot.Name), Mark: slot.Mark,
	}
	var size int64
	if source.SecretARN, err = h.letIn(ctx, r, "source", source, master.Instance{Address: then.Address, Port: then.Port, Secret: then.MasterSecret}, func(login pool.Login, password string) error {
		if err := h.Databases.Close(ctx, login, slot.Name); err != nil {
			return err
		}
		var err error
		if size, err = h.Databases.Size(ctx, login, slot); err != nil {
			return err
		}
		return h.Databases.GrantCopier(ctx, login, slot, password, h.Now().Add(copytask.RoleTerm))
	}); err != nil {
		return events.ArchivistJob{}, err
	}
	return h.prepareStandIn(ctx, r, source, host, slot.Mark, size)
}

// prepareStandIn makes a stand-in on a host, for which there must be room, and words the job that copies a source of a size
// into it. mark is what the slot bears that the stand-in is for.
func (h *Handler) prepareStandIn(
	ctx context.Context, r pool.Restoration, source events.JobDatabase, host pool.Host, mark string, size int64,
) (events.ArchivistJob, error) {
	standIn := r.StandInSlot(mark)
	freed, err := h.clearEarlier(ctx, r, host, mark)
	if err != nil {
		return events.ArchivistJob{}, err
	}
	if why, err := h.room(ctx, host, size, freed); err != nil || why != "" {
		if err == nil {
			err = fmt.Errorf("%w: %s", errNoRoom, why)
		}
		return events.ArchivistJob{}, err
	}
	target := events.JobDatabase{
		Host: host.Access.Address, Port: host.Access.Port, Name: pool.DatabaseName(standIn.Name), Username: pool.RoleName(standIn.Name),
		Tenant: pool.RoleName(standIn.Name), Mark: standIn.Mark,
	}
	if target.SecretARN, err = h.letIn(ctx, r, "target", target, master.Of(host), func(login pool.Login, password string) error {
		return h.Databases.PrepareStandIn(ctx, login, standIn, pool.TenantConnections, password, h.Now().Add(copytask.RoleTerm))
	}); err != nil {
		return events.ArchivistJob{}, err
	}
	return events.ArchivistJob{Database: &source, StandIn: &target}, nil
}

// letIn stores the credentials of a role of an attempt, and lets it in as master.
//
// Commit point: the secret is stored before the role has its password, so that nobody has a password that is not known.
func (h *Handler) letIn(
	ctx context.Context, r pool.Restoration, role string, d events.JobDatabase, on master.Instance, let func(login pool.Login, password string) error,
) (string, error) {
	credentials, arn, err := h.Vault.Copier(ctx, secretOf(r, r.Attempt.Number, role), func(password string) events.Credentials {
		return events.Credentials{Engine: "postgres", Host: d.Host, Port: d.Port, DBName: d.Name, Username: d.Username, Password: password}
	})
	if err != nil {
		return "", fmt.Errorf("store the credentials of a role of restoration %s: %w", r.ID(), err)
	}
	err = h.asMaster(ctx, on, func(login pool.Login) error { return let(login, credentials.Password) })
	if err != nil {
		return "", fmt.Errorf("let the role of restoration %s in to its %s: %w", r.ID(), role, err)
	}
	return arn, nil
}

// secretOf names the secret of a role of an attempt.
func secretOf(r pool.Restoration, attempt int, role string) string {
	return fmt.Sprintf("%s/%d/%s", r.ID(), attempt, role)
}

// clearEarlier drops what earlier attempts have filled, which takes room, and returns how much they took.
func (h *Handler) clearEarlier(ctx context.Context, r pool.Restoration, host pool.Host, mark string) (freed int64, err error) {
	if r.Attempt.Number <= 1 {
		return 0, nil
	}
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		freed = 0
		for attempt := 1; attempt < r.Attempt.Number; attempt++ {
			size, err := h.Databases.Size(ctx, login, r.StandInOf(mark, attempt))
			if errors.Is(err, pool.ErrNoDatabase) {
				continue
			}
			if err == nil {
				err = h.Databases.Drop(ctx, login, r.StandInOf(mark, attempt))
			}
			if err != nil {
				return err
			}
			freed += size
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take away what earlier attempts have filled: %w", err)
	}
	return freed, nil
}

// room says why a host has no room for a copy of a database of a size; empty: it has. What was freed just now is not in what
// is measured, which is some minutes behind.
func (h *Handler) room(ctx context.Context, host pool.Host, size, freed int64) (why string, err error) {
	free, err := h.Storage.Free(ctx, host.Stack.Name)
	if err != nil {
		return "", fmt.Errorf("look how much is free on %s: %w", host.ID, err)
	}
	return pool.CopyRefused(free+freed, size), nil
}
