package dynamo

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// policiesOf are the policies of a tier whose hosts have twenty databases and ten shares.
func policiesOf(tier pool.Tier) pool.Policies {
	var ps pool.Policies
	for _, k := range []struct {
		kind  pool.Kind
		slots int
	}{{pool.Database, 20}, {pool.Share, 10}} {
		ps = append(ps, pool.Policy{Kind: k.kind, Tier: tier, SlotsPerHost: k.slots, Ceiling: 1 << 20, MaxOrders: 1, Placement: pool.Pack})
	}
	return ps
}

// seed writes a tier with so many free slots of each kind, straight into the table.
func seed(tb testing.TB, client *dynamodb.Client, table string, tier pool.Tier, slots int) {
	tb.Helper()
	const batch = 25 // BatchWriteItem takes no more
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(8)
	for _, p := range policiesOf(tier) {
		hosts := slots / p.SlotsPerHost
		for first := 1; first <= hosts; first += batch {
			group.Go(func() error {
				var writes []types.WriteRequest
				for seq := first; seq < first+batch && seq <= hosts; seq++ {
					h := ledgertest.Host(p.Key(), seq, p.SlotsPerHost)
					h.Version = 1
					for i := range h.Slots { // no signup reads these, and they take most of the time
						h.Slots[i].Bucket, h.Slots[i].Role = "", ""
					}
					i, err := encodeHost(h)
					if err != nil {
						return err
					}
					writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: i}})
				}
				out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes}})
				if err == nil && len(out.UnprocessedItems) > 0 {
					err = fmt.Errorf("%d items of a batch were not written", len(out.UnprocessedItems[table]))
				}
				return err
			})
		}
		group.Go(func() error { return seedPool(ctx, client, table, p, hosts) })
	}
	if err := group.Wait(); err != nil {
		tb.Fatalf("seed %d slots: %v", slots, err)
	}
}

func seedPool(ctx context.Context, client *dynamodb.Client, table string, p pool.Policy, hosts int) error {
	type record struct {
		key
		poolItem
	}
	c := pool.Counters{Hosts: hosts, InService: hosts, Slots: hosts * p.SlotsPerHost, Reserve: hosts * p.SlotsPerHost}
	for n := range p.SlotsPerHost {
		c.Room[n] = hosts
	}
	i, err := encode(record{poolKey(p.Key()), poolItem{Seq: hosts, counters: encodeCounters(c)}})
	if err != nil {
		return err
	}
	maps.Copy(i, encodeRoom(c.Room))
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: i})
	return err
}
