package main

import (
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/access"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/images"
	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/metrics"
	"headroom/internal/adapter/nfs"
	"headroom/internal/adapter/tasks"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/hoststacks"
	"headroom/internal/function/notices"
	"headroom/internal/function/policies"
	"headroom/internal/handler/hostrepair"
	"headroom/internal/pool"
)

// gatewayWait is how long Storage Gateway may take to answer, because it asks the appliance: of one that is down it is
// known by then.
const gatewayWait = 18 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e hostrepair.Environment) (any, error) {
	templates, err := e.Templates()
	if err != nil {
		return nil, err
	}
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	counts, queue := function.Metrics(e.Stage), function.Queues(cfg)
	announcer, err := announce.New(announce.Config{
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: counts, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks,
	})
	if err != nil {
		return nil, err
	}
	gateways, groups := &gateway.Gateways{Client: storagegateway.NewFromConfig(awsclient.OneWait(cfg, gatewayWait)), Region: cfg.Region}, &firewall.Groups{Client: ec2.NewFromConfig(cfg)}
	handler, err := hostrepair.New(hostrepair.Config{
		Ledger:     ledger,
		Machines:   &machines.Machines{Client: ec2.NewFromConfig(cfg)},
		Measures:   &metrics.Metrics{Client: cloudwatch.NewFromConfig(cfg), Now: function.Now},
		Stacks:     hoststacks.Client(cfg),
		Appliances: &gateway.Appliances{Region: cfg.Region, Port: e.ActivationPort, Endpoint: e.Endpoint},
		Gateways:   gateways,
		Prober:     &nfs.Client{},
		Tasks: &tasks.Runner{
			API: ecs.NewFromConfig(cfg), Cluster: e.Cluster, Definition: e.Task, Container: e.Container, Subnets: e.Subnets, Groups: []string{e.Group},
		},
		Clients:    access.Writer{Shares: gateways, Firewall: groups},
		Firewall:   groups,
		Nobody:     e.Nobody,
		ShareKey:   e.ShareKey,
		Images:     &images.Parameter{Client: ssm.NewFromConfig(cfg), Name: e.ImageParameter},
		Catalog:    &images.Catalog{Client: ec2.NewFromConfig(cfg)},
		Policies:   policies.Source(cfg, e.PolicyParameter, pool.Bounds{DatabaseSlots: e.DatabaseSlots}, counts),
		Announce:   announcer,
		Steps:      queue(e.StepsQueue),
		StepsQueue: path.Base(e.StepsQueue),
		Hosts:      queue(e.HostQueue),
		Templates:  templates,
		StackRole:  e.StackRole,
		Stage:      e.Stage,
		Metrics:    counts,
		Log:        slog.Default(),
		Now:        function.Now,
		Until:      time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
