package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// lists are the attributes of the lists of each kind.
var lists = map[pool.Kind]string{pool.Database: "db", pool.Share: "sh"}

// BeginRefill notes a refill in the shelf, which is made if it is not there.
func (l *Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) error {
	noted, err := attributevalue.Marshal(encodeRefill(r))
	if err != nil {
		return fmt.Errorf("encode refill %d: %w", r.Number, err)
	}
	values := item{":refill": noted, ":number": number(r.Number)}
	next := "attribute_not_exists(rn)"
	if r.Number != 1 {
		next = "rn = :last"
		values[":last"] = number(r.Number - 1)
	}
	_, err = l.changeShelf(ctx, tier, shelfChange{
		create: true, set: []string{"r = :refill", "rn = :number"}, values: values,
		condition: next + " AND attribute_not_exists(r) AND attribute_not_exists(w)",
	})
	if err != nil {
		return fmt.Errorf("begin refill %d of tier %s: %w", r.Number, tier, err)
	}
	return nil
}

// CommitRefill sets out what a refill found good, and ends it. It drops the access of hosts that the
// shelf does not need any more: while this refill is under way no other can bring them back, so what
// was read just before is still true.
func (l *Ledger) CommitRefill(ctx context.Context, tier pool.Tier, refill int64, kind pool.Kind, offers []pool.Offer, hosts map[pool.HostID]pool.Access) error {
	shelf, err := l.Shelf(ctx, tier)
	if err != nil {
		return err
	}
	set, err := attributevalue.Marshal(encodeOffers(offers))
	if err != nil {
		return fmt.Errorf("encode the offers of refill %d: %w", refill, err)
	}
	list := lists[kind]
	change := shelfChange{
		set:       []string{list + " = list_append(" + list + ", :offers)"},
		remove:    []string{"r"},
		condition: "r.n = :number",
		values:    item{":offers": set, ":number": number(refill)},
	}
	if err := change.hosts(shelf, hosts); err != nil {
		return err
	}
	// Commit point: the slots of the refill can be taken.
	if _, err := l.changeShelf(ctx, tier, change); err != nil {
		return fmt.Errorf("commit refill %d of tier %s: %w", refill, tier, err)
	}
	return nil
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

// settleMost is how many holds one update forgets: an expression has 300 operators at most, and a
// hold takes six.
const settleMost = 40

// Settle forgets holds, settleMost at a time in the order of their tenants.
func (l *Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold) error {
	for tenants := range slices.Chunk(slices.Sorted(maps.Keys(holds)), settleMost) {
		change := shelfChange{names: map[string]string{}, values: item{}}
		var held []string
		for i, id := range tenants {
			n, hold := strconv.Itoa(i), holds[id]
			change.names["#t"+n] = string(id)
			change.values[":d"+n], change.values[":s"+n] = text(encodeOffer(hold.Database)), text(encodeOffer(hold.Share))
			change.values[":a"+n] = number(unix(hold.At))
			for _, part := range []struct{ attribute, value string }{{"hd", ":d"}, {"hs", ":s"}, {"ha", ":a"}} {
				path := part.attribute + ".#t" + n
				held = append(held, path+" = "+part.value+n)
				change.remove = append(change.remove, path)
			}
		}
		change.condition = strings.Join(held, " AND ")
		if _, err := l.changeShelf(ctx, tier, change); err != nil {
			return fmt.Errorf("settle %d claims of tier %s: %w", len(tenants), tier, err)
		}
	}
	return nil
}
