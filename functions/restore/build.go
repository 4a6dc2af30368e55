package main

import (
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/metrics"
	"headroom/internal/adapter/tasks"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/notices"
	"headroom/internal/function/policies"
	"headroom/internal/function/slots"
	"headroom/internal/handler/restore"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// gatewayWait is how long Storage Gateway may take to answer, because it asks the appliance.
const gatewayWait = 10 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e restore.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	databases, err := slots.Databases(e.TaskRoot)
	if err != nil {
		return nil, err
	}
	restored, err := instances.NewRestored(instances.RestoredConfig{
		Client: rds.NewFromConfig(cfg), Stage: e.Stage, Group: e.InstanceGroup, Key: e.MasterKey,
	})
	if err != nil {
		return nil, err
	}
	measures, queue := function.Metrics(e.Stage), function.Queues(cfg)
	announcer, err := announce.New(announce.Config{
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: measures, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	source := policies.Source(cfg, e.PolicyParameter, pool.Bounds{DatabaseSlots: e.DatabaseSlots}, measures)
	shelves, err := shelf.New(shelf.Config{Ledger: ledger, Policies: source, Now: function.Now})
	if err != nil {
		return nil, err
	}
	vault := slots.Vault(cfg, e.Stage, "", e.SecretKey)
	vault.CopierPrefix = e.CopierPrefix
	handler, err := restore.New(restore.Config{
		Ledger:    ledger,
		Shelf:     shelves,
		Terms:     source,
		Vault:     vault,
		Databases: databases,
		Instances: restored,
		Storage:   &metrics.Metrics{Client: cloudwatch.NewFromConfig(cfg), Now: function.Now},
		Shares:    slots.Gateways(cfg, gatewayWait),
		Tasks: &tasks.Runner{
			API: ecs.NewFromConfig(cfg), Cluster: e.Cluster, Definition: e.Task, Container: e.Container, Subnets: e.Subnets, Groups: []string{e.Group},
		},
		Announce:   announcer,
		Steps:      queue(e.StepsQueue),
		StepsQueue: path.Base(e.StepsQueue),
		Scrubs:     queue(e.Scrubs),
		Refused:    function.Refusals{Next: queue(e.DLQ), Ledger: ledger, Now: function.Now},
		Versions:   time.Duration(e.RestoreDays) * 24 * time.Hour,
		AtOnce:     e.AtOnce,
		Stage:      e.Stage,
		Name:       function.Name,
		Metrics:    measures,
		Log:        slog.Default(),
		Now:        function.Now,
		Until:      time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
