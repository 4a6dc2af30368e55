package operator

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/images"
	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/inventory"
	adapter "headroom/internal/adapter/objects"
	"headroom/internal/ledger/dynamo"
)

const (
	attempts       = 3
	attemptTimeout = 15 * time.Second
	backoffMax     = 2 * time.Second

	// localRegion is where a local cloud takes itself to be, unless it is told otherwise.
	localRegion = "eu-west-1"

	// clockHeader tells the time of a local cloud, whose clock may run faster than this machine's: milliseconds since the
	// epoch. AWS sends none.
	clockHeader = "X-Local-Clock"
)

// Connection says which deployment is meant, and by whom. What is empty is found as the SDK finds it.
type Connection struct {
	Endpoint string // of a local cloud
	Region   string
	Profile  string // of the shared configuration
	Stage    string // empty: the only one there is
}

// Connect finds the deployment, and who asks.
func (c Connection) Connect(ctx context.Context) (*Operator, error) {
	if c.Endpoint == "" {
		c.Endpoint = os.Getenv("AWS_ENDPOINT_URL")
	}
	cfg, now, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	deployment, err := Find(ctx, cloudformation.NewFromConfig(cfg), cfg.Region, c.Stage)
	if err != nil {
		return nil, err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("ask who asks: %w", err)
	}
	table, err := deployment.Output("TableName")
	if err != nil {
		return nil, err
	}
	ledger, err := dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(cfg), Table: table, Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		return nil, err
	}
	listing, err := adapter.New(adapter.Config{Client: s3.NewFromConfig(cfg), Jitter: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		return nil, err
	}
	return &Operator{
		Deployment: deployment, Caller: Caller{ARN: aws.ToString(who.Arn), Account: aws.ToString(who.Account)},
		Ledger: ledger, Queues: sqs.NewFromConfig(cfg), Parameters: ssm.NewFromConfig(cfg),
		Alarms: cloudwatch.NewFromConfig(cfg), Logs: cloudwatchlogs.NewFromConfig(cfg), Inventory: inventory.New(cfg, deployment.Stage, now), Objects: listing,
		Backups: instances.Backups{Client: rds.NewFromConfig(cfg)}, Images: &images.Catalog{Client: ec2.NewFromConfig(cfg)}, Now: now,
	}, nil
}

// load makes the configuration of every client, and the deployment's clock.
func (c Connection) load(ctx context.Context) (aws.Config, func() time.Time, error) {
	if at, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https") {
		return aws.Config{}, nil, &Failure{Kind: Usage, Err: fmt.Errorf("--endpoint, or AWS_ENDPOINT_URL, is %q, and must be an address such as http://127.0.0.1:4566", c.Endpoint)}
	}
	var clock remoteClock
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithLogger(logging.Nop{}), // the screen is for the answer
		config.WithAPIOptions([]func(*middleware.Stack) error{clock.listen}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, backoffMax })
		}),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(c.Endpoint))
	}
	if c.Profile == "" && os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" && onLoopback(c.Endpoint) {
		// A local cloud checks no signature: whoever is on this machine is its account's owner.
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("OWNER", "none", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, nil, fmt.Errorf("read the configuration of AWS: %w", err)
	}
	if cfg.Region == "" && onLoopback(c.Endpoint) {
		cfg.Region = localRegion
	}
	if cfg.Region == "" {
		return aws.Config{}, nil, &Failure{Kind: Usage, Err: errors.New("no region: set --region or AWS_REGION; for a local cloud, --endpoint with the address that it prints")}
	}
	return cfg, clock.now, nil
}

func onLoopback(endpoint string) bool {
	at, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(at.Hostname())
	return at.Hostname() == "localhost" || err == nil && address.IsLoopback()
}

// remoteClock takes notice of the time that a local cloud tells with its answers.
type remoteClock struct {
	ahead atomic.Int64 // nanoseconds that it is ahead of this machine's clock
}

// listen adds to a client what looks at its answers.
func (c *remoteClock) listen(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RemoteClock", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && answer != nil {
			if ms, bad := strconv.ParseInt(answer.Header.Get(clockHeader), 10, 64); bad == nil {
				c.ahead.Store(int64(time.Until(time.UnixMilli(ms))))
			}
		}
		return out, metadata, err
	}), middleware.After)
}

func (c *remoteClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())).UTC() }
