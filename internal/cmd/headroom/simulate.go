package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"headroom/internal/operator"
	"headroom/internal/pool"
	"headroom/internal/sim"
)

// simulateCommand is what `headroom simulate` takes.
type simulateCommand struct {
	Demand   string
	Policies []string
	Leads    []string
	Tier     string
	Since    string
	Until    string
	From     string
	Scale    float64
	Fail     float64
	Seed     uint64
	Picture  string

	stage connection // whose history is simulated, where there is no demand
}

// newSimulate is `headroom simulate`.
func newSimulate() *cobra.Command {
	var c simulateCommand
	cmd := &cobra.Command{
		Use:   "simulate [--demand FILE]",
		Short: "Replay signups, and say what a policy would have done.",
		Long: `Replay a series of signups through the production planner, shelf and functions,
in virtual time, and say what would have been: who was served at once, how long
the others waited, and what stood idle. Several policies are compared side by
side.

Without --demand they are the deployment's own, by its policy in force and the
lead times that its hosts had lately, unless others are named. Its whole table
is read for that, and nothing of any tenant but when it signed up.`,
		Example: `  headroom simulate --from 50%
  headroom simulate --demand signups.csv --from 50% --picture free.svg
  headroom simulate --demand signups.csv --policy a.json --policy b.json --json`,
		Args:    noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error { return refuse(cmd, c.validate()) },
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&c.Demand, "demand", "", "The signups: a file of one RFC 3339 time a line, or of time,count: how many came from then until the next line. \"-\" is standard input. Default: those of the deployment.")
	flags.StringArrayVar(&c.Policies, "policy", nil, "A policy document, as a stage's parameter holds it. May be given several times. Default: the one in force; with --demand prod's sizes without a ceiling.")
	flags.StringArrayVar(&c.Leads, "lead", nil, "How long hosts take, median/p99. Default: as the deployment's took, if ten of them are known; else, and with --demand, database=20m/40m and share=12m/30m.")
	flags.StringVar(&c.Tier, "tier", "", "The tier that all sign up for. Default: the only one of the policies.")
	flags.StringVar(&c.From, "from", "", "What is before is simulated, and not measured: a time, a day, or a share of the series such as 50%.")
	flags.StringVar(&c.Since, "since", "", "What is before is left out: a time, a day, or a share of the series such as 50%.")
	flags.StringVar(&c.Until, "until", "", "What is later is left out, likewise.")
	flags.Float64Var(&c.Scale, "scale", 1, "What counts are multiplied by.")
	flags.Float64Var(&c.Fail, "fail", 0, "The share of hosts that fail, 0 to 1.")
	flags.Uint64Var(&c.Seed, "seed", 1, "Of what is drawn at random.")
	flags.StringVar(&c.Picture, "picture", "", "Draw free slots, tenants waiting and hosts over time into a file, .svg or .html.")
	c.stage.add(flags, false)
	flags.Lookup("json").Usage = "Print JSON: one object, or a list of them if there are several policies."
	_ = cmd.MarkFlagFilename("demand", "csv", "txt") // these fail for a flag that is not there
	_ = cmd.MarkFlagFilename("policy", "json")
	return cmd
}

// validate refuses what means nothing, before anything is read.
func (c *simulateCommand) validate() error {
	switch ext := filepath.Ext(c.Picture); {
	case math.IsNaN(c.Scale) || c.Scale <= 0 || c.Scale > 1e6:
		return fmt.Errorf("--scale is %v, and must be above 0 and 1000000 at most", c.Scale)
	case math.IsNaN(c.Fail) || c.Fail < 0 || c.Fail > 1:
		return fmt.Errorf("--fail is %v, and must be from 0 to 1", c.Fail)
	case c.Picture != "" && ext != ".svg" && ext != ".html":
		return fmt.Errorf("--picture is %q, and must end in .svg or .html", c.Picture)
	}
	_, _, err := c.leads(operator.Past{})
	return err
}

// lead is how long hosts of a kind are taken to take, and how that is known.
type lead struct {
	Kind   pool.Kind `json:"kind"`
	Median float64   `json:"median_s"`
	P99    float64   `json:"p99_s"`
	From   string    `json:"from"`            // fromFlag, fromHosts or fromDefault
	Hosts  int       `json:"hosts,omitempty"` // that it was measured of
}

// How lead times are known.
const (
	fromFlag    = "--lead"
	fromHosts   = "measured"
	fromDefault = "default"
)

func (l lead) String() string {
	how := l.From
	if l.Hosts > 0 {
		how += fmt.Sprintf(", of %d hosts", l.Hosts)
	}
	return fmt.Sprintf("%s %s/%s (%s)", l.Kind, lasting(l.Median), lasting(l.P99), how)
}

// leads are those that hosts are said to have, else those that they had, if enough are known, else what is usual; and how
// each is known, by kind.
func (c *simulateCommand) leads(past operator.Past) (sim.Leads, []lead, error) {
	leads, from, hosts := sim.DefaultLeads(), map[pool.Kind]string{}, map[pool.Kind]int{}
	for kind, took := range past.Leads {
		if lead, ok := sim.MeasuredLead(took); ok {
			leads[kind], from[kind], hosts[kind] = lead, fromHosts, len(took)
		}
	}
	for _, text := range c.Leads {
		kind, lead, err := sim.ParseLead(text)
		if err != nil {
			return nil, nil, fmt.Errorf("--lead %w", err)
		}
		leads[kind], from[kind], hosts[kind] = lead, fromFlag, 0
	}
	var used []lead
	for _, kind := range pool.Kinds {
		used = append(used, lead{
			Kind: kind, Median: leads[kind].Median.Seconds(), P99: leads[kind].P99.Seconds(), From: cmp.Or(from[kind], fromDefault), Hosts: hosts[kind],
		})
	}
	return leads, used, nil
}

// simulated is what came of a policy, and by which lead times.
type simulated struct {
	sim.Result
	Leads []lead `json:"lead_times"`
}

func (c *simulateCommand) run(cmd *cobra.Command) error {
	demand, past, err := c.series(cmd)
	if err != nil {
		return err
	}
	demand, from, err := c.part(demand)
	if err != nil {
		return refuse(cmd, err)
	}
	leads, used, err := c.leads(past)
	if err != nil {
		return err
	}
	options, names, err := c.options(demand, past, from, leads)
	if err != nil {
		return err
	}
	// Most of what is made is thrown away at once, and little is kept: collecting it less often halves the time.
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	results := make([]sim.Result, len(options))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, o := range options {
		group.Go(func() error {
			r, err := sim.Run(cmd.Context(), o)
			r.Policy = names[i]
			results[i] = r
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if c.Picture != "" {
		if err := c.draw(results); err != nil {
			return err
		}
	}
	if c.stage.json {
		return printJSON(cmd.OutOrStdout(), results, used)
	}
	return printResults(cmd.OutOrStdout(), results, used)
}

// part is what of a series is simulated, and from when on it is measured.
func (c *simulateCommand) part(d sim.Demand) (part sim.Demand, from time.Time, err error) {
	since, sinceErr := d.Moment(c.Since)
	until, untilErr := d.Moment(c.Until)
	if err := errors.Join(naming(sinceErr, "--since"), naming(untilErr, "--until")); err != nil {
		return d, from, err
	}
	if part, err = d.Between(since, until); err != nil {
		return d, from, err
	}
	if from, err = part.Moment(c.From); err == nil && !from.IsZero() && from.Before(part.First()) {
		err = fmt.Errorf("%q is before the series begins, %s", c.From, part.First().Format(time.RFC3339))
	}
	return part, from, naming(err, "--from")
}

// series is the series that is simulated: a file's, or the deployment's with its past.
func (c *simulateCommand) series(cmd *cobra.Command) (sim.Demand, operator.Past, error) {
	if c.Demand != "" {
		d, err := c.demand(cmd.InOrStdin())
		return d, operator.Past{}, err
	}
	if cmd.Flags().Changed("scale") {
		return sim.Demand{}, operator.Past{}, refuse(cmd, errors.New("--scale multiplies the counts of a file, which --demand names"))
	}
	ctx := cmd.Context()
	o, err := c.stage.Connect(ctx)
	if err != nil {
		return sim.Demand{}, operator.Past{}, failure(ctx, err)
	}
	past, err := o.Past(ctx, pool.Tier(c.Tier))
	if err != nil {
		return sim.Demand{}, past, failure(ctx, err)
	}
	return sim.Signups(past.Signups, past.Until), past, nil
}

// demand reads the series of a file.
func (c *simulateCommand) demand(stdin io.Reader) (sim.Demand, error) {
	if c.Demand == "-" {
		d, err := sim.ReadDemand(stdin, c.Scale)
		return d, naming(err, "read the signups from standard input")
	}
	file, err := os.Open(c.Demand)
	if err != nil {
		return sim.Demand{}, err
	}
	defer file.Close()
	d, err := sim.ReadDemand(file, c.Scale)
	return d, naming(err, "read the signups in "+c.Demand)
}

func naming(err error, attempt string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", attempt, err)
}

// policies are the documents that are simulated, and how each is called.
func (c *simulateCommand) policies(past operator.Past) (documents []pool.Document, names []string, err error) {
	for _, file := range c.Policies {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		document, err := sim.ReadPolicy(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		documents, names = append(documents, document), append(names, name)
	}
	switch {
	case len(documents) > 0:
		return documents, names, nil
	case past.Tier != "":
		return []pool.Document{past.Policy}, []string{"in force"}, nil
	}
	document, err := sim.ReadPolicy(sim.DefaultPolicy)
	return []pool.Document{document}, []string{"default"}, err
}

// options are those of a simulation for each policy, and how each is called.
func (c *simulateCommand) options(demand sim.Demand, past operator.Past, from time.Time, leads sim.Leads) ([]sim.Options, []string, error) {
	documents, names, err := c.policies(past)
	if err != nil {
		return nil, nil, err
	}
	asked := pool.Tier(c.Tier)
	if past.Tier != "" {
		asked = past.Tier
	}
	var options []sim.Options
	for i, policy := range documents {
		tier, err := sim.TierOf(policy.Pools, asked)
		if err != nil {
			err = fmt.Errorf("%s: %w", names[i], err)
			if asked != "" {
				err = &operator.Failure{Kind: operator.Missing, Err: err}
			}
			return nil, nil, err
		}
		options = append(options, sim.Options{
			Demand: demand, Tier: tier, Leads: leads, Fail: c.Fail, Seed: c.Seed, From: from,
			Policy: func(time.Time) pool.Document { return policy },
		})
	}
	return options, names, nil
}

func (c *simulateCommand) draw(results []sim.Result) error {
	picture, err := sim.Picture(results)
	if err != nil {
		return fmt.Errorf("draw the picture: %w", err)
	}
	if filepath.Ext(c.Picture) == ".html" {
		page := []byte("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>headroom simulate</title></head><body>\n")
		picture = append(append(page, picture...), "\n</body></html>\n"...)
	}
	return os.WriteFile(c.Picture, picture, 0o644)
}

// printJSON prints one object, or a list if there are several results.
func printJSON(out io.Writer, results []sim.Result, leads []lead) error {
	all := make([]simulated, len(results))
	for i, r := range results {
		all[i] = simulated{r, leads}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if len(all) == 1 {
		return encoder.Encode(all[0])
	}
	return encoder.Encode(all)
}

// printResults prints a table, a column for each policy, and the lead times that all of them had.
func printResults(out io.Writer, results []sim.Result, leads []lead) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		what string
		of   func(sim.Result) string
	}{
		{"", func(r sim.Result) string { return r.Policy }},
		{"signups", func(r sim.Result) string { return strconv.Itoa(r.Signups) }},
		{"served at once", func(r sim.Result) string { return fmt.Sprintf("%.2f %%", 100*r.ServedAtOnce) }},
		{"never served", func(r sim.Result) string { return strconv.Itoa(r.NeverServed) }},
		{"wait, mean", func(r sim.Result) string { return lasting(r.WaitMean) }},
		{"wait, p50", func(r sim.Result) string { return lasting(r.WaitP50) }},
		{"wait, p99", func(r sim.Result) string { return lasting(r.WaitP99) }},
		{"wait, longest", func(r sim.Result) string { return lasting(r.WaitMost) }},
		{"idle databases", func(r sim.Result) string { return fmt.Sprintf("%.1f", r.IdleSlots.Database) }},
		{"idle shares", func(r sim.Result) string { return fmt.Sprintf("%.1f", r.IdleSlots.Share) }},
		{"idle, a month", func(r sim.Result) string { return fmt.Sprintf("$%.0f", r.IdleCostMonth) }},
		{"all hosts, a month", func(r sim.Result) string { return fmt.Sprintf("$%.0f", r.CostMonth) }},
		{"hosts ordered", func(r sim.Result) string { return strconv.Itoa(r.HostsOrdered) }},
		{"hosts retired", func(r sim.Result) string { return strconv.Itoa(r.HostsRetired) }},
		{"which saves a month", func(r sim.Result) string { return fmt.Sprintf("$%.0f", r.RetiredSaveMonth) }},
		{"hosts failed", func(r sim.Result) string { return strconv.Itoa(r.HostsFailed) }},
		{"hosts in excess", func(r sim.Result) string { return fmt.Sprintf("%.1f", r.HostsExcess.Database+r.HostsExcess.Share) }},
	} {
		fmt.Fprintf(table, "%-20s\t", row.what)
		for _, r := range results {
			fmt.Fprintf(table, "%s\t", row.of(r))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	words := make([]string, len(leads))
	for i, l := range leads {
		words[i] = l.String()
	}
	_, err := fmt.Fprintf(out, "\nLead times, median/p99: %s.\n", strings.Join(words, "; "))
	return err
}

func lasting(s float64) string {
	return time.Duration(math.Round(s) * float64(time.Second)).String()
}
