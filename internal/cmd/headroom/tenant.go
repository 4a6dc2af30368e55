package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
	"headroom/internal/pool"
)

// newTenant is `headroom tenant`.
func newTenant() *cobra.Command {
	return group("tenant", "Tenants: customers and what they hold.", newTenantList(), newTenantShow(), newTenantHistory(), newTenantExplain(), newTenantMove())
}

// tenantStates can be asked for.
var tenantStates = []string{string(pool.TenantRequested), string(pool.TenantWaiting), string(pool.TenantReady), string(pool.TenantLeft)}

func newTenantList() *cobra.Command {
	var f operator.TenantFilter
	var tier, state string
	return verb{
		use: "list [flags]", short: "List the tenants that hold something, or are on their way.",
		long:    "List the tenants that hold slots, wait, or are on their way in or out. Who left\nand is done with, or was given up before it held anything, is listed with --all,\nwhich reads the whole table.",
		example: "  headroom tenant list --host database-standard-1", args: noArguments, watched: true,
		flags: func(flags *pflag.FlagSet) {
			flags.StringVar(&tier, "tier", "", "Of this tier only.")
			flags.StringVar(&state, "state", "", "In this state only: "+strings.Join(tenantStates, ", ")+".")
			flags.StringVar(&f.Host, "host", "", "With a slot on this host only.")
			flags.BoolVar(&f.All, "all", false, "All there ever were: reads the whole table.")
		},
		check: func([]string) error { return oneOf("--state", state, tenantStates) },
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			f.Tier, f.State = pool.Tier(tier), pool.TenantState(state)
			tenants, err := o.Tenants(ctx, f)
			return answer{data: map[string]any{"tenants": list(tenants)}, show: func(p *page) { showTenants(p, tenants) }}, err
		},
	}.command()
}

func showTenants(p *page, tenants []operator.Tenant) {
	heads := []string{"TENANT", "TIER", "STATE", "AGE", "DATABASE", "SHARE", "STEP", "ADDRESSES"}
	if p.roomy() {
		heads = slices.Insert(heads, 3, "SIGNED UP")
	}
	var rows [][]string
	for _, t := range tenants {
		row := []string{
			string(t.Tenant), string(t.Tier), p.state(string(t.State)), p.age(t.RequestedAt), dash(t.Database), dash(t.Share), doing(t.Work), strings.Join(t.Addresses, " "),
		}
		if p.roomy() {
			row = slices.Insert(row, 3, at(t.RequestedAt))
		}
		rows = append(rows, row)
	}
	p.table("There are none.", heads, rows)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// tenantNames completes the name of a tenant.
func tenantNames(ctx context.Context, o *operator.Operator) ([]string, error) {
	tenants, err := o.Tenants(ctx, operator.TenantFilter{})
	var names []string
	for _, t := range tenants {
		names = append(names, string(t.Tenant)+"\t"+string(t.State))
	}
	return names, err
}

func newTenantShow() *cobra.Command {
	return verb{
		use: "show TENANT [flags]", short: "Show a tenant: what it holds, and where it connects.",
		long: "Show a tenant: what it holds, where it connects, its last restoration, its\ndepartures. Its password is in the secret that is named, and not shown.",
		args: arguments("tenant"), watched: true, complete: tenantNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			t, err := o.Tenant(ctx, args[0])
			return answer{data: t, show: func(p *page) { showTenant(p, t) }}, err
		},
	}.command()
}

func showTenant(p *page, t operator.TenantDetail) {
	p.heading("Tenant " + string(t.Tenant.Tenant))
	p.fact("state", p.state(string(t.State)))
	p.fact("tier", string(t.Tier))
	p.fact("signed up", p.when(t.RequestedAt)+", mark "+t.Mark)
	p.fact("ready", p.when(t.ReadyAt))
	p.fact("left", p.when(t.LeftAt))
	if t.Position > 0 {
		p.fact("waits", fmt.Sprintf("as number %d", t.Position))
	}
	showWork(p, t.Work)
	p.fact("addresses", strings.Join(t.Addresses, ", "))
	p.fact("coming", strings.Join(t.Coming, ", "))
	p.fact("going", strings.Join(t.Going, ", "))
	p.fact("database", t.Database)
	p.fact("share", t.Share)
	showMissing(p, t.Missing)
	if c := t.Connect; c != nil {
		p.heading("Where it connects")
		p.fact("database", fmt.Sprintf("%s:%d, database %s", c.DatabaseHost, c.DatabasePort, c.DatabaseName))
		p.fact("share", c.ShareHost+":"+c.SharePath)
		p.fact("secret", c.Secret)
	}
	showRestoration(p, t.Restoration)
	for _, d := range t.Departures {
		p.heading("Departure " + string(d.Departure))
		p.fact("state", p.state(string(d.State)))
		p.fact("asked for", fmt.Sprintf("by %s, at %s: %s", d.RequestedBy, at(d.RequestedAt), d.Reason))
		p.fact("grace until", p.when(d.GraceUntil))
		p.fact("archive", d.Archive)
		showMissing(p, d.Missing)
		showWork(p, d.Work)
		for _, s := range d.Slots {
			p.fact(string(s.Kind), fmt.Sprintf("%s, slot %s, step %s", p.state(string(s.State)), s.Slot, doing(s.Work)))
		}
	}
	p.next("headroom tenant explain "+string(t.Tenant.Tenant), "headroom tenant history "+string(t.Tenant.Tenant))
}

// showMissing says which files may be missing, because a gateway was given up.
func showMissing(p *page, missing []operator.Lack) {
	for _, m := range missing {
		p.fact("may lack", fmt.Sprintf("gateway %s was given up at %s: %s", m.Gateway, at(m.GivenUp), m.What))
	}
}

func showRestoration(p *page, r *operator.Restoration) {
	if r == nil {
		return
	}
	p.heading("Restoration " + string(r.Restoration))
	p.fact("state", p.state(string(r.State)))
	p.fact("asked for", fmt.Sprintf("by %s, at %s: %s", r.RequestedBy, at(r.RequestedAt), r.Reason))
	if r.From != "" {
		p.fact("moves", fmt.Sprintf("from %s to %s", r.From, dash(string(r.Host))))
	} else {
		p.fact("goes back", fmt.Sprintf("%s to %s", strings.Join(r.Parts, " and "), at(r.To)))
	}
	showWork(p, r.Work)
	p.fact("shut out", p.when(r.Shut))
	p.fact("swapped", p.when(r.SwappedAt))
	p.fact("came back", strings.Join(r.Came, "; "))
	p.fact("came to nothing", r.Why)
	p.fact("undone by", r.UndoneBy)
	p.fact("undo until", p.when(r.UndoUntil))
	for _, k := range r.Kept {
		p.fact("kept", fmt.Sprintf("%s on %s, until %s", k.Database, k.Host, p.when(k.Until)))
	}
}

func newTenantHistory() *cobra.Command {
	return verb{
		use: "history TENANT [flags]", short: "Tell what became of a tenant, and of what it held.",
		args: arguments("tenant"), complete: tenantNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			events, err := o.History(ctx, args[0])
			return answer{data: map[string]any{"tenant": args[0], "history": list(events)}, show: func(p *page) { showEvents(p, "History of "+args[0], events) }}, err
		},
	}.command()
}

func newTenantExplain() *cobra.Command {
	return verb{
		use: "explain TENANT [flags]", short: "Say why a tenant waits, is where it is, or does not come on.",
		args: arguments("tenant"), complete: tenantNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			e, err := o.ExplainTenant(ctx, args[0])
			return answer{data: e, show: func(p *page) { showExplanation(p, e) }}, err
		},
	}.command()
}
