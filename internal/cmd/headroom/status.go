package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newStatus is `headroom status`.
func newStatus() *cobra.Command {
	var check bool
	return verb{
		use: "status [flags]", short: "Say how the deployment is, and what needs a person.",
		example: "  headroom status\n  headroom status --watch\n  headroom status --check --json | jq .needs",
		args:    noArguments, watched: true,
		flags: func(f *pflag.FlagSet) {
			f.BoolVar(&check, "check", false, "End with status 8 when something needs a person.")
		},
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			s, err := o.Status(ctx)
			if err != nil {
				return answer{}, err
			}
			a := answer{data: s, show: func(p *page) { showStatus(p, s) }}
			if check && len(s.Needs) > 0 {
				a.err = unwell{errors.New("something needs a person")}
			}
			return a, nil
		},
	}.command()
}

func showStatus(p *page, s operator.Status) {
	p.heading(fmt.Sprintf("Stage %s in %s", s.Stage, s.Region))
	p.fact("at", at(s.At))
	for _, w := range s.Waiting {
		p.fact("waiting", fmt.Sprintf("%d of tier %s, the first is %s, since %s", w.Tenants, w.Tier, w.First, p.when(w.Since)))
	}
	if s.Stops != nil {
		showStops(p, *s.Stops)
	}
	p.heading("Pools")
	showPools(p, s.Pools)
	p.heading("Queues")
	var rows [][]string
	idle := 0
	for _, q := range s.Queues {
		if q.Visible+q.InFlight+q.Delayed+q.DeadLetters == 0 {
			idle++
			continue
		}
		rows = append(rows, []string{q.Queue, strconv.Itoa(q.Visible), strconv.Itoa(q.InFlight), strconv.Itoa(q.Delayed), deadLetterCount(p, q)})
	}
	if len(rows) > 0 {
		p.table("", []string{"QUEUE", "VISIBLE", "IN FLIGHT", "DELAYED", "DEAD LETTERS"}, rows)
	}
	p.text("%d of %d are empty.", idle, len(s.Queues))
	if len(s.Alarms) > 0 {
		p.heading("Alarms that are on")
		rows = nil
		for _, a := range s.Alarms {
			name := p.in(red, a.Alarm)
			if a.Aside != "" {
				name = a.Alarm
			}
			rows = append(rows, []string{name, p.when(a.Since), cmp.Or(a.Aside, a.Why)})
		}
		p.table("", []string{"ALARM", "SINCE", "WHY"}, rows)
	}
	if len(s.Needs) == 0 {
		p.heading("Nothing needs a person.")
		return
	}
	showNeeds(p, "What needs a person", s.Needs)
}

func deadLetterCount(p *page, q operator.Queue) string {
	if q.DeadLetters == 0 {
		return "0"
	}
	return p.in(red, strconv.Itoa(q.DeadLetters))
}
