package main

import (
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/access"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/policies"
	"headroom/internal/handler/instancechange"
	"headroom/internal/pool"
)

// gatewayWait is how long Storage Gateway may take to answer: it asks the appliance. A step asks it twice.
const gatewayWait = 6 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e instancechange.Environment) (any, error) {
	networks, err := e.Networks()
	if err != nil {
		return nil, err
	}
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	metrics, queue := function.Metrics(e.Stage), function.Queues(cfg)
	announcer, err := announce.New(announce.Config{
		Events: function.Bus(cfg, e.BusName), Metrics: metrics, Now: function.Now, Stage: e.Stage,
	})
	if err != nil {
		return nil, err
	}
	handler, err := instancechange.New(instancechange.Config{
		Ledger:   ledger,
		Policies: policies.Source(cfg, e.PolicyParameter, pool.Bounds{DatabaseSlots: e.DatabaseSlots}, metrics),
		Access: access.Writer{
			Shares:   &gateway.Gateways{Client: storagegateway.NewFromConfig(awsclient.OneWait(cfg, gatewayWait)), Region: cfg.Region},
			Firewall: &firewall.Groups{Client: ec2.NewFromConfig(cfg)},
		},
		Announce:   announcer,
		Steps:      queue(e.StepsQueue),
		StepsQueue: path.Base(e.StepsQueue),
		Refused:    function.Refusals{Next: queue(e.DLQ), Ledger: ledger, Now: function.Now},
		Networks:   networks,
		Log:        slog.Default(),
		Now:        function.Now,
		Until:      time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(function.Audited(ledger, function.Now, handler.Message)), nil
}
