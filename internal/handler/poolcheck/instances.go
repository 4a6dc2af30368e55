package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// instances knows what RDS says of instances: the status of each whose name begins with a prefix, by its name, or of one;
// pool.ErrNotFound of one that there is not.
type instances interface {
	Statuses(ctx context.Context, prefix string) (map[string]string, error)
	Status(ctx context.Context, name string) (string, error)
}

// lookAtInstances cordons the database hosts of which RDS says that they don't serve: its events are sent at best, and a
// host whose storage is full answers still. A cordoned host is watched, and let in again then.
func (h *Handler) lookAtInstances(ctx context.Context) error {
	statuses, err := h.Instances.Statuses(ctx, h.StackPrefix+string(pool.Database)+"-")
	if err != nil {
		return err
	}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(statuses)) {
		id := pool.HostID(strings.TrimPrefix(name, h.StackPrefix))
		if _, _, err := id.Parse(); err == nil && pool.InstanceTrouble(statuses[name]) != "" {
			failures = append(failures, h.noteStatus(ctx, id, statuses[name]))
		}
	}
	return errors.Join(failures...)
}

// noteStatus notes what RDS says of a host's instance, and has told what the host comes to by that.
func (h *Handler) noteStatus(ctx context.Context, id pool.HostID, status string) error {
	now := h.Now()
	// Commit point: the host takes no more tenants, or takes them again. Killed after this, the step's deadline tells of it.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed, err := pool.Troubled(host, status, now)
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("note that the instance of %s is %q: %w", id, status, err)
	case host.State == before.State:
		return nil
	}
	h.Log.WarnContext(ctx, "RDS says another thing of an instance", "host", id, "status", status, "from", before.State, "to", host.State)
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(id), string(host.Step), host.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s done: %w", host.Step, id, err)
	}
	return nil
}
