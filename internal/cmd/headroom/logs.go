package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newLogs is `headroom logs`.
func newLogs() *cobra.Command {
	var since time.Duration
	return verb{
		use: "logs TENANT|HOST|ID [flags]", short: "Show what was logged of a tenant, a host, or one message.",
		long:    "Show what the functions logged of a tenant, of a host, or of all that came of\none message, by its correlation id, which headroom tenant history and host show\nname: from the signup to the event.",
		example: "  headroom logs acme\n  headroom logs share-standard-1\n  headroom logs 5e0c8a1f-3b7d-4c2e-9a65-7d1f0b8e4c23 --since 168h",
		args:    arguments("tenant, host or correlation id"), complete: tenantNames, watched: true,
		flags: func(f *pflag.FlagSet) {
			f.DurationVar(&since, "since", 24*time.Hour, "How far back is looked.")
		},
		check: func([]string) error {
			if since <= 0 {
				return fmt.Errorf("--since is %s, and must be more than nothing", since)
			}
			return nil
		},
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			lines, more, err := o.Lines(ctx, operator.LogFilter{Of: args[0], Since: since})
			return answer{data: map[string]any{"of": args[0], "lines": list(lines), "more": more}, show: func(p *page) { showLines(p, lines, more) }}, err
		},
	}.command()
}

func showLines(p *page, lines []operator.LogLine, more bool) {
	if more {
		p.text("Earlier lines are left out: these are the last %d.", operator.LogLinesMost)
	}
	var rows [][]string
	for _, l := range lines {
		message := l.Message
		if fields, err := json.Marshal(l.Fields); err == nil && len(l.Fields) > 0 {
			message += " " + string(fields)
		}
		if l.Level == "ERROR" {
			message = p.in(red, message)
		}
		rows = append(rows, []string{l.At.Format("2006-01-02T15:04:05.000Z"), l.Function, message})
	}
	p.table("The functions logged nothing of it in this time.", []string{"AT", "FUNCTION", "LINE"}, rows)
}
