package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"headroom/internal/operator"
)

// newPool is `headroom pool`.
func newPool() *cobra.Command {
	return group("pool", "Pools: all hosts of one kind and tier.", newPoolList(), newPoolShow(), newPoolPolicy())
}

func newPoolList() *cobra.Command {
	return verb{
		use: "list [flags]", short: "List the pools.", args: noArguments, watched: true,
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			pools, err := o.Pools(ctx)
			return answer{data: map[string]any{"pools": pools}, show: func(p *page) {
				showPools(p, pools)
				if len(pools) > 0 && pools[0].PolicyInvalid != "" {
					p.text("%s", p.in(red, pools[0].PolicyInvalid))
				}
			}}, err
		},
	}.command()
}

func showPools(p *page, pools []operator.Pool) {
	var rows [][]string
	for _, v := range pools {
		ceiling := "-"
		if v.Policy != nil {
			ceiling = strconv.Itoa(v.Hosts.Ceiling)
		}
		free := strconv.Itoa(v.Slots.Free)
		if v.Slots.Free == 0 && v.Policy != nil {
			free = p.in(red, free)
		}
		rows = append(rows, []string{
			v.Pool, fmt.Sprintf("%d/%s", v.Hosts.There, ceiling), strconv.Itoa(v.Hosts.InService), strconv.Itoa(v.Hosts.Provisioning), strconv.Itoa(v.Hosts.Cordoned),
			free, strconv.Itoa(v.Slots.Assigned), strconv.Itoa(v.Slots.Coming), strconv.Itoa(v.Slots.Leaving + v.Slots.Cooling), strconv.Itoa(v.Waiting),
		})
	}
	p.table("There are no pools: the first pool check orders their hosts.",
		[]string{"POOL", "HOSTS", "SERVING", "COMING", "CORDONED", "SLOTS FREE", "ASSIGNED", "COMING", "LEAVING", "WAITING"}, rows)
}

// poolNames completes the name of a pool.
func poolNames(ctx context.Context, o *operator.Operator) ([]string, error) {
	pools, err := o.Pools(ctx)
	var names []string
	for _, v := range pools {
		names = append(names, v.Pool)
	}
	return names, err
}

func newPoolShow() *cobra.Command {
	return verb{
		use: "show POOL [flags]", short: "Show a pool: its sizes, its policy, what is planned and why.",
		example: "  headroom pool show share-standard", args: arguments("pool"), watched: true, complete: poolNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			v, err := o.Pool(ctx, args[0])
			return answer{data: v, show: func(p *page) { showPool(p, v) }}, err
		},
	}.command()
}

func showPool(p *page, v operator.Pool) {
	p.heading("Pool " + v.Pool)
	p.fact("hosts", fmt.Sprintf("%d: %d in service, %d on their way, %d cordoned, %d quarantined", v.Hosts.There, v.Hosts.InService, v.Hosts.Provisioning, v.Hosts.Cordoned, v.Hosts.Quarantined))
	p.fact("slots", fmt.Sprintf("%d free (%d on the shelf), %d assigned, %d on their way, %d leaving, %d cooling", v.Slots.Free, v.Slots.OnShelf, v.Slots.Assigned, v.Slots.Coming, v.Slots.Leaving, v.Slots.Cooling))
	p.fact("waiting", strconv.Itoa(v.Waiting))
	if v.PolicyInvalid != "" {
		p.fact("policy", p.in(red, v.PolicyInvalid))
	}
	if y := v.Policy; y != nil {
		limit := "as many as it has slots"
		if y.TenantsPerHost > 0 {
			limit = strconv.Itoa(y.TenantsPerHost)
		}
		p.fact("policy", fmt.Sprintf("%d to %d hosts of %d slots, %v %% of signups served at once, %d slots or %d %% kept free at least, %d ordered at once, %s, tenants a host: %s",
			y.Floor, y.Ceiling, y.SlotsPerHost, y.ServeAtOnce, y.BufferSlots, y.BufferPercent, y.MaxOrders, y.Placement, limit))
	} else {
		p.fact("policy", "none: it takes no new tenants")
	}
	lead := fmt.Sprintf("none known yet; a host is late after %s", seconds(v.Lead.LateAfter))
	if v.Lead.Known > 0 {
		lead = fmt.Sprintf("half within %s, nine of ten within %s, of the last %d; a host is late after %s", seconds(v.Lead.P50), seconds(v.Lead.P90), v.Lead.Known, seconds(v.Lead.LateAfter))
	}
	p.fact("lead time", lead)
	p.fact("plan", v.Plan.Reason)
	for _, h := range v.Plan.Held {
		p.fact("held back", fmt.Sprintf("%d by %s", h.Hosts, h.Limit))
	}
	if v.FailuresInARow > 0 {
		p.fact("failures", fmt.Sprintf("%d in a row", v.FailuresInARow))
	}
	if !v.NoOrderBefore.IsZero() {
		p.fact("backoff", "no order before "+p.when(v.NoOrderBefore))
	}
	if len(v.FailingZones) > 0 {
		p.fact("zones", p.in(red, strings.Join(v.FailingZones, ", ")+" seem to fail"))
	}
	if len(v.Coming) > 0 {
		p.heading("On their way")
		var rows [][]string
		for _, c := range v.Coming {
			late := ""
			if c.Late {
				late = p.in(red, "late")
			}
			rows = append(rows, []string{string(c.Host), p.when(c.OrderedAt), strconv.Itoa(c.Slots), late})
		}
		p.table("", []string{"HOST", "ORDERED", "SLOTS", ""}, rows)
	}
	if len(v.Patients) > 0 {
		p.heading("Ill, or to be changed")
		var rows [][]string
		for _, c := range v.Patients {
			how := "waits"
			if c.Inside {
				how = "being mended"
			}
			rows = append(rows, []string{string(c.Host), c.Zone, p.when(c.Since), how})
		}
		p.table("", []string{"HOST", "ZONE", "SINCE", ""}, rows)
	}
	p.next("headroom host list --pool "+v.Pool, "headroom pool policy get")
}

func newPoolPolicy() *cobra.Command {
	return group("policy", "The policy document: sizes of pools, terms, drills.", newPolicyGet(), newPolicyDiff(), newPolicySet())
}

func newPolicyGet() *cobra.Command {
	var cmd *cobra.Command
	cmd = verb{
		use: "get [flags]", short: "Print the policy document as it stands.",
		long:    "Print the policy document as it stands, and nothing else, so that it can be\nedited and set. On a terminal the standard error says which version it is.",
		example: "  headroom pool policy get > policy.json", args: noArguments,
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			y, err := o.Policy(ctx)
			if err != nil {
				return answer{}, err
			}
			if err := cmd.ErrOrStderr(); onTerminal(err) {
				fmt.Fprintf(err, "Version %d: set what you make of it with --if-version %d.\n", y.Version, y.Version)
			}
			a := answer{
				data: map[string]any{"version": y.Version, "since": y.Since, "document": y.Text, "valid": y.Invalid == nil, "inForce": y.InForce},
				show: func(p *page) { p.WriteString(strings.TrimRight(y.Text, "\n") + "\n") },
			}
			if y.Invalid != nil {
				a.err = unwell{errors.New(y.Warning())}
			}
			return a, nil
		},
	}.command()
	return cmd
}
