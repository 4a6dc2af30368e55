package endtoend

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

// books is everything that the table holds.
type books struct {
	hosts   map[pool.HostID]pool.Host
	tenants map[pool.TenantID]pool.Tenant
	pools   map[pool.Key]pool.Record
	shelf   pool.Shelf
	waiting []pool.Waiter
	raw     []string // each item as JSON
}

// audit reads the whole table.
func (s *system) audit(tb testing.TB) books {
	tb.Helper()
	b := books{hosts: map[pool.HostID]pool.Host{}, tenants: map[pool.TenantID]pool.Tenant{}, pools: map[pool.Key]pool.Record{}}
	ctx := tb.Context()
	var err error
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.AWS()), &dynamodb.ScanInput{TableName: &s.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(tb, err)
		for _, stored := range page.Items {
			item := map[string]any{}
			must(tb, attributevalue.UnmarshalMap(stored, &item))
			text, err := json.Marshal(item)
			must(tb, err)
			b.raw = append(b.raw, string(text))
			kind, id, _ := strings.Cut(fmt.Sprint(item["pk"]), "#")
			switch kind {
			case "HOST":
				b.hosts[pool.HostID(id)], err = s.ledger.Host(ctx, pool.HostID(id))
			case "TENANT":
				b.tenants[pool.TenantID(id)], err = s.ledger.Tenant(ctx, pool.TenantID(id))
			}
			must(tb, err)
		}
	}
	for _, kind := range pool.Kinds {
		key := pool.Key{Kind: kind, Tier: tier}
		b.pools[key], err = s.ledger.Pool(ctx, key)
		must(tb, err)
	}
	b.shelf, err = s.ledger.Shelf(ctx, tier)
	must(tb, err)
	b.waiting, err = s.ledger.Waiting(ctx, tier, 1000)
	must(tb, err)
	b.settle()
	return b
}

// settle does in the books what the pool check does in the table once it pays: it assigns the slots that tenants
// hold who are ready, and forgets what they hold. Nothing waits for that.
func (b *books) settle() {
	for id, hold := range b.shelf.Held {
		t := b.tenants[id]
		if t.State != pool.TenantReady {
			continue
		}
		for _, l := range hold.Listed() {
			at := l.Host(tier)
			b.hosts[at] = pool.Assign(b.hosts[at], []pool.Listed{{Kind: l.Kind, Offer: l.Offer, Tenant: id}}, t.ReadyAt)
		}
		delete(b.shelf.Held, id)
	}
}

// place is a slot of a host.
type place struct {
	host  pool.HostID
	index int
}

// problems lists what is wrong with the books of a system at rest: each slot is in exactly one
// place, each tenant has one slot of each kind, and the counters are the sums of what hosts
// contribute.
func (b books) problems() (found []string) {
	problem := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if b.shelf.Refill != nil || len(b.shelf.Withdrawn) > 0 || len(b.shelf.Held) > 0 || b.shelf.Queue != 0 {
		problem("the shelf is not at rest: refill %v, withdrawn %v, held %v, queue %d", b.shelf.Refill, b.shelf.Withdrawn, b.shelf.Held, b.shelf.Queue)
	}
	if len(b.waiting) > 0 {
		problem("tenants wait: %v", b.waiting)
	}
	offered := map[place]int{}
	for _, kind := range pool.Kinds {
		for _, o := range b.shelf.Offers(kind) {
			offered[place{pool.Key{Kind: kind, Tier: tier}.Host(o.Host), o.Index}]++
		}
	}
	sums := map[pool.Key]pool.Counters{}
	owners := map[place]pool.TenantID{}
	for id, h := range b.hosts {
		sums[h.Key()] = sums[h.Key()].Add(pool.Contribution(h))
		for _, slot := range h.Slots {
			at := place{id, slot.Index}
			switch n := offered[at]; {
			case slot.State == pool.SlotOffered && n != 1, slot.State != pool.SlotOffered && n != 0:
				problem("slot %v is %s, and %d times on the shelf", at, slot.State, n)
			case slot.State == pool.SlotAssigned:
				owners[at] = slot.Tenant
			}
			delete(offered, at)
		}
	}
	for at := range offered {
		problem("the shelf offers %v, which is no slot", at)
	}
	for key, record := range b.pools {
		if record.Counters != sums[key] {
			problem("counters of %s are %+v, its hosts sum up to %+v", key, record.Counters, sums[key])
		}
	}
	for id, t := range b.tenants {
		if t.State != pool.TenantReady {
			problem("tenant %s is %s", id, t.State)
			continue
		}
		for _, holding := range []pool.Holding{t.Database, t.Share} {
			at := place{holding.Host, holding.Index}
			if owners[at] != id {
				problem("tenant %s has slot %v, which is assigned to %q", id, at, owners[at])
			}
			delete(owners, at)
		}
	}
	for at, id := range owners {
		problem("slot %v is assigned to %s, who does not have it", at, id)
	}
	slices.Sort(found)
	return found
}

// atRest waits until nothing is on its way any more, and wants the books and the cloud to agree then.
func (s *system) atRest(tb testing.TB) books {
	tb.Helper()
	var b books
	var problems []string
	s.checkPools(tb)
	err := s.wait(tb.Context(), 30*time.Second, func() bool {
		b = s.audit(tb)
		problems = append(b.problems(), s.differences(tb, b)...)
		return len(problems) == 0
	})
	if err != nil {
		tb.Fatalf("the system did not come to rest in good order:\n%s", strings.Join(problems, "\n"))
	}
	return b
}
