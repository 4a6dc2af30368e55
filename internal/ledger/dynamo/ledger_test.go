package dynamo

import (
	"math/rand/v2"
	"testing"

	smithytime "github.com/aws/smithy-go/time"

	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
)

func TestContract(t *testing.T) {
	server := dynamotest.Start(t)
	ledgertest.Run(t, func(t *testing.T) ledger.Ledger { return open(t, server.Client(), server.Table(t)) })
}

// open makes a ledger on a table.
func open(tb testing.TB, client database, table string) *Ledger {
	tb.Helper()
	l, err := New(Config{Client: client, Table: table, Rand: rand.Float64, Sleep: smithytime.SleepWithContext})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}
