package rdsalarm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// vault reads the master passwords of database hosts.
type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
}

// databases are the database hosts.
type databases interface {
	Usage(ctx context.Context, login pool.Login) (map[string]pool.DatabaseUse, error)
}

// Reader reads what the tenants of a database host use now. It logs in as the host's master user: connections are reserved for
// the platform, because those of all tenants together have limits that leave it some.
type Reader struct {
	Vault     vault
	Databases databases
	Within    time.Duration // it gives up then: people hear sooner that it could not be read than late what it said
}

// Usage reads it, of each tenant that has a slot of the host.
func (r Reader) Usage(ctx context.Context, h pool.Host) ([]events.TenantUse, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Within)
	defer cancel()
	found, err := r.read(ctx, h)
	if err != nil {
		return nil, err
	}
	var use []events.TenantUse
	for _, slot := range h.Slots {
		if slot.State != pool.SlotAssigned {
			continue
		}
		if u, there := found[pool.DatabaseName(slot.Name)]; there {
			use = append(use, events.TenantUse{TenantID: string(slot.Tenant), Active: u.Active, Connections: u.Connections, Bytes: u.Bytes})
		}
	}
	return use, nil
}

// read logs in. A password that was rotated since it was read is read again, once.
func (r Reader) read(ctx context.Context, h pool.Host) (map[string]pool.DatabaseUse, error) {
	for try := 1; ; try++ {
		username, password, err := r.Vault.Master(ctx, h.Access.MasterSecret)
		if err != nil {
			return nil, fmt.Errorf("read the master secret of %s: %w", h.ID, err)
		}
		found, err := r.Databases.Usage(ctx, pool.Login{Host: h.Access.Address, Port: h.Access.Port, Username: username, Password: password})
		if try > 1 || !errors.Is(err, pool.ErrLogin) {
			return found, err
		}
	}
}
