package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headroom/internal/demo"
	demopage "headroom/internal/demo/page"
	"headroom/internal/local"
	"headroom/internal/local/disorder"
	"headroom/internal/operator"
	"headroom/internal/pool"
)

// run runs the demo in a folder for its logs and disks.
func (c demoCommand) run(cmd *cobra.Command) error {
	place, err := newWorkplace(c.Dir)
	if err != nil {
		return err
	}
	err = c.runIn(cmd.Context(), place.dir, cmd.OutOrStdout())
	if errors.Is(err, demo.ErrUnknownTier) {
		err = refuse(cmd, fmt.Errorf("--tier is %q: %w", c.Tier, err))
	}
	return place.leave(err)
}

// ofSpeed says of a local cloud that its clock is not the machine's: the times that hosts take are told by it.
func ofSpeed(speed float64) string {
	if speed == 1 {
		return ""
	}
	return fmt.Sprintf(", whose clock goes %v times as fast as this machine's: what hosts take is told by it", speed)
}

// runIn starts the local cloud, deploys, and shows.
func (c demoCommand) runIn(ctx context.Context, dir string, out io.Writer) (err error) {
	p := demo.NewPrinter(out)
	p.Line("starting the local cloud" + ofSpeed(c.Speed))
	cloud, err := local.Start(ctx, c.options(dir))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // whatever it was that this cut short
		}
		return err
	}
	defer func() {
		if failure := stop(ctx, cloud, p); failure != nil {
			err = failure // an interruption is none
		}
	}()
	alive, release := cloud.While(ctx)
	defer func() {
		release()
		if died := cloud.Err(); died != nil {
			err = died // and what failed, failed of it
		}
	}()
	p.Line("deploying " + c.Assembly + " into it, as CloudFormation would")
	deployment, err := demo.Deploy(alive, cloud, c.Assembly)
	if err != nil {
		return err
	}
	p.Line("deployed; one endpoint serves all: " + cloud.Endpoint)
	p.Line("it checks no credentials: whoever reaches it, from this machine only, may do everything, and read every secret")
	var shown *demopage.Page
	if !c.Exit { // nobody could look at it then
		if shown, err = c.servePage(alive, deployment, p); err != nil {
			return err
		}
	}

	// Twice the lead times: a host may be ordered when another one has just been made.
	patience := 3*time.Minute + 2*(c.Database+c.Boot)
	tenants, err := demo.Run(alive, deployment, demo.Options{Tier: c.Tier, Signups: c.Signups, Patience: patience}, p)
	if err != nil {
		return err
	}
	if c.Chapters {
		// What departures wait for is minutes by the cloud's clock.
		patience += time.Duration(float64(30*time.Minute) / c.Speed)
		o := demo.ChapterOptions{Dir: deployment.Dir, Patience: patience, Tier: c.Tier, Plan: c.plan(cloud.Endpoint, out)}
		if tenants, err = demo.Chapters(alive, deployment, tenants, o, p); err != nil {
			return err
		}
	}
	p.Line("all held")
	if c.Exit {
		return nil
	}
	if err := c.invite(deployment, tenants[0], p); err != nil {
		return err
	}
	shown.Open()
	return demo.Follow(alive, deployment, p)
}

// plan is what `headroom plan` says of the demo's tier to whoever asks at the endpoint, made to fit out.
func (c demoCommand) plan(endpoint string, out io.Writer) func(context.Context) (demo.Plan, error) {
	return func(ctx context.Context) (plan demo.Plan, err error) {
		o, err := operator.Connection{Endpoint: endpoint}.Connect(ctx)
		if err != nil {
			return plan, err
		}
		plans, err := o.Plans(ctx, pool.Tier(c.Tier), nil, "")
		if err != nil {
			return plan, err
		}
		text := newPage(out, time.Now())
		plans.Next = nil // the run goes on by itself
		showPlans(text, plans)
		return demo.Plan{Text: text.String(), Pairs: plans.By[0].Tiers[0].Pairs}, nil
	}
}

// options of the local cloud.
func (c demoCommand) options(dir string) local.Options {
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
		Dir: dir, Listen: c.Listen, Speed: c.Speed, Seed: c.Seed,
		LeadTimes: local.LeadTimes{Database: c.Database, Boot: c.Boot},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if c.Untidy {
		options.Deliveries = disorder.Options{Double: 0.3, Delay: 500 * time.Millisecond, Shuffle: true}
		options.Tables = disorder.Tables{Transaction: 10 * time.Millisecond, Index: 500 * time.Millisecond}
	}
	return options
}

// invite says how to go on by hand.
func (c demoCommand) invite(d demo.Deployment, t demo.Tenant, p *demo.Printer) error {
	var queues [3]string
	for n, name := range []string{"SignupQueueUrl", "DecommissionQueueUrl", "InstanceChangeQueueUrl"} {
		var err error
		if queues[n], err = d.Output(name); err != nil {
			return err
		}
	}
	gateway, err := d.Resolve(t.Ready.Share.Host)
	if err != nil {
		return err
	}
	ca := filepath.Join(d.Dir, "rds-ca.pem")
	if err := os.WriteFile(ca, d.Authority, 0o644); err != nil {
		return fmt.Errorf("keep the databases' certificate authority: %w", err)
	}
	_, err = exec.LookPath("aws")
	p.Invite(demo.Invitation{
		Endpoint: d.Endpoint, Region: d.Region, Queue: queues[0], Departures: queues[1], Changes: queues[2],
		CAFile: ca, Logs: filepath.Join(d.Dir, "logs"), CommandLine: err == nil,
		Tier: c.Tier, Address: demo.Instance(c.Signups), Next: demo.Machine(4), Tenant: t, Gateway: gateway,
	})
	return nil
}
