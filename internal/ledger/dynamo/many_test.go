package dynamo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

// busyTable answers with one item of those that are wanted, and leaves the others unprocessed. gives bounds how
// often it answers with one at all.
type busyTable struct {
	database
	gives int
}

func (b *busyTable) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	wanted := in.RequestItems["table"]
	if !aws.ToBool(wanted.ConsistentRead) {
		return nil, errors.New("the read is not consistent")
	}
	out := &dynamodb.BatchGetItemOutput{}
	if b.gives > 0 {
		b.gives--
		i, err := encodeTenant(pool.Tenant{ID: "x", Version: 1})
		if err != nil {
			return nil, err
		}
		i["pk"], i["sk"] = wanted.Keys[0]["pk"], wanted.Keys[0]["sk"]
		out.Responses = map[string][]map[string]types.AttributeValue{"table": {i}}
		wanted.Keys = wanted.Keys[1:]
	}
	if len(wanted.Keys) > 0 {
		out.UnprocessedKeys = map[string]types.KeysAndAttributes{"table": wanted}
	}
	return out, nil
}

func TestWhatStaysUnprocessedIsAskedForAgain(t *testing.T) {
	ids := []pool.TenantID{ledgertest.ID(1), ledgertest.ID(2), ledgertest.ID(3)}
	for name, test := range map[string]struct{ gives, tenants, waits int }{
		"all come, one by one":   {3, 3, 2},
		"some never come at all": {2, 0, collisions},
	} {
		t.Run(name, func(t *testing.T) {
			waits := 0
			l := &Ledger{Config{
				Client: &busyTable{gives: test.gives}, Table: "table", Rand: func() float64 { return 0.5 },
				Sleep: func(context.Context, time.Duration) error { waits++; return nil },
			}}
			got, err := l.Tenants(t.Context(), ids)
			if len(got) != test.tenants || waits != test.waits || (err != nil) != (test.tenants == 0) {
				t.Errorf("%d tenants after %d waits, error %v", len(got), waits, err)
			}
		})
	}
}

// collidingTable refuses each transaction because of another one.
type collidingTable struct{ database }

func (collidingTable) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return nil, canceled("TransactionConflict")
}

func TestHostsThatOthersKeepWritingAreAConflict(t *testing.T) {
	l := &Ledger{Config{
		Client: collidingTable{}, Table: "table", Rand: func() float64 { return 0.5 },
		Sleep: func(context.Context, time.Duration) error { return nil },
	}}
	h := ledgertest.Host(pool.Key{Kind: pool.Share, Tier: "standard"}, 1, 1)
	err := l.SaveHosts(t.Context(), []ledger.HostChange{{Before: h, After: h}})
	if !errors.Is(err, pool.ErrConflict) {
		t.Errorf("answered %v", err)
	}
}
