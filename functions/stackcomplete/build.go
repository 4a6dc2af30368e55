package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/postgres"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/secrets"
	"headroom/internal/adapter/stacks"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/handler/stackcomplete"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/telemetry"
)

// gatewayWait is how long Storage Gateway may take to answer: long, because it asks the appliance. It
// is less than what is left of the function's time when a step begins (20 s), so that a call that was
// held can still be recorded, and looked again soon.
const gatewayWait = 18 * time.Second

// build makes the handler with its adapters.
func build(ctx context.Context, e stackcomplete.Environment) (any, error) {
	cfg, err := awsclient.Load(ctx)
	if err != nil {
		return nil, err
	}
	authorities, err := postgres.ReadAuthorities(filepath.Join(e.TaskRoot, "rds-ca.pem"))
	if err != nil {
		return nil, err
	}
	ledger, err := dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(cfg), Table: e.TableName, Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		return nil, err
	}
	databases, err := postgres.New(postgres.Config{RootCAs: authorities, Random: rand.Reader, Sleep: awsclient.Sleep, Jitter: awsclient.Jitter})
	if err != nil {
		return nil, err
	}
	messages := sqs.NewFromConfig(cfg)
	poolChecks := &queue.Sender{Client: messages, URL: e.PoolCheckQueue}
	metrics := telemetry.Recorder{Out: os.Stdout, Now: time.Now, Stage: e.Stage}
	announcer, err := announce.New(announce.Config{
		Ledger: ledger, PoolChecks: poolChecks, Metrics: metrics, Now: time.Now, Stage: e.Stage, Region: cfg.Region,
		Events: &bus.Publisher{Client: eventbridge.NewFromConfig(cfg), Bus: e.BusName},
		Notify: &notify.Topic{Client: sns.NewFromConfig(cfg), ARN: e.NotifyTopic},
	})
	if err != nil {
		return nil, err
	}
	handler, err := stackcomplete.New(stackcomplete.Config{
		Ledger:      ledger,
		Stacks:      &stacks.Client{API: cloudformation.NewFromConfig(cfg)},
		Appliances:  &gateway.Appliances{Region: cfg.Region, Port: e.ActivationPort, Endpoint: e.Endpoint},
		Gateways:    &gateway.Gateways{Client: storagegateway.NewFromConfig(awsclient.OneWait(cfg, gatewayWait)), Region: cfg.Region},
		Databases:   databases,
		Vault:       secrets.New(secrets.Config{Client: secretsmanager.NewFromConfig(cfg), Sleep: awsclient.Sleep, Jitter: awsclient.Jitter}),
		Announce:    announcer,
		Steps:       &queue.Sender{Client: messages, URL: e.HostQueue},
		PoolChecks:  poolChecks,
		Name:        func() (string, error) { return secrets.Name(rand.Reader) },
		Stage:       e.Stage,
		StackPrefix: e.StackPrefix,
		Nobody:      e.Nobody,
		ShareKey:    e.ShareKey,
		Metrics:     metrics,
		Log:         slog.Default(),
		Now:         time.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
