package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/buckets"
	"headroom/internal/adapter/inventory"
	"headroom/internal/function"
	"headroom/internal/function/policies"
	"headroom/internal/function/slots"
	"headroom/internal/handler/recovery"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/stocktake"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e recovery.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	databases, err := slots.Databases(e.TaskRoot)
	if err != nil {
		return nil, err
	}
	metrics := function.Metrics(e.Stage)
	source := policies.Source(cfg, e.PolicyParameter, pool.Bounds{DatabaseSlots: e.DatabaseSlots}, metrics)
	shelves, err := shelf.New(shelf.Config{Ledger: ledger, Policies: source, Now: function.Now})
	if err != nil {
		return nil, err
	}
	looker := inventory.New(cfg, e.Stage, function.Now)
	handler, err := recovery.New(recovery.Config{
		Stage: e.Stage, Ledger: ledger, Looker: looker,
		Books: &stocktake.Taker{
			Stage: e.Stage, Nobody: pool.Nobody, Protected: e.Protected, Looker: looker, Ledger: ledger, Now: function.Now,
		},
		Shelf: shelves, Vault: slots.Masters(cfg), Databases: databases, Buckets: &buckets.Disposal{Client: s3.NewFromConfig(cfg)},
		Terms: source, Metrics: metrics, Log: slog.Default(), Now: function.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
