package restore

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
)

// errNoRoom is that of a copy for which its host has no room.
var errNoRoom = errors.New("there is no room for it")

// copy has a task copy the database from the temporary instance into a stand-in beside the present one.
func (h *Handler) copy(ctx context.Context, r pool.Restoration) (restoring, error) {
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
	if source.SecretARN, err = h.letIn(ctx, r, "source", source, then.MasterSecret, func(login pool.Login, password string) error {
		if err := h.Databases.Close(ctx, login, slot.Name); err != nil {
			return err
		}
		var err error
		if size, err = h.Databases.Size(ctx, login, slot); err != nil {
			return err
		}
		return h.Databases.GrantCopier(ctx, login, slot, password, h.Now().Add(roleTerm))
	}); err != nil {
		return events.ArchivistJob{}, err
	}
	if why, err := h.room(ctx, host, size); err != nil || why != "" {
		if err == nil {
			err = fmt.Errorf("%w: %s", errNoRoom, why)
		}
		return events.ArchivistJob{}, err
	}
	standIn := r.StandInSlot(slot.Mark)
	target := events.JobDatabase{
		Host: host.Access.Address, Port: host.Access.Port, Name: pool.DatabaseName(standIn.Name), Username: pool.RoleName(standIn.Name),
		Tenant: pool.RoleName(standIn.Name), Mark: standIn.Mark,
	}
	if target.SecretARN, err = h.letIn(ctx, r, "target", target, host.Access.MasterSecret, func(login pool.Login, password string) error {
		for attempt := 1; attempt < r.Attempt.Number; attempt++ { // what earlier ones have filled takes room
			if err := h.Databases.Drop(ctx, login, r.StandInOf(slot.Mark, attempt)); err != nil {
				return err
			}
		}
		return h.Databases.PrepareStandIn(ctx, login, standIn, pool.TenantConnections, password, h.Now().Add(roleTerm))
	}); err != nil {
		return events.ArchivistJob{}, err
	}
	return events.ArchivistJob{Database: &source, StandIn: &target}, nil
}

// letIn stores the credentials of a role of an attempt, and lets it in as master.
//
// Commit point: the secret is stored before the role has its password, so that nobody has a password that is not known.
func (h *Handler) letIn(
	ctx context.Context, r pool.Restoration, role string, d events.JobDatabase, master string, let func(login pool.Login, password string) error,
) (string, error) {
	credentials, arn, err := h.Vault.Copier(ctx, secretOf(r, r.Attempt.Number, role), func(password string) events.Credentials {
		return events.Credentials{Engine: "postgres", Host: d.Host, Port: d.Port, DBName: d.Name, Username: d.Username, Password: password}
	})
	if err != nil {
		return "", fmt.Errorf("store the credentials of a role of restoration %s: %w", r.ID(), err)
	}
	err = h.asMaster(ctx, d.Host, d.Port, master, func(login pool.Login) error { return let(login, credentials.Password) })
	if err != nil {
		return "", fmt.Errorf("let the role of restoration %s in to its %s: %w", r.ID(), role, err)
	}
	return arn, nil
}

// secretOf names the secret of a role of an attempt.
func secretOf(r pool.Restoration, attempt int, role string) string {
	return fmt.Sprintf("%s/%d/%s", r.ID(), attempt, role)
}

// room says why a host has no room for a copy of a database of a size; empty: it has.
func (h *Handler) room(ctx context.Context, host pool.Host, size int64) (why string, err error) {
	free, err := h.Storage.Free(ctx, host.Stack.Name)
	if err != nil {
		return "", fmt.Errorf("look how much is free on %s: %w", host.ID, err)
	}
	return pool.CopyRefused(free, size), nil
}

// asMaster does something as the master user of an instance. A password that was rotated since it was read is read again,
// once.
func (h *Handler) asMaster(ctx context.Context, address string, port int, secret string, do func(pool.Login) error) error {
	for try := 1; ; try++ {
		username, password, err := h.Vault.Master(ctx, secret)
		if err != nil {
			return fmt.Errorf("read the master secret of %s: %w", address, err)
		}
		err = do(pool.Login{Host: address, Port: port, Username: username, Password: password})
		if try > 1 || !errors.Is(err, pool.ErrLogin) {
			return err
		}
	}
}
