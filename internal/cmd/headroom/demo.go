package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/disorder"
)

// demoCommand is `headroom demo`.
type demoCommand struct {
	Exit     bool          `help:"End when all is shown; the exit status says whether all held."`
	Signups  int           `default:"12" help:"How many customers sign up."`
	Tier     string        `default:"standard" help:"The tier they sign up for."`
	Listen   string        `default:"127.0.0.1:0" help:"The endpoint's address."`
	Dir      string        `help:"Where logs and disks go, and are kept. Default: a temporary folder, removed at the end."`
	Assembly string        `default:"cdk.out" help:"The synthesized CDK assembly." type:"existingdir"`
	Programs string        `default:"dist/native" help:"The functions, built for this machine." type:"existingdir"`
	Speed    float64       `default:"20" help:"How many times faster than the clock schedules run and messages' delays pass."`
	Database time.Duration `default:"1s" help:"Lead time of an RDS instance, on top of its server's start."`
	Boot     time.Duration `default:"1s" help:"How long an appliance boots."`
	Untidy   bool          `help:"Deliver messages and events twice, late and out of order."`
	Seed     uint64        `default:"1" help:"Of what happens at random."`
	Verbose  bool          `short:"v" help:"Show the local cloud's own log."`
}

// Run starts the local cloud, deploys, and shows.
func (c demoCommand) Run(ctx context.Context) (err error) {
	level := slog.LevelError
	if c.Verbose {
		level = slog.LevelDebug
	}
	options := local.Options{
		Binary: func(function string) (string, error) {
			name := function[strings.LastIndex(function, "-")+1:]
			dir := filepath.Join(c.Programs, name)
			if _, err := os.Stat(filepath.Join(dir, "bootstrap")); err != nil {
				return "", fmt.Errorf("find the program of function %s (make native builds it): %w", function, err)
			}
			return dir, nil
		},
		Dir: c.Dir, Listen: c.Listen, Speed: c.Speed, RetryDelay: time.Second, Seed: c.Seed,
		LeadTimes: local.LeadTimes{Database: c.Database, Boot: c.Boot},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if c.Untidy {
		options.Deliveries = disorder.Options{Double: 0.3, Delay: 500 * time.Millisecond, Shuffle: true}
	}
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1fs  "+format+"\n", append([]any{time.Since(start).Seconds()}, args...)...)
	}
	say("starting the local cloud")
	cloud, err := local.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		say("stopping everything that was started")
		err = errors.Join(err, cloud.Close())
	}()
	say("deploying %s into it, as CloudFormation would", c.Assembly)
	deployment, err := demo.Deploy(ctx, cloud, c.Assembly)
	if err != nil {
		return err
	}
	say("deployed; one endpoint serves all: %s", cloud.Endpoint)

	ca := filepath.Join(cloud.Dir, "rds-ca.pem")
	if err := os.WriteFile(ca, cloud.Authority, 0o644); err != nil {
		return fmt.Errorf("keep the databases' certificate authority: %w", err)
	}
	if err := demo.Run(ctx, deployment, demo.Options{Tier: c.Tier, Signups: c.Signups, CAFile: ca}, os.Stdout); err != nil {
		return err
	}
	fmt.Println()
	say("all held")
	if c.Exit {
		return nil
	}
	if err := c.invite(deployment); err != nil {
		return err
	}
	return demo.Follow(ctx, deployment, os.Stdout)
}

// invite says how to go on by hand.
func (c demoCommand) invite(d demo.Deployment) error {
	queue, err := d.Output("SignupQueueUrl")
	if err != nil {
		return err
	}
	message := fmt.Sprintf(`{"version":"1","tenantId":"yours","tier":"%s","instanceIp":"%s"}`, c.Tier, demo.Instance(c.Signups))
	fmt.Printf(`
It keeps running until Ctrl-C, and prints what Headroom publishes. To sign another customer up, in
another shell:

  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=%s
  aws --endpoint-url %s sqs send-message --queue-url %s \
    --message-body '%s'

and to read its password, as its application server would:

  aws --endpoint-url %s secretsmanager get-secret-value --secret-id headroom/dev/tenant/yours \
    --query SecretString --output text

Without AWS's command line, a signup is:

  curl %s -H 'X-Amz-Target: AmazonSQS.SendMessage' -H 'Content-Type: application/x-amz-json-1.0' \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/%s/sqs/aws4_request' \
    -d '{"QueueUrl":"%s","MessageBody":"%s"}'

The functions' logs are in %s.

`, d.Region, d.Endpoint, queue, message, d.Endpoint, d.Endpoint, d.Region, queue, strings.ReplaceAll(message, `"`, `\"`), filepath.Join(d.Dir, "logs"))
	return nil
}
