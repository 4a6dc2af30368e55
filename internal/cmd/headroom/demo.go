package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"headroom/internal/demo"
	"headroom/internal/local"
)

// demoCommand is what `headroom demo` takes.
type demoCommand struct {
	Exit               bool
	Chapters           bool
	Signups            int
	Tier               string
	Listen, Page       string
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
		Use:   "demo",
		Short: "Run the whole system on this machine, and prove its isolation.",
		Long:  "Run the whole system on this machine, sign customers up, and prove their\nisolation.",
		Args:  noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			c.settle(cmd.Flags().Changed("chapters"))
			return refuse(cmd, c.validate())
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&c.Exit, "exit", false, "End when all is shown; the exit status says whether all held.")
	flags.BoolVar(&c.Chapters, "chapters", false, "Show also how customers leave, stay, and replace a machine. With --exit that is shown too, unless this is false.")
	flags.IntVar(&c.Signups, "signups", 12, "How many customers sign up.")
	flags.StringVar(&c.Tier, "tier", "standard", "The tier they sign up for.")
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:0", "The endpoint's address.")
	flags.StringVar(&c.Page, "page", "", "The address of the page that shows it all, unless the run ends by itself. Default: "+pageAddress+", or another port if that is taken.")
	flags.StringVar(&c.Dir, "dir", "", "Where logs and disks go, and are kept. Default: a temporary folder, removed at the end.")
	flags.StringVar(&c.Assembly, "assembly", "cdk.out", "The folder of the synthesized CDK assembly.")
	flags.StringVar(&c.Programs, "programs", "dist/native", "The folder of the functions, built for this machine.")
	flags.Float64Var(&c.Speed, "speed", 20, "How many times faster than this machine's the cloud's clock runs.")
	flags.DurationVar(&c.Database, "database", time.Second, "Lead time of an RDS instance, on top of its server's start.")
	flags.DurationVar(&c.Boot, "boot", time.Second, "How long an appliance boots.")
	flags.BoolVar(&c.Untidy, "untidy", false, "Deliver messages and events twice, late and out of order; let transactions conflict and indexes lag.")
	flags.Uint64Var(&c.Seed, "seed", 1, "Of what happens at random.")
	flags.BoolVarP(&c.Verbose, "verbose", "v", false, "Show the local cloud's own log.")
	for _, folder := range []string{"dir", "assembly", "programs"} {
		_ = cmd.MarkFlagDirname(folder) // fails for a flag that is not there
	}
	return cmd
}

// settle has who wants all that is shown, and then an end, see the chapters, unless it was said that they are not wanted.
func (c *demoCommand) settle(said bool) {
	if !said {
		c.Chapters = c.Exit
	}
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
	if err := local.CheckListen(c.Listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if c.Page != "" {
		if err := local.CheckListen(c.Page); err != nil {
			return fmt.Errorf("--page: %w", err)
		}
	}
	if c.Assembly, err = existing(c.Assembly); err != nil {
		return fmt.Errorf("--assembly: %w; make synth writes it", err)
	}
	if _, err := os.Stat(filepath.Join(c.Assembly, "manifest.json")); err != nil {
		return fmt.Errorf("--assembly: %s holds no CDK assembly; make synth writes one", c.Assembly)
	}
	if c.Programs, err = existing(c.Programs); err != nil {
		return fmt.Errorf("--programs: %w; make native builds them", err)
	}
	if found, _ := filepath.Glob(filepath.Join(c.Programs, "*", "bootstrap")); len(found) == 0 {
		return fmt.Errorf("--programs: %s holds no functions; make native builds them", c.Programs)
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
