package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/policy"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/stacks"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

// build makes the handler with its adapters.
func build(ctx context.Context, e poolcheck.Environment) (any, error) {
	cfg, err := awsclient.Load(ctx)
	if err != nil {
		return nil, err
	}
	templates, err := e.Templates()
	if err != nil {
		return nil, err
	}
	ledger, err := dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(cfg), Table: e.TableName, Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		return nil, err
	}
	metrics := telemetry.Recorder{Out: os.Stdout, Now: time.Now, Stage: e.Stage}
	policies := &policy.Source{Client: ssm.NewFromConfig(cfg), Parameter: e.PolicyParameter, Now: time.Now, Metrics: metrics}
	keeper, err := shelf.New(shelf.Config{Ledger: ledger, Policies: policies, Now: time.Now})
	if err != nil {
		return nil, err
	}
	announcer, err := announce.New(announce.Config{
		Events:  &bus.Publisher{Client: eventbridge.NewFromConfig(cfg), Bus: e.BusName},
		Notify:  &notify.Topic{Client: sns.NewFromConfig(cfg), ARN: e.NotifyTopic},
		Metrics: metrics, Now: time.Now, Stage: e.Stage, Region: cfg.Region,
	})
	if err != nil {
		return nil, err
	}
	messages := sqs.NewFromConfig(cfg)
	handler, err := poolcheck.New(poolcheck.Config{
		Ledger:      ledger,
		Stock:       keeper,
		Policies:    policies,
		Stacks:      &stacks.Client{API: cloudformation.NewFromConfig(cfg)},
		Announce:    announcer,
		Signups:     &queue.Sender{Client: messages, URL: e.SignupStepsQueue},
		HostEvents:  &queue.Sender{Client: messages, URL: e.HostQueue},
		Templates:   templates,
		StackRole:   e.StackRole,
		StackPrefix: e.StackPrefix,
		Stage:       e.Stage,
		Metrics:     metrics,
		Log:         slog.Default(),
		Now:         time.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Whole(handler.Messages), nil
}
