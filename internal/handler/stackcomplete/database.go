package stackcomplete

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// slotsAtOnce is how many databases are made between two records.
const slotsAtOnce = 5

// harden closes the databases that a new instance comes with.
func (h *Handler) harden(ctx context.Context, host pool.Host) (progress, error) {
	err := h.asMaster(ctx, host, func(login pool.Login) error { return h.Databases.Harden(ctx, login) })
	if err != nil {
		return progress{}, err
	}
	return progress{Record: pool.Begin(host, pool.StepSlots, h.Now())}, nil
}

// slots makes the next few databases; after the last one the host goes into service.
func (h *Handler) slots(ctx context.Context, host pool.Host) (progress, error) {
	host = host.Clone()
	made := 0
	for i := range host.Slots {
		slot := &host.Slots[i]
		if slot.State != pool.SlotPlanned {
			continue
		}
		if made == slotsAtOnce {
			return progress{Record: host}, nil
		}
		err := h.asMaster(ctx, host, func(login pool.Login) error {
			return h.Databases.MakeSlot(ctx, login, slot.Name, host.SlotMark(*slot), pool.TenantConnections)
		})
		if err != nil {
			return progress{}, err
		}
		if *slot, err = pool.MoveSlot(*slot, pool.SlotFree, h.Now()); err != nil {
			return progress{}, err
		}
		made++
	}
	return h.putIntoService(host)
}

// asMaster does something as the master user of a database host. A password that was rotated since it was read
// is read again, once.
func (h *Handler) asMaster(ctx context.Context, host pool.Host, do func(pool.Login) error) error {
	for try := 1; ; try++ {
		login, err := h.login(ctx, host)
		if err != nil {
			return err
		}
		if err := do(login); try > 1 || !errors.Is(err, pool.ErrLogin) {
			return err
		}
	}
}

// login is how to log in to a database host. The master password is rotated, so it is read
// each time.
func (h *Handler) login(ctx context.Context, host pool.Host) (pool.Login, error) {
	username, password, err := h.Vault.Master(ctx, host.Access.MasterSecret)
	if err != nil {
		return pool.Login{}, fmt.Errorf("read the master secret: %w", err)
	}
	return pool.Login{Host: host.Access.Address, Port: host.Access.Port, Username: username, Password: password}, nil
}
