package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/queue"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/handler/rdsalarm"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

// build makes the handler with its adapters.
func build(ctx context.Context, e rdsalarm.Environment) (any, error) {
	cfg, err := awsclient.Load(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(cfg), Table: e.TableName, Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		return nil, err
	}
	keeper, err := shelf.New(shelf.Config{Ledger: ledger, Policies: rdsalarm.NoPolicies{}, Now: time.Now})
	if err != nil {
		return nil, err
	}
	metrics := telemetry.Recorder{Out: os.Stdout, Now: time.Now, Stage: e.Stage}
	announcer, err := announce.New(announce.Config{
		Ledger: ledger, Metrics: metrics, Now: time.Now, Stage: e.Stage, Region: cfg.Region,
		Events:     &bus.Publisher{Client: eventbridge.NewFromConfig(cfg), Bus: e.BusName},
		Notify:     &notify.Topic{Client: sns.NewFromConfig(cfg), ARN: e.NotifyTopic},
		PoolChecks: &queue.Sender{Client: sqs.NewFromConfig(cfg), URL: e.PoolCheckQueue},
	})
	if err != nil {
		return nil, err
	}
	handler, err := rdsalarm.New(rdsalarm.Config{
		Ledger: ledger, Stock: keeper, Announce: announcer, StackPrefix: e.StackPrefix,
		Metrics: metrics, Log: slog.Default(), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
