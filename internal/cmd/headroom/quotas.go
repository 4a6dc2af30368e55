package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"headroom/internal/operator"
)

// newQuotas is `headroom quotas`.
func newQuotas() *cobra.Command {
	return verb{
		use: "quotas [flags]", short: "Show the account's service quotas, and how much of them is used.",
		long: "Show the service quotas of the account that hosts take from, as AWS was asked\nlast, and how much of them is used, by whomever: what hosts take that are only\nordered is counted. GROWN is what is used with all pools at their ceilings.\nNothing is ordered beyond a quota. One that was not read for a day does not\ncount.",
		args: noArguments, watched: true,
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			quotas, err := o.Quotas(ctx)
			return answer{data: map[string]any{"quotas": quotas}, show: func(p *page) { showQuotas(p, quotas) }}, err
		},
	}.command()
}

// nearly is from how much of a quota on people are told, in percent.
const nearly = 80

func showQuotas(p *page, quotas []operator.Quota) {
	var rows [][]string
	for _, q := range quotas {
		most, used, percent, grown := strconv.Itoa(q.Most), strconv.Itoa(q.Used), fmt.Sprintf("%d %%", q.Percent), strconv.Itoa(q.Grown)
		if q.Assumed && q.Most > 0 {
			most += " (assumed)"
		}
		if q.Percent >= nearly {
			percent = p.in(red, percent)
		}
		if q.Most > 0 && q.Grown > q.Most {
			grown = p.in(red, grown)
		}
		read, note := q.Read, ""
		switch {
		case q.Read == "":
			most, used, percent, grown, read, note = "-", "-", "-", "-", "never", "does not count"
		case q.Most == 0:
			most, percent, note = "-", "-", "AWS names none"
		case !q.Counts:
			used, percent, grown, note = "-", "-", "-", "does not count"
		}
		rows = append(rows, []string{q.Name, most, used, percent, grown, read, note})
	}
	p.table("No quota was read yet: AWS is asked every quarter of an hour.", []string{"QUOTA", "MOST", "USED", "PERCENT", "GROWN", "READ", "NOTE"}, rows)
	for _, q := range quotas {
		if q.Why != "" {
			p.text("%s can't be read: %s", q.Name, q.Why)
		}
	}
}
