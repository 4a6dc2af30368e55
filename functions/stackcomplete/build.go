package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/access"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/nfs"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/hoststacks"
	"headroom/internal/function/notices"
	"headroom/internal/function/sharebuckets"
	"headroom/internal/function/slots"
	"headroom/internal/handler/rdsalarm"
	"headroom/internal/handler/stackcomplete"
	"headroom/internal/ledger/dynamo"
)

// gatewayWait is how long Storage Gateway may take to answer: long, because it asks the appliance. It
// is less than what is left of the function's time when a step begins (20 s), so that a call that was
// held can still be recorded, and looked again soon.
const gatewayWait = 18 * time.Second

// readWithin bounds how long what tenants use is read, of a host that is cordoned and most likely does not answer: people hear
// sooner that it could not be read.
const readWithin = 5 * time.Second

// announced is what hosts are announced with. Whatever a database host was cordoned by, an alarm or what RDS says or that it does
// not answer, its notice ranks its tenants.
func announced(cfg aws.Config, e stackcomplete.Environment, ledger *dynamo.Ledger, usage rdsalarm.Reader) announce.Config {
	return announce.Config{
		Ledger: ledger, PoolChecks: function.Queues(cfg)(e.PoolCheckQueue),
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic), Usage: usage,
		Metrics: function.Metrics(e.Stage), Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	}
}

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
	announcer, err := announce.New(announced(cfg, e, ledger, rdsalarm.Reader{Vault: slots.Masters(cfg), Databases: databases, Within: readWithin}))
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
		Empties:     sharebuckets.Disposal(cfg),
		Instances:   &instances.Disposal{Client: rds.NewFromConfig(cfg)},
		Backups:     time.Duration(e.BackupDays) * 24 * time.Hour,
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
