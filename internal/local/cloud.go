// Package local runs the cloud that Headroom needs on one machine: real third-party programs where
// they exist, fakes of their devices' control planes where none does, and one endpoint for all. What
// runs on it is what a synthesized CDK assembly says; nothing is wired by hand beside it.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"headroom/internal/local/clock"
	"headroom/internal/local/cloudformation"
	"headroom/internal/local/cloudformation/resources"
	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/parts"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/dynamodb"
	"headroom/internal/local/service/ec2"
	"headroom/internal/local/service/ecs"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
	"headroom/internal/local/service/logs"
	"headroom/internal/local/service/rds"
	"headroom/internal/local/service/route53"
	locals3 "headroom/internal/local/service/s3"
	"headroom/internal/local/service/secretsmanager"
	"headroom/internal/local/service/servicequotas"
	"headroom/internal/local/service/sns"
	localsqs "headroom/internal/local/service/sqs"
	"headroom/internal/local/service/ssm"
	"headroom/internal/local/service/storagegateway"
	"headroom/internal/local/service/sts"
)

// Cloud is a running local cloud. Its services are there for the demo and for tests to look at and
// to disturb; what uses the cloud as AWS is used goes through the endpoint.
type Cloud struct {
	Endpoint  string // the one address of all services, as in "http://127.0.0.1:4566"
	Account   string
	Region    string
	Clock     *clock.Clock           // what all that is here tells and waits by
	Dir       string                 // code, logs and disks
	Authority []byte                 // PEM, the certificate authority of the databases
	Router    *endpoint.Router       // its hooks see every call
	Policies  *iam.Store             // roles, policies, and which grants were used
	Stacks    *cloudformation.Engine // stacks, and how to let them fail
	Resources *resources.Resources
	Tables    *dynamodb.Tables // counts conflicts and stale answers, if Options.Tables asks for some
	Functions *lambda.Host
	Events    *eventbridge.Bridge
	Databases *rds.RDS
	Alarms    *cloudwatch.Alarms
	Logs      *logs.Logs
	Network   *ec2.EC2
	Machines  *appliance.Fleet
	Gateways  *storagegateway.Gateway
	Buckets   *locals3.S3
	Tasks     *ecs.ECS
	Secrets   *secretsmanager.Secrets
	Settings  *ssm.Parameters
	Quotas    *servicequotas.Quotas
	Names     *route53.Records
	Queues    *localsqs.Queues // tells of messages without receiving them

	options Options
	keys    *endpoint.Keys
	client  *awshttp.BuildableClient // of all AWS clients made here
	clients sync.Map                 // of S3: role ARN → *s3.Client
	tempDir *parts.TempDir           // nil if the directory is the user's
	server  *http.Server
	work    sync.WaitGroup  // the server, and what is prepared in the background
	life    context.Context // ends with Close
	stop    context.CancelFunc
	death   death
	closers []func() error // called in reverse
}

// Start starts a local cloud that nothing is deployed to.
func Start(ctx context.Context, o Options) (_ *Cloud, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Cloud{
		options: o, Account: o.Account, Region: o.Region, keys: &endpoint.Keys{}, client: awshttp.NewBuildableClient(),
		Clock: clock.New(o.Speed), death: death{done: make(chan struct{})},
	}
	c.options.Log = slog.New(untilDeath{o.Log.Handler(), &c.death})
	c.life, c.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := c.makeDir(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the local cloud's endpoint: %w", err)
	}
	c.Endpoint = "http://" + listener.Addr().String()
	c.Policies = iam.New(o.Account, o.Region)
	c.Router = endpoint.New(endpoint.Config{
		Account: o.Account, Region: o.Region, Principals: c.keys, Authorizer: c.Policies, Log: c.options.Log,
	})
	c.Router.Before(c.cut)
	c.server = &http.Server{Handler: c.timed(c.Router), ReadHeaderTimeout: 10 * time.Second}
	c.work.Go(func() { _ = c.server.Serve(listener) })

	if err := c.startParts(ctx); err != nil {
		return nil, err
	}
	if err := c.compose(); err != nil {
		return nil, err
	}
	return c, nil
}

// clockHeader tells callers the cloud's time, which may be ahead of their own, in milliseconds since the epoch.
const clockHeader = "X-Local-Clock"

func (c *Cloud) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(clockHeader, strconv.FormatInt(c.Clock.Now().UnixMilli(), 10))
		next.ServeHTTP(w, r)
	})
}

func (c *Cloud) makeDir() error {
	c.Dir = c.options.Dir
	if c.Dir == "" {
		temp, err := parts.NewTempDir("headroom-")
		if err != nil {
			return err
		}
		c.tempDir, c.Dir = temp, temp.Path
	}
	if err := os.MkdirAll(filepath.Join(c.Dir, "logs"), 0o755); err != nil {
		return fmt.Errorf("make the local cloud's directory: %w", err)
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, lock.Close)
	return nil
}

// startParts starts the third-party servers, all at once.
func (c *Cloud) startParts(ctx context.Context) error {
	o := parts.Options{
		Modules: c.options.Modules, Dir: filepath.Join(c.Dir, "logs"),
		Account: c.Account, Region: c.Region, Clock: c.Clock,
	}
	var tables, rest *parts.Part
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		tables, err = parts.Dynoxide(ctx, o)
		return err
	})
	group.Go(func() (err error) {
		rest, err = parts.Fauxqs(ctx, o)
		return err
	})
	err := group.Wait()
	for _, part := range []*parts.Part{tables, rest} {
		if part != nil {
			c.closers = append(c.closers, part.Close)
		}
	}
	if err != nil {
		return fmt.Errorf("start the local cloud's parts: %w", err)
	}
	c.work.Go(func() { c.mourn("DynamoDB", tables) })
	c.work.Go(func() { c.mourn("SQS and SNS", rest) })
	c.Router.Proxy("dynamodb", tables.URL)
	// Tables have a source of their own, as queues and rules have.
	c.Tables = dynamodb.New(c.options.Tables, disorder.New(c.options.Seed+2, disorder.Options{}), time.Now)
	if c.options.Tables != (disorder.Tables{}) {
		c.Router.Layer("dynamodb", c.Tables.Layer)
	}
	c.Router.Guard("dynamodb", dynamodb.Check)
	for _, service := range []string{"sqs", "sns"} {
		c.Router.Proxy(service, rest.URL)
	}
	c.Queues = localsqs.New(localsqs.Config{
		Account: c.Account, Region: c.Region, Part: rest.URL, Now: c.Clock.Now, Log: c.options.Log,
		Client: func(accessKeyID string) *sqs.Client { return sqs.NewFromConfig(c.configOf(accessKeyID)) },
	})
	c.closers = append(c.closers, c.Queues.Close)
	c.Router.Front(c.Queues.Service())
	senders := localsqs.NewSenders(func(principal string) string { return sts.UserID(c.Account, principal) })
	c.Router.Layer("sqs", senders.Layer)
	c.Router.Guard("sqs", localsqs.Check)
	c.Router.Guard("sns", sns.Check)
	return nil
}

// mountOptions are how a client mounts a share of a local appliance, whose one port speaks NFSv3 and
// the mount protocol too: both ports are named, because no portmapper runs here.
const mountOptions = "vers=3,nolock,hard,proto=tcp,port=2049,mountport=2049,mountproto=tcp"

// Deploy creates the stacks of a synthesized assembly and gives their outputs. The parameters go to
// the stacks that declare them, over those that only a local cloud needs: instances live on
// loopback, activation pages on a port that needs no root, and gateways speak NFSv3.
func (c *Cloud) Deploy(ctx context.Context, assemblyDir string, parameters map[string]string) (map[string]string, error) {
	var hosts []string
	for _, network := range c.Network.Addresses() {
		hosts = append(hosts, network.String())
	}
	all := map[string]string{
		"InstanceNetworks": "127.0.0.0/8", "HostNetworks": strings.Join(hosts, ","),
		"ActivationPort": strconv.Itoa(c.options.ActivationPort), "MountOptions": mountOptions,
	}
	for name, value := range parameters {
		all[name] = value
	}
	return c.Stacks.Deploy(ctx, assemblyDir, all)
}

// Config is what an AWS client of the account's owner is made with.
func (c *Cloud) Config() aws.Config {
	return c.configOf("OWNER")
}

func (c *Cloud) configOf(accessKeyID string) aws.Config {
	return aws.Config{
		Region: c.Region, BaseEndpoint: &c.Endpoint, HTTPClient: c.client,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", ""),
	}
}

// Close stops everything that the cloud started and removes what it wrote, unless Options.Dir said
// where to. Who can't wait for it may end the process: nothing that was started, nor what it wrote,
// outlives that.
func (c *Cloud) Close() error {
	var errs []error
	c.stop()
	for i := len(c.closers) - 1; i >= 0; i-- {
		errs = append(errs, c.closers[i]())
	}
	c.closers = nil
	if c.server != nil {
		errs = append(errs, c.server.Close())
	}
	c.work.Wait()
	if c.tempDir != nil {
		errs = append(errs, c.tempDir.Remove())
		c.tempDir = nil
	}
	return errors.Join(errs...)
}
