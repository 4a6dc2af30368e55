package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/disorder"
)

// demoCommand is what `headroom demo` takes.
type demoCommand struct {
	Exit               bool
	Signups            int
	Tier               string
	Listen             string
	Dir                string
	Assembly, Programs string
	Speed              float64
	Database, Boot     time.Duration
	Untidy             bool
	Seed               uint64
	Verbose            bool
}

// newDemo is `headroom demo`.
func newDemo() *cobra.Command {
	var c demoCommand
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Run the whole system on this machine, and prove its isolation.",
		Long:    "Run the whole system on this machine, sign customers up, and prove their\nisolation.",
		Args:    noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error { return refuse(cmd, c.validate()) },
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&c.Exit, "exit", false, "End when all is shown; the exit status says whether all held.")
	flags.IntVar(&c.Signups, "signups", 12, "How many customers sign up.")
	flags.StringVar(&c.Tier, "tier", "standard", "The tier they sign up for.")
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:0", "The endpoint's address.")
	flags.StringVar(&c.Dir, "dir", "", "Where logs and disks go, and are kept. Default: a temporary folder, removed at the end.")
	flags.StringVar(&c.Assembly, "assembly", "cdk.out", "The folder of the synthesized CDK assembly.")
	flags.StringVar(&c.Programs, "programs", "dist/native", "The folder of the functions, built for this machine.")
	flags.Float64Var(&c.Speed, "speed", 20, "How many times faster than this machine's the cloud's clock runs.")
	flags.DurationVar(&c.Database, "database", time.Second, "Lead time of an RDS instance, on top of its server's start.")
	flags.DurationVar(&c.Boot, "boot", time.Second, "How long an appliance boots.")
	flags.BoolVar(&c.Untidy, "untidy", false, "Deliver messages and events twice, late and out of order.")
	flags.Uint64Var(&c.Seed, "seed", 1, "Of what happens at random.")
	flags.BoolVarP(&c.Verbose, "verbose", "v", false, "Show the local cloud's own log.")
	for _, folder := range []string{"dir", "assembly", "programs"} {
		_ = cmd.MarkFlagDirname(folder) // fails for a flag that is not there
	}
	return cmd
}

// validate refuses what means nothing, before anything starts, and makes folders' paths absolute.
func (c *demoCommand) validate() error {
	switch {
	case c.Signups < 1 || c.Signups > demo.MostSignups:
		return fmt.Errorf("--signups is %d, and must be from 1 to %d", c.Signups, demo.MostSignups)
	case math.IsNaN(c.Speed) || math.IsInf(c.Speed, 0) || c.Speed <= 0:
		return fmt.Errorf("--speed is %v, and must be a number above 0", c.Speed)
	case c.Database < 0:
		return fmt.Errorf("--database is %v, and can't be negative", c.Database)
	case c.Boot < 0:
		return fmt.Errorf("--boot is %v, and can't be negative", c.Boot)
	}
	var err error
	if c.Assembly, err = existing(c.Assembly); err != nil {
		return fmt.Errorf("--assembly: %w; make synth writes it", err)
	}
	if c.Programs, err = existing(c.Programs); err != nil {
		return fmt.Errorf("--programs: %w; make native builds them", err)
	}
	return nil
}

// existing is the absolute path of a folder that must be there.
func existing(folder string) (string, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no folder", folder)
	}
	return filepath.Abs(folder)
}

// run starts the local cloud, deploys, and shows.
func (c demoCommand) run(ctx context.Context) (err error) {
	p := demo.NewPrinter(os.Stdout)
	p.Line("starting the local cloud")
	cloud, err := local.Start(ctx, c.options())
	if err != nil {
		return err
	}
	defer func() {
		p.Line("stopping everything that was started")
		err = errors.Join(err, cloud.Close())
	}()
	ctx, release := cloud.While(ctx)
	defer func() {
		release()
		if died := cloud.Err(); died != nil {
			err = died // and what failed, failed of it
		}
	}()
	p.Line("deploying " + c.Assembly + " into it, as CloudFormation would")
	deployment, err := demo.Deploy(ctx, cloud, c.Assembly)
	if err != nil {
		return err
	}
	p.Line("deployed; one endpoint serves all: " + cloud.Endpoint)

	ca := filepath.Join(cloud.Dir, "rds-ca.pem")
	if err := os.WriteFile(ca, cloud.Authority, 0o644); err != nil {
		return fmt.Errorf("keep the databases' certificate authority: %w", err)
	}
	// Twice the lead times: a host may be ordered when another one has just been made.
	patience := 3*time.Minute + 2*(c.Database+c.Boot)
	if err := demo.Run(ctx, deployment, demo.Options{Tier: c.Tier, Signups: c.Signups, CAFile: ca, Patience: patience}, p); err != nil {
		return err
	}
	p.Line("all held")
	if c.Exit {
		return nil
	}
	if err := c.invite(deployment); err != nil {
		return err
	}
	return demo.Follow(ctx, deployment, p)
}

// options of the local cloud.
func (c demoCommand) options() local.Options {
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
		Dir: c.Dir, Listen: c.Listen, Speed: c.Speed, Seed: c.Seed,
		LeadTimes: local.LeadTimes{Database: c.Database, Boot: c.Boot},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if c.Untidy {
		options.Deliveries = disorder.Options{Double: 0.3, Delay: 500 * time.Millisecond, Shuffle: true}
	}
	return options
}

// invite says how to go on by hand.
func (c demoCommand) invite(d demo.Deployment) error {
	queue, err := d.Output("SignupQueueUrl")
	if err != nil {
		return err
	}
	message := fmt.Sprintf(`{"version":"1","tenantId":"yours","tier":"%s","instanceIp":"%s"}`, c.Tier, demo.Instance(c.Signups))
	fmt.Printf(`
It keeps running until Ctrl-C, and prints what Headroom publishes. In another shell, AWS's command line
works against it once these are set, and with it all that the README says:

  export AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s \
    AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

To sign another customer up, from an address of 127.0.0.0/8:

  aws sqs send-message --endpoint-url %s --queue-url %s \
    --message-body '%s'

To read its password, as its application server would, from the secret that is printed once it has its storage:

  aws secretsmanager get-secret-value --secret-id THE_SECRET --query SecretString --output text

Without AWS's command line, a signup is:

  curl %s -H 'X-Amz-Target: AmazonSQS.SendMessage' -H 'Content-Type: application/x-amz-json-1.0' \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/%s/sqs/aws4_request' \
    -d '{"QueueUrl":"%s","MessageBody":"%s"}'

The functions' logs are in %s.

`, d.Endpoint, d.Region, d.Endpoint, queue, message, d.Endpoint, d.Region, queue, strings.ReplaceAll(message, `"`, `\"`), filepath.Join(d.Dir, "logs"))
	return nil
}
