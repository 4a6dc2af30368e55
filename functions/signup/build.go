package main

import (
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/access"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/firewall"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/policies"
	"headroom/internal/function/slots"
	"headroom/internal/handler/signup"
	"headroom/internal/ledger/together"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// gatewayWait is how long Storage Gateway may take to answer. A signup asks it three times, which is to
// be over before the function's time is (20 s).
const gatewayWait = 6 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e signup.Environment) (any, error) {
	networks, err := e.Networks()
	if err != nil {
		return nil, err
	}
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	databases, err := slots.Databases(e.TaskRoot)
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
		Events: function.Bus(cfg, e.BusName), Metrics: metrics, Now: function.Now, Stage: e.Stage,
	})
	if err != nil {
		return nil, err
	}
	gateways := slots.Gateways(cfg, gatewayWait)
	handler, err := signup.New(signup.Config{
		Ledger:     together.New(ledger, function.Now, awsclient.Sleep),
		Shelf:      shelves,
		Policies:   source,
		Vault:      slots.Vault(cfg, e.Stage, e.SecretPrefix, e.SecretKey),
		Databases:  databases,
		Access:     access.Writer{Shares: gateways, Firewall: &firewall.Groups{Client: ec2.NewFromConfig(cfg)}},
		Tags:       gateways,
		Announce:   announcer,
		Steps:      queue(e.StepsQueue),
		StepsQueue: path.Base(e.StepsQueue),
		PoolChecks: queue(e.PoolCheckQueue),
		HostEvents: queue(e.HostQueue),
		Refused:    function.Refusals{Next: queue(e.SignupDLQ), Ledger: ledger, Now: function.Now},
		Networks:   networks,
		Mark:       function.Name,
		Jitter:     awsclient.Jitter,
		Mount:      e.MountOptions,
		Metrics:    metrics,
		Log:        slog.Default(),
		Now:        function.Now,
		Until:      time.Until,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
