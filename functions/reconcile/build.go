package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/adapter/inventory"
	"headroom/internal/adapter/quotas"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/notices"
	"headroom/internal/handler/reconcile"
	"headroom/internal/pool"
	"headroom/internal/stocktake"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e reconcile.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	metrics := function.Metrics(e.Stage)
	announcer, err := announce.New(announce.Config{
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	takes, err := e.Quotas()
	if err != nil {
		return nil, err
	}
	handler, err := reconcile.New(reconcile.Config{
		Stock: &stocktake.Taker{
			Stage: e.Stage, Nobody: pool.Nobody, Protected: e.Protected, Looker: inventory.New(cfg, e.Stage, function.Now), Ledger: ledger, Now: function.Now,
		},
		Account: quotas.New(cfg, e.Stage), Takes: takes,
		Ledger: ledger, Announce: announcer, Metrics: metrics, Log: slog.Default(), Now: function.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
