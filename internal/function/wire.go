package function

import (
	"crypto/rand"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/queue"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Here is wired what every function uses. What only some of them use is wired in packages below, one
// for each group of dependencies, because a program links all that its packages import: with all of
// it in here, the smallest function would be an eighth larger, and so start later.

// Ledger makes the ledger that is in a DynamoDB table.
func Ledger(cfg aws.Config, table string) (*dynamo.Ledger, error) {
	return dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(cfg), Table: table, Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
}

// Bus makes the publisher of an event bus.
func Bus(cfg aws.Config, name string) *bus.Publisher {
	return &bus.Publisher{Client: eventbridge.NewFromConfig(cfg), Bus: name}
}

// Queues makes what makes the senders of queues, by their URLs. They share one client, and so its
// connections.
func Queues(cfg aws.Config) func(url string) *queue.Sender {
	client := sqs.NewFromConfig(cfg)
	return func(url string) *queue.Sender { return &queue.Sender{Client: client, URL: url} }
}

// Metrics makes the recorder of a function's metrics, which writes them into its log.
func Metrics(stage string) telemetry.Recorder {
	return telemetry.Recorder{Out: os.Stdout, Now: Now, Stage: stage, Log: slog.Default()}
}

// Name draws the opaque name of a slot, or the mark of an order or a signup.
func Name() (string, error) { return pool.OpaqueName(rand.Reader) }
