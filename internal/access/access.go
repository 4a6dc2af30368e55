// Package access is the one writer of who may reach a share: the share's client list and the security group
// of its gateway. What is desired follows from the tenant's record; the function that changes the record has it set
// from there, and confirms on the record's version that it is still what is desired. So of two that write
// at once, the one whose desire is out of date finds out, and sets it again.
package access

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

type shares interface {
	SetClients(ctx context.Context, share pool.ShareRef, clients []string) error
	Serves(ctx context.Context, share pool.ShareRef, clients []string) (bool, error)
}

type firewall interface {
	Admit(ctx context.Context, groupID, address, description string) error
	Evict(ctx context.Context, groupID, address string) error
}

// Writer sets who may reach shares. Both fields are required.
type Writer struct {
	Shares   shares
	Firewall firewall
}

// ErrNotServing means that a share does not serve its tenant yet: it takes some seconds to change.
var ErrNotServing = errors.New("its share does not serve its instances yet")

// Set lets the instances of a tenant reach its share, and nobody else: the gateway's group first, for a
// share that is open behind a closed gateway is of no use. The share serves them a little later.
func (w Writer) Set(ctx context.Context, t pool.Tenant, share pool.ShareRef, group string) error {
	if err := w.Admit(ctx, t, group); err != nil {
		return err
	}
	if err := w.Shares.SetClients(ctx, share, t.Clients()); err != nil {
		return fmt.Errorf("open the share of tenant %s: %w", t.ID, err)
	}
	return nil
}

// Admit lets the instances of a tenant in to the group of its gateway.
func (w Writer) Admit(ctx context.Context, t pool.Tenant, group string) error {
	for _, address := range t.Desired() {
		if err := w.Firewall.Admit(ctx, group, address, "tenant "+string(t.ID)); err != nil {
			return fmt.Errorf("let %s of tenant %s in to its gateway: %w", address, t.ID, err)
		}
	}
	return nil
}

// Evict puts addresses out of the group of a gateway. That cuts no connection that is established: what does is the
// share's client list, which has to be without them before.
func (w Writer) Evict(ctx context.Context, group string, addresses []string) error {
	for _, address := range addresses {
		if err := w.Firewall.Evict(ctx, group, address); err != nil {
			return fmt.Errorf("put %s out of its gateway: %w", address, err)
		}
	}
	return nil
}

// Shut closes a share to everybody: nobody, an address that is nobody's, is its only client.
func (w Writer) Shut(ctx context.Context, share pool.ShareRef, nobody string) error {
	if err := w.Shares.SetClients(ctx, share, []string{nobody}); err != nil {
		return fmt.Errorf("close share %s: %w", share.ID, err)
	}
	return nil
}

// Served looks whether a share serves exactly these clients; ErrNotServing when not.
func (w Writer) Served(ctx context.Context, share pool.ShareRef, clients []string) error {
	serves, err := w.Shares.Serves(ctx, share, clients)
	if err != nil {
		return fmt.Errorf("look at the share: %w", err)
	}
	if !serves {
		return ErrNotServing
	}
	return nil
}
