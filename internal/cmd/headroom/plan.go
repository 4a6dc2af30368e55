package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
	"headroom/internal/pool"
)

// newPlan is `headroom plan`.
func newPlan() *cobra.Command {
	var tier, file string
	var cmd *cobra.Command
	cmd = verb{
		use: "plan [flags]", short: "Say what would be ordered and retired now, and why.",
		long: "Say what the next pool check would order, with the numbers that it comes from:\nwhat is free and coming, what is wanted free and for which demand and lead time,\nhow long what is free lasts, and in how many days a ceiling or the cap is met.\n" +
			"And which hosts it would retire, or why it would retire none, and how it goes\nwith those that are drained.\n" +
			"With --policy the same by another policy document, side by side. Nothing is\nchanged.",
		example: "  headroom plan\n  headroom plan --tier standard --policy policy.json\n  headroom plan --json | jq '.by[0].tiers[].pools[].orders'",
		args:    noArguments, watched: true,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&tier, "tier", "", "Only of this tier.")
			f.StringVar(&file, "policy", "", "Plan by this policy document too; - is the standard input.")
		},
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			var other []byte
			if file != "" {
				var err error
				if other, err = readDocument(cmd, file); err != nil {
					return answer{}, err
				}
			}
			plans, err := o.Plans(ctx, pool.Tier(tier), other, file)
			return answer{data: plans, show: func(p *page) { showPlans(p, plans) }}, err
		},
	}.command()
	return cmd
}

func showPlans(p *page, plans operator.Plans) {
	if plans.Stopped != nil {
		showStops(p, *plans.Stopped)
	}
	for _, by := range plans.By {
		if by.Warning != "" {
			p.fact("policy", p.in(red, by.Warning))
		}
	}
	for i := range plans.By[0].Tiers {
		p.heading("Tier " + string(plans.By[0].Tiers[i].Tier))
		var rows [][]string
		for _, by := range plans.By {
			t := by.Tiers[i]
			rows = append(rows, []string{
				filepath.Base(by.Policy), strconv.Itoa(t.Pairs), strconv.Itoa(t.Waiting), spanOf(t.Empty), spanOf(t.Early), fmt.Sprintf("%.0f %%", 100*t.Risk), waits(t.Wait),
			})
		}
		p.table("", []string{"BY POLICY", "PAIRS", "WAITING", "TIME TO EMPTY", "ONE IN TEN", "RISK TO WAIT", "WHO COMES NEXT WAITS"}, rows)
		rows = nil
		for k := range plans.By[0].Tiers[i].Pools {
			for _, by := range plans.By {
				one := by.Tiers[i].Pools[k]
				rows = append(rows, []string{
					one.Pool, filepath.Base(by.Policy), strconv.Itoa(one.Free), strconv.Itoa(one.Coming), strconv.Itoa(one.Wanted), p.orders(one), spanOf(one.Lead), spanOf(one.LeadLong), ends(one.Ends),
				})
			}
		}
		p.WriteByte('\n')
		p.table("", []string{"POOL", "BY POLICY", "FREE", "COMING", "WANTED", "ORDERS", "LEAD", "P99", "MEETS"}, rows)
		p.WriteByte('\n')
		for _, by := range plans.By {
			for _, one := range by.Tiers[i].Pools {
				p.item(reasonBy(by.Policy, len(plans.By) > 1, one.Reason))
			}
			for _, one := range by.Tiers[i].Pools {
				for _, line := range goings(one) {
					p.item(reasonBy(by.Policy, len(plans.By) > 1, line))
				}
			}
		}
	}
	p.next(plans.Next...)
}

func reasonBy(policy string, several bool, reason string) string {
	if several {
		return "by " + filepath.Base(policy) + ": " + reason
	}
	return reason
}

// goings words which hosts of a pool go, and why no other does.
func goings(one operator.PoolPlan) []string {
	retires := "none is retired"
	if one.Retires != "" {
		retires = one.Retires + " is retired"
	}
	lines := []string{fmt.Sprintf("%s: %d hosts, and %d after that; %s: %s", one.Pool, one.Hosts, one.After, retires, one.Spare)}
	switch {
	case one.Drains != "":
		lines = append(lines, fmt.Sprintf("%s is drained by itself: %s", one.Drains, one.Sparse))
	case one.Sparse != "":
		lines = append(lines, fmt.Sprintf("%s: none is drained by itself: %s", one.Pool, one.Sparse))
	}
	for _, going := range one.Retiring {
		lines = append(lines, fmt.Sprintf("%s is being taken down: %s", going.Host, going.Why))
	}
	for _, going := range one.Drained {
		what := "nobody moves off it now"
		switch {
		case going.Next != "":
			what = "tenant " + going.Next + " moves off it next"
		case going.Tenants == 0:
			what = "it has no tenants"
		}
		lines = append(lines, fmt.Sprintf("%s is drained, with %d slots used; %s: %s", going.Host, going.Tenants, what, going.Why))
	}
	return lines
}

// orders words the hosts that would be ordered, and those that are held back.
func (p *page) orders(one operator.PoolPlan) string {
	text := strconv.Itoa(one.Orders)
	if one.Orders > 0 {
		text = p.in(yellow, text)
	}
	var held []string
	for _, h := range one.Held {
		held = append(held, fmt.Sprintf("%d by %s", h.Hosts, h.Limit))
	}
	if len(held) > 0 {
		text += p.in(red, " ("+strings.Join(held, ", ")+" held back)")
	}
	return text
}

// spanOf words how long something lasts, in the unit that suits it.
func spanOf(n int64) string {
	switch days := n / 86400; {
	case days >= 3650:
		return "years"
	case days >= 2:
		return fmt.Sprintf("%d d", days)
	case n >= 7200:
		return fmt.Sprintf("%d h", n/3600)
	default:
		return fmt.Sprintf("%d min", n/60)
	}
}

func ends(all []operator.End) string {
	var said []string
	for _, e := range all {
		if e.Days >= 3650 {
			said = append(said, e.Limit+" in years")
		} else {
			said = append(said, fmt.Sprintf("%s in %d d", e.Limit, e.Days))
		}
	}
	return strings.Join(said, ", ")
}

func waits(w *operator.Wait) string {
	switch {
	case w == nil:
		return "not"
	case w.Capped != "":
		return "nobody knows for how long: " + w.Capped
	}
	return fmt.Sprintf("%s, at most %s (90 %%)", spanOf(w.Median), spanOf(w.Ninety))
}
