package local

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/cloudformation"
	"headroom/internal/local/cloudformation/resources"
	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/ec2"
	"headroom/internal/local/service/ecs"
	"headroom/internal/local/service/eventbridge"
	localiam "headroom/internal/local/service/iam"
	"headroom/internal/local/service/lambda"
	"headroom/internal/local/service/logs"
	"headroom/internal/local/service/rds"
	"headroom/internal/local/service/route53"
	locals3 "headroom/internal/local/service/s3"
	"headroom/internal/local/service/secretsmanager"
	"headroom/internal/local/service/servicequotas"
	"headroom/internal/local/service/ssm"
	"headroom/internal/local/service/storagegateway"
)

// secretsLag is how long a change of a secret does not show, on the machine.
const secretsLag = 30 * time.Millisecond

// caBundle is the file of a function's package that holds RDS's certificate authorities.
const caBundle = "rds-ca.pem"

// compose makes the services and makes them known to the endpoint and to the stack engine.
func (c *Cloud) compose() error {
	c.Quotas = servicequotas.New(servicequotas.Config{
		Account: c.Account, Region: c.Region, Now: c.Clock.Now,
		Allowed: func(principal, action string) error { return c.Policies.Allowed(principal, action, "*", nil) },
	})
	c.Settings = ssm.New(ssm.Config{Account: c.Account, Region: c.Region, Clock: c.Clock})
	c.composeEvents()
	c.composeMonitoring()
	if err := c.composeDatabases(); err != nil {
		return err
	}
	if err := c.composeFunctions(); err != nil {
		return err
	}
	c.composeGateways()
	if err := c.composeTasks(); err != nil {
		return err
	}
	if err := c.composeStacks(); err != nil {
		return err
	}
	c.watch(c.life)
	for _, service := range []endpoint.Service{
		c.Events.Service(), c.Events.Schedules(), c.Functions.Service(), c.Alarms.Service(), c.Logs.Service(), c.Secrets.Service(), c.Settings.Service(), c.Databases.Service(),
		c.Network.Service(), c.Gateways.Service(), c.Buckets.Service(), c.Tasks.Service(), c.Stacks.Service(), c.sessions(), c.Quotas.Service(),
		localiam.Service(localiam.Config{Roles: c.Policies.Roles, RolesMost: c.mostRoles}),
	} {
		c.Router.Handle(service)
	}
	return nil
}

// composeEvents makes what tells functions that something happened.
func (c *Cloud) composeEvents() {
	o := c.options
	c.Events = eventbridge.New(eventbridge.Config{
		Account: c.Account, Region: c.Region, Endpoint: c.Endpoint, Keys: c.keys, Log: o.Log,
		Assume: c.mayAssume,
		Permit: func(action, resource, ruleARN string) error {
			return c.Policies.ServiceAllowed("events.amazonaws.com", action, resource, iam.Context{
				"aws:SourceArn": {ruleARN}, "aws:SourceAccount": {c.Account},
			})
		},
		Disorder: disorder.New(o.Seed, o.Deliveries), Clock: c.Clock, RetryDelay: o.RetryDelay,
	})
	c.closers = append(c.closers, c.Events.Close)
}

// composeDatabases makes RDS, and the secrets that it keeps master passwords in.
func (c *Cloud) composeDatabases() error {
	o := c.options
	authority, err := postgresql.NewAuthority()
	if err != nil {
		return fmt.Errorf("make the databases' certificate authority: %w", err)
	}
	c.Authority = authority.PEM()
	c.Secrets = secretsmanager.New(secretsmanager.Config{
		Account: c.Account, Region: c.Region, Now: c.Clock.Now, Lag: c.Clock.Elapsed(secretsLag),
	})
	c.Databases, err = rds.New(rds.Config{
		Account: c.Account, Region: c.Region, Authority: authority, Secrets: c.Secrets, Lead: o.LeadTimes.Database,
		CacheDir: o.CacheDir, LogDir: filepath.Join(c.Dir, "logs"), Quota: c.Quotas.Most, Clock: c.Clock, ShipEvery: o.ShipEvery,
		Emit: c.Events.Emit, Put: c.putDatabase, DatabasesAdvised: o.DatabasesAdvised, Stopped: o.Stopped, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("start the local RDS: %w", err)
	}
	c.closers = append(c.closers, c.Databases.Close)
	if err := c.Databases.Room(o.Databases); err != nil {
		return fmt.Errorf("start the local RDS: %w", err)
	}
	c.work.Go(func() { // nothing waits for it but the first instance
		if err := c.Databases.Warm(c.life); err != nil && c.life.Err() == nil {
			o.Log.Error("database template could not be made", "error", err)
		}
	})
	return nil
}

// composeFunctions makes the functions' host. The calls of functions go by it, so that it can kill
// one at a call.
func (c *Cloud) composeFunctions() (err error) {
	o := c.options
	c.Functions, err = lambda.New(lambda.Config{
		Account: c.Account, Region: c.Region, Endpoint: c.Endpoint, Dir: c.Dir, Binary: o.Binary,
		Overlay: map[string][]byte{caBundle: c.Authority}, Keys: c.keys, Assume: c.mayAssume,
		Allowed: func(principal, action, resource string) error {
			// These are calls of Lambda itself, which name no function.
			return c.Policies.Allowed(principal, action, resource, iam.Context{"lambda:SourceFunctionArn": nil})
		},
		// Queues have a source of their own, so that what one does leaves the other's choices alone.
		Disorder: disorder.New(o.Seed+1, o.Deliveries), Clock: c.Clock, RetryDelay: o.RetryDelay, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("start the local Lambda: %w", err)
	}
	c.closers = append(c.closers, c.Functions.Close)
	c.Router.Before(c.Functions.BeforeCall)
	c.Router.After(c.Functions.AfterCall)
	return nil
}

// composeGateways makes what share hosts are made of.
func (c *Cloud) composeGateways() {
	o := c.options
	c.Machines = appliance.NewFleet(appliance.Config{
		Dir: filepath.Join(c.Dir, "disks"), Objects: appliance.Buckets{Client: c.bucketsAs},
		Reaches: c.reachesStorageGateway, ActivationPort: o.ActivationPort,
		Boot: o.LeadTimes.Boot, Reboot: o.LeadTimes.Reboot, Import: o.LeadTimes.Import, UploadDelay: o.LeadTimes.Upload, Log: o.Log,
	})
	c.closers = append(c.closers, c.Machines.Close)
	c.Network = ec2.New(ec2.Config{Account: c.Account, Region: c.Region, Machines: c.Machines, Quota: c.Quotas.Most, Launch: o.LeadTimes.Launch, Stop: o.LeadTimes.Stop, Log: o.Log})
	c.Gateways = storagegateway.New(storagegateway.Config{
		Account: c.Account, Region: c.Region, Clock: c.Clock, Fleet: c.Machines, Emit: c.Events.Emit, Create: o.LeadTimes.Share, Log: o.Log,
		Assume: func(roleARN, gatewayARN string) error {
			return c.Policies.MayAssume("storagegateway.amazonaws.com", roleARN, iam.Context{
				"aws:SourceAccount": {c.Account}, "aws:SourceArn": {gatewayARN},
			})
		},
	})
	c.closers = append(c.closers, c.Gateways.Close)
	c.Names = route53.New()
}

// composeStacks makes S3, and the stack engine, and tells it who makes which resources.
func (c *Cloud) composeStacks() (err error) {
	cfg := c.Config()
	c.Buckets, err = locals3.New(locals3.Config{
		Account: c.Account, Region: c.Region, Dir: filepath.Join(c.Dir, "objects"), Now: c.Clock.Now,
		Allowed: func(principal, action, resource string) error {
			return c.Policies.Allowed(principal, action, resource, nil)
		},
	})
	if err != nil {
		return fmt.Errorf("start the local S3: %w", err)
	}
	c.Stacks = cloudformation.New(cloudformation.Config{
		Account: c.Account, Region: c.Region, Emit: c.Events.Emit, Objects: cloudformation.S3Objects{Client: s3.NewFromConfig(cfg)},
		Parameter: func(_ context.Context, name string) (string, error) {
			value, ok := c.Settings.Lookup(name)
			if !ok {
				return "", fmt.Errorf("parameter %s not found", name)
			}
			return value, nil
		},
		Roles: c.Policies, Most: func() int { return int(c.Quotas.Most(servicequotas.Stacks)) }, LeadTime: c.options.LeadTimes.Resource, Log: c.options.Log, Now: c.Clock.Now,
	})
	c.closers = append(c.closers, func() error { c.Stacks.Close(); return nil })
	c.Policies.TagsFrom(c.Stacks.Tags)
	c.Policies.TagsFrom(c.Secrets.Tags)
	c.Policies.TagsFrom(c.Databases.Tags)
	c.Policies.TagsFrom(c.Gateways.Tags)
	c.Policies.TagsFrom(c.Network.Tags)
	c.Policies.KeysFrom(c.Secrets.Key)
	c.Policies.KeysFrom(c.Network.Key)
	c.Policies.KeysFrom(c.Databases.Key)
	c.Policies.TasksFrom(c.Tasks.Definition)
	c.Policies.DatabasesFrom(func(named string) (iam.Database, bool) {
		known, ok := c.Databases.Known(named)
		return iam.Database(known), ok
	})

	c.Resources = resources.New(resources.Config{
		Account: c.Account, Region: c.Region, Policies: c.Policies, MostRoles: c.mostRoles, Buckets: c.Buckets,
		DynamoDB: dynamodb.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg),
	})
	c.Resources.Register(c.Stacks)
	c.Stacks.Register(c.Functions, c.Functions.Types()...)
	c.Stacks.Register(c.Events, c.Events.Types()...)
	c.Stacks.Register(c.Databases, rds.Types()...)
	c.Stacks.Register(c.Network, ec2.Types()...)
	c.Stacks.Register(c.Tasks, ecs.Types()...)
	c.Stacks.Register(c.Settings, ssm.Types()...)
	c.Stacks.Register(c.Alarms, cloudwatch.Types()...)
	c.Stacks.Register(c.Logs, logs.Types()...)
	c.Stacks.Register(c.Names, route53.Types()...)
	return nil
}

// mostRoles is how many roles the account may have.
func (c *Cloud) mostRoles() int { return int(c.Quotas.Most(servicequotas.Roles)) }

// mayAssume reports whether a service may assume a role on behalf of this account.
func (c *Cloud) mayAssume(service, role string) error {
	return c.Policies.MayAssume(service, role, iam.Context{"aws:SourceAccount": {c.Account}})
}

// bucketsAs returns an S3 client with the credentials of a share's role.
func (c *Cloud) bucketsAs(roleARN string) *s3.Client {
	if client, ok := c.clients.Load(roleARN); ok {
		return client.(*s3.Client)
	}
	accessKeyID := "ASIA" + rand.Text()[:16]
	c.keys.Issue(accessKeyID, roleARN)
	client, _ := c.clients.LoadOrStore(roleARN, s3.NewFromConfig(c.configOf(accessKeyID)))
	return client.(*s3.Client)
}

// reachesStorageGateway reports whether a gateway reaches Storage Gateway by an endpoint: gateways run in
// subnets whose only ways out are the VPC's endpoints.
func (c *Cloud) reachesStorageGateway(endpoint string) bool {
	return strings.HasSuffix(endpoint, ".storagegateway."+c.Region+".vpce.amazonaws.com")
}
