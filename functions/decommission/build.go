package main

import (
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"headroom/internal/access"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/tasks"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/archives"
	"headroom/internal/function/notices"
	"headroom/internal/function/policies"
	"headroom/internal/function/sharebuckets"
	"headroom/internal/function/slots"
	"headroom/internal/handler/decommission"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// gatewayWait is how long Storage Gateway may take to answer, because it asks the appliance.
const gatewayWait = 10 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e decommission.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	databases, err := slots.Databases(e.TaskRoot)
	if err != nil {
		return nil, err
	}
	objects, err := archives.Objects(cfg)
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
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	gateways, groups := slots.Gateways(cfg, gatewayWait), &firewall.Groups{Client: ec2.NewFromConfig(cfg)}
	vault := slots.Vault(cfg, e.Stage, e.SecretPrefix, e.SecretKey)
	vault.CopierPrefix = e.CopierPrefix
	handler, err := decommission.New(decommission.Config{
		Ledger:    ledger,
		Shelf:     shelves,
		Terms:     source,
		Vault:     vault,
		Databases: databases,
		Access:    access.Writer{Shares: gateways, Firewall: groups},
		Firewall:  groups,
		Shares:    gateways,
		Buckets:   sharebuckets.Client(cfg),
		Objects:   objects,
		Tasks: &tasks.Runner{
			API: ecs.NewFromConfig(cfg), Cluster: e.Cluster, Definition: e.Task, Container: e.Container, Subnets: e.Subnets, Groups: []string{e.Group},
		},
		Announce:   announcer,
		Steps:      queue(e.StepsQueue),
		StepsQueue: path.Base(e.StepsQueue),
		PoolChecks: queue(e.PoolCheckQueue),
		Restores:   queue(e.RestoreQueue),
		Refused:    function.Refusals{Next: queue(e.DLQ), Ledger: ledger, Now: function.Now},
		Archives:   e.Archives,
		ArchiveKey: e.ArchiveKey,
		ShareKey:   e.ShareKey,
		Reports:    e.Reports,
		Reporter:   e.Reporter,
		Nobody:     e.Nobody,
		Backups:    time.Duration(e.RestoreDays) * 24 * time.Hour,
		Logs:       time.Duration(e.LogDays) * 24 * time.Hour,
		AtOnce:     e.AtOnce,
		Stage:      e.Stage,
		Name:       function.Name,
		Metrics:    metrics,
		Log:        slog.Default(),
		Now:        function.Now,
		Until:      time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
