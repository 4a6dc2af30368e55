package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// lists are the attributes of the lists of each kind.
var lists = map[pool.Kind]string{pool.Database: "db", pool.Share: "sh"}

// BeginRefill notes a refill in the shelf, which is made if it is not there.
func (l *Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) (pool.Shelf, error) {
	noted, err := attributevalue.Marshal(encodeRefill(r))
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("encode refill %d: %w", r.Number, err)
	}
	values := item{":refill": noted, ":number": number(r.Number)}
	next := "attribute_not_exists(rn)"
	if r.Number != 1 {
		next = "rn = :last"
		values[":last"] = number(r.Number - 1)
	}
	shelf, err := l.changeShelf(ctx, tier, shelfChange{
		create: true, set: []string{"r = :refill", "rn = :number"}, values: values,
		condition: next + " AND attribute_not_exists(r) AND attribute_not_exists(w)",
	})
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("begin refill %d of tier %s: %w", r.Number, tier, err)
	}
	return shelf, nil
}

// CommitRefill sets out what a refill found good, and ends it. It drops the access of hosts that the
// shelf does not need any more: while this refill is under way no other can bring them back, so what
// was seen since it began is still true.
func (l *Ledger) CommitRefill(ctx context.Context, seen pool.Shelf, offers []pool.Listed, hosts map[pool.HostID]pool.Access) (pool.Shelf, error) {
	if seen.Refill == nil {
		return pool.Shelf{}, fmt.Errorf("commit a refill of tier %s: none was seen under way: %w", seen.Tier, pool.ErrConflict)
	}
	refill := seen.Refill.Number
	change := shelfChange{remove: []string{"r"}, condition: "r.n = :number", values: item{":number": number(refill)}}
	for _, k := range pool.Kinds {
		more := (pool.Refill{Offers: offers}).Of(k)
		if len(more) == 0 {
			continue
		}
		set, err := attributevalue.Marshal(encodeOffers(more))
		if err != nil {
			return pool.Shelf{}, fmt.Errorf("encode the offers of refill %d: %w", refill, err)
		}
		list := lists[k]
		change.set = append(change.set, list+" = list_append("+list+", :"+list+")")
		change.values[":"+list] = set
	}
	if err := change.hosts(seen, hosts); err != nil {
		return pool.Shelf{}, err
	}
	// Commit point: the slots of the refill can be taken.
	shelf, err := l.changeShelf(ctx, seen.Tier, change)
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("commit refill %d of tier %s: %w", refill, seen.Tier, err)
	}
	return shelf, nil
}

// hosts adds the access of hosts, and drops that of hosts that the shelf does not need.
func (c *shelfChange) hosts(shelf pool.Shelf, added map[pool.HostID]pool.Access) error {
	for _, id := range slices.Sorted(maps.Keys(added)) {
		short, err := shortHost(id)
		if err != nil {
			return err
		}
		access, err := attributevalue.Marshal(accessItem(added[id]))
		if err != nil {
			return fmt.Errorf("encode the access of host %s: %w", id, err)
		}
		c.set = append(c.set, "h."+short+" = :"+short)
		c.values[":"+short] = access
	}
	needed := pool.Tidy(shelf).Hosts
	for _, id := range slices.Sorted(maps.Keys(shelf.Hosts)) {
		_, used := needed[id]
		if _, set := added[id]; used || set {
			continue
		}
		short, err := shortHost(id)
		if err != nil {
			return err
		}
		c.remove = append(c.remove, "h."+short)
	}
	return nil
}

// settleMost is how many holds one update forgets: an expression has 300 operators and 4 KB at most.
const settleMost = 100

// Settle forgets holds, settleMost at a time in the order of their tenants.
func (l *Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold, at time.Time) error {
	for tenants := range slices.Chunk(slices.Sorted(maps.Keys(holds)), settleMost) {
		change := shelfChange{set: []string{"s = :at"}, names: map[string]string{}, values: item{":at": number(unix(at))}}
		var held []string
		for i, id := range tenants {
			n := strconv.Itoa(i)
			hold, err := attributevalue.Marshal(encodeHold(holds[id]))
			if err != nil {
				return fmt.Errorf("encode the hold of tenant %s: %w", id, err)
			}
			change.names["#"+n], change.values[":"+n] = string(id), hold
			held = append(held, "hd.#"+n+" = :"+n)
			change.remove = append(change.remove, "hd.#"+n)
		}
		change.condition = strings.Join(held, " AND ")
		if _, err := l.changeShelf(ctx, tier, change); err != nil {
			return fmt.Errorf("settle %d claims of tier %s: %w", len(tenants), tier, err)
		}
	}
	return nil
}
