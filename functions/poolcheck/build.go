package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/alarms"
	"headroom/internal/adapter/images"
	"headroom/internal/adapter/instances"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/hoststacks"
	"headroom/internal/function/notices"
	"headroom/internal/function/policies"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e poolcheck.Environment) (any, error) {
	templates, err := e.Templates()
	if err != nil {
		return nil, err
	}
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	metrics, queue := function.Metrics(e.Stage), function.Queues(cfg)
	source := policies.Source(cfg, e.PolicyParameter, pool.Bounds{DatabaseSlots: e.DatabaseSlots}, metrics)
	shelves, err := shelf.New(shelf.Config{Ledger: ledger, Policies: source, Now: function.Now})
	if err != nil {
		return nil, err
	}
	announcer, err := announce.New(announce.Config{
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Ledger: ledger, Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	handler, err := poolcheck.New(poolcheck.Config{
		Ledger:      ledger,
		Shelf:       shelves,
		Policies:    source,
		Stacks:      hoststacks.Client(cfg),
		Alarms:      &alarms.Alarms{Client: cloudwatch.NewFromConfig(cfg)},
		Instances:   &instances.Instances{Client: rds.NewFromConfig(cfg)},
		Images:      &images.Parameter{Client: ssm.NewFromConfig(cfg), Name: e.ImageParameter},
		Announce:    announcer,
		Signups:     queue(e.SignupStepsQueue),
		Leaving:     queue(e.LeavingStepsQueue),
		Changes:     queue(e.ChangeStepsQueue),
		Repairs:     queue(e.RepairStepsQueue),
		Restores:    queue(e.RestoreStepsQueue),
		HostEvents:  queue(e.HostQueue),
		Templates:   templates,
		StackRole:   e.StackRole,
		StackPrefix: e.StackPrefix,
		Stage:       e.Stage,
		Mark:        function.Name,
		Metrics:     metrics,
		Log:         slog.Default(),
		Now:         function.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Whole(handler.Messages), nil
}
