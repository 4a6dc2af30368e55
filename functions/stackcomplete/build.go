package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/access"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/nfs"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/hoststacks"
	"headroom/internal/function/notices"
	"headroom/internal/function/sharebuckets"
	"headroom/internal/function/slots"
	"headroom/internal/handler/stackcomplete"
)

// gatewayWait is how long Storage Gateway may take to answer: long, because it asks the appliance. It
// is less than what is left of the function's time when a step begins (20 s), so that a call that was
// held can still be recorded, and looked again soon.
const gatewayWait = 18 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e stackcomplete.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	databases, err := slots.Databases(e.TaskRoot)
	if err != nil {
		return nil, err
	}
	metrics, queue, gateways := function.Metrics(e.Stage), function.Queues(cfg), slots.Gateways(cfg, gatewayWait)
	announcer, err := announce.New(announce.Config{
		Ledger: ledger, PoolChecks: queue(e.PoolCheckQueue),
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	handler, err := stackcomplete.New(stackcomplete.Config{
		Ledger:      ledger,
		Stacks:      hoststacks.Client(cfg),
		Machines:    &machines.Machines{Client: ec2.NewFromConfig(cfg)},
		Appliances:  &gateway.Appliances{Region: cfg.Region, Port: e.ActivationPort, Endpoint: e.Endpoint},
		Gateways:    gateways,
		Access:      access.Writer{Shares: gateways, Firewall: &firewall.Groups{Client: ec2.NewFromConfig(cfg)}},
		Buckets:     sharebuckets.Client(cfg),
		Databases:   databases,
		Prober:      &nfs.Client{},
		Vault:       slots.Masters(cfg),
		Announce:    announcer,
		Steps:       queue(e.HostQueue),
		PoolChecks:  queue(e.PoolCheckQueue),
		Name:        function.Name,
		Stage:       e.Stage,
		StackPrefix: e.StackPrefix,
		StackRole:   e.StackRole,
		Nobody:      e.Nobody,
		ShareKey:    e.ShareKey,
		Metrics:     metrics,
		Log:         slog.Default(),
		Now:         function.Now,
		Until:       time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
