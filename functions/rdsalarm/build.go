package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/notices"
	"headroom/internal/handler/rdsalarm"
	"headroom/internal/shelf"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e rdsalarm.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	shelves, err := shelf.New(shelf.Config{Ledger: ledger, Policies: rdsalarm.NoPolicies{}, Now: function.Now})
	if err != nil {
		return nil, err
	}
	metrics := function.Metrics(e.Stage)
	announcer, err := announce.New(announce.Config{
		Ledger: ledger, PoolChecks: function.Queues(cfg)(e.PoolCheckQueue),
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region,
	})
	if err != nil {
		return nil, err
	}
	handler, err := rdsalarm.New(rdsalarm.Config{
		Ledger: ledger, Shelf: shelves, Announce: announcer, StackPrefix: e.StackPrefix,
		Metrics: metrics, Log: slog.Default(), Now: function.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
