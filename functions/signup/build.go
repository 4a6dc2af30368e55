package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/policy"
	"headroom/internal/adapter/postgres"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/secrets"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/handler/signup"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

// gatewayWait is how long Storage Gateway may take to answer. A signup asks it three times, which is to
// be over before the function's time is (20 s).
const gatewayWait = 6 * time.Second

// build makes the handler with its adapters.
func build(ctx context.Context, e signup.Environment) (any, error) {
	cfg, err := awsclient.Load(ctx)
	if err != nil {
		return nil, err
	}
	networks, err := e.Networks()
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
	metrics := telemetry.Recorder{Out: os.Stdout, Now: time.Now, Stage: e.Stage}
	policies := &policy.Source{Client: ssm.NewFromConfig(cfg), Parameter: e.PolicyParameter, Now: time.Now, Metrics: metrics}
	keeper, err := shelf.New(shelf.Config{Ledger: ledger, Policies: policies, Now: time.Now})
	if err != nil {
		return nil, err
	}
	announcer, err := announce.New(announce.Config{
		Events:  &bus.Publisher{Client: eventbridge.NewFromConfig(cfg), Bus: e.BusName},
		Metrics: metrics, Now: time.Now, Stage: e.Stage,
	})
	if err != nil {
		return nil, err
	}
	messages := sqs.NewFromConfig(cfg)
	handler, err := signup.New(signup.Config{
		Ledger:   ledger,
		Stock:    keeper,
		Policies: policies,
		Vault: secrets.New(secrets.Config{
			Client: secretsmanager.NewFromConfig(cfg), Stage: e.Stage, Prefix: e.SecretPrefix, KeyID: e.SecretKey,
			Random: rand.Reader, Sleep: awsclient.Sleep, Jitter: awsclient.Jitter,
		}),
		Databases:  databases,
		Shares:     &gateway.Gateways{Client: storagegateway.NewFromConfig(awsclient.OneWait(cfg, gatewayWait)), Region: cfg.Region},
		Firewall:   &firewall.Groups{Client: ec2.NewFromConfig(cfg)},
		Announce:   announcer,
		Steps:      &queue.Sender{Client: messages, URL: e.StepsQueue},
		StepsQueue: path.Base(e.StepsQueue),
		PoolChecks: &queue.Sender{Client: messages, URL: e.PoolCheckQueue},
		Refused:    &queue.Sender{Client: messages, URL: e.SignupDLQ},
		Networks:   networks,
		Metrics:    metrics,
		Log:        slog.Default(),
		Now:        time.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
