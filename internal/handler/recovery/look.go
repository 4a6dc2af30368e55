package recovery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"headroom/internal/master"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
)

// sight is what was seen, and looked into.
type sight struct {
	seen inventory.Seen
	look plans.Look
}

// plan looks at what there is, reads then what the ledger says, and makes a plan of the difference. It changes nothing.
func (h *Handler) plan(ctx context.Context) (plans.Plan, sight, error) {
	s, err := h.see(ctx)
	if err != nil {
		return plans.Plan{}, s, err
	}
	p, err := h.planOf(ctx, s)
	return p, s, err
}

// see looks at all that there is.
func (h *Handler) see(ctx context.Context) (s sight, err error) {
	if s.seen, err = h.Looker.Look(ctx); err != nil {
		return s, err
	}
	s.look, err = h.look(ctx, s.seen)
	return s, err
}

// planOf makes a plan of what was seen, and of the ledger as it is now.
func (h *Handler) planOf(ctx context.Context, s sight) (plans.Plan, error) {
	b, err := h.books(ctx, s)
	if err != nil {
		return plans.Plan{}, err
	}
	return plans.Make(b, plans.Gather(b.Books, s.seen, s.look), h.Now()), nil
}

// books reads what the ledger says now.
func (h *Handler) books(ctx context.Context, s sight) (plans.Books, error) {
	b := plans.Books{Shelves: map[pool.Tier]pool.Shelf{}}
	tiers, err := h.Ledger.Tiers(ctx)
	if err != nil {
		return b, err
	}
	for _, tier := range tiers { // before the hosts: what moves, moves from the shelf to them
		if b.Shelves[tier], err = h.Ledger.Shelf(ctx, tier); err != nil {
			return b, err
		}
	}
	if b.Books, err = h.Books.Books(ctx, s.seen); err != nil {
		return b, err
	}
	return b, h.readOwners(ctx, b.Tenants, s.seen)
}

// readOwners reads the tenants to whom addresses are registered that somebody else's share serves, and of whom nothing else was found: they
// wait, or are signing up.
func (h *Handler) readOwners(ctx context.Context, known map[pool.TenantID]pool.Tenant, seen inventory.Seen) error {
	others := map[pool.TenantID]bool{}
	for _, s := range seen.Shares {
		for _, client := range s.Clients {
			if client == pool.Nobody || s.Tenant == "" {
				continue
			}
			owner, err := h.Ledger.Owner(ctx, strings.TrimSuffix(client, "/32"))
			if err != nil && !errors.Is(err, pool.ErrNotFound) {
				return err
			}
			if _, read := known[owner]; owner != "" && !read {
				others[owner] = true
			}
		}
	}
	if len(others) == 0 {
		return nil
	}
	read, err := h.Ledger.Tenants(ctx, slices.Sorted(maps.Keys(others)))
	maps.Copy(known, read)
	return err
}

// look looks into what bears the stage's marks: which databases stand on each host, and whether the buckets of shares hold
// anything. A host that does not answer, or of which a bucket can't be looked into, keeps its slots as they are on
// record.
func (h *Handler) look(ctx context.Context, seen inventory.Seen) (plans.Look, error) {
	look := plans.Look{Databases: map[pool.HostID][]pool.FoundDatabase{}, Blind: map[pool.HostID]string{}, Full: map[string]string{}}
	hosts := plans.Hosts(h.Stage, seen)
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		host := hosts[id]
		if key, _, err := id.Parse(); err == nil && key.Kind == pool.Database && host.Whole {
			at := master.Instance{Address: host.Access.Address, Port: host.Access.Port, Secret: host.Access.MasterSecret}
			err := master.Do(ctx, h.Vault, at, func(login pool.Login) (err error) {
				look.Databases[id], err = h.Databases.Found(ctx, login)
				return err
			})
			if err != nil {
				h.Log.WarnContext(ctx, "could not look into a host", "host", id, "error", err)
				look.Blind[id] = "its databases could not be listed: " + err.Error()
			}
		}
		for _, s := range host.Slots {
			if look.Full[s.Bucket] != "" {
				continue
			}
			full, err := h.Buckets.Found(ctx, s.Bucket)
			if err != nil {
				h.Log.WarnContext(ctx, "could not look into a host", "host", id, "error", err)
				look.Blind[id] = "a bucket could not be looked into: " + err.Error()
				break
			}
			look.Full[s.Bucket] = full
		}
		if ctx.Err() != nil { // else all that is left would be taken for blind
			return look, ctx.Err()
		}
	}
	return look, nil
}
