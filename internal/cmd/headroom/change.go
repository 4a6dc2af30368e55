package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// change is a verb that asks by a message for something to be done.
type change struct {
	verb
	reasoned bool                       // it wants a reason, which stands in the history
	destroys func(args []string) string // what it destroys or disturbs, in words; nil: nothing
	word     func(args []string) string // what has to be typed for that; nil: the first argument
	request  func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error)
}

// look is how often it is looked whether what was asked for has come about.
const look = time.Second

// command makes the cobra command.
func (c change) command() *cobra.Command {
	var reason string
	var dry bool
	var wait time.Duration
	var ok consent
	flags := c.flags
	c.flags = func(f *pflag.FlagSet) {
		if flags != nil {
			flags(f)
		}
		if c.reasoned {
			addReason(f, &reason, "history")
		}
		f.BoolVar(&dry, "dry-run", false, "Check all that can be checked, and show the message without sending it.")
		f.DurationVar(&wait, "wait", 0, "Wait until it has come about, so long at most; --wait alone: 5 minutes.")
		f.Lookup("wait").NoOptDefVal = "5m"
		ok.add(f)
	}
	check := c.check
	c.check = func(args []string) error {
		if check != nil {
			if err := check(args); err != nil {
				return err
			}
		}
		if ok.cmd.Flags().Changed("wait") && wait <= 0 {
			return fmt.Errorf("--wait is %s, and must be more than nothing", wait)
		}
		if !c.reasoned {
			return nil
		}
		return missingReason(reason, "history")
	}
	c.ask = func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
		r, err := c.request(ctx, o, args, reason)
		if err != nil {
			return answer{}, err
		}
		if c.destroys != nil && !dry {
			word := args[0]
			if c.word != nil {
				word = c.word(args)
			}
			if err := ok.confirm(c.destroys(args), word); err != nil {
				return answer{}, err
			}
		}
		sent, err := o.Send(ctx, r, dry)
		if err != nil {
			return answer{}, err
		}
		a := answer{}
		if wait > 0 && !dry && r.Done != nil {
			sent.Came, a.err = await(ctx, o, r, sent, wait, ok.cmd)
		}
		a.data, a.show = sent, func(p *page) { showSent(p, sent, dry) }
		return a, nil
	}
	cmd := c.verb.command()
	ok.cmd = cmd
	return cmd
}

// await looks until a request has come about, or will not. On a terminal it says how that goes.
func await(ctx context.Context, o *operator.Operator, r operator.Request, sent operator.Sent, most time.Duration, cmd *cobra.Command) (string, error) {
	end, said := time.Now().Add(most), ""
	for {
		came, done, err := o.Came(ctx, r, sent)
		if err != nil || done {
			return came, err
		}
		if onTerminal(cmd.ErrOrStderr()) && came != said {
			fmt.Fprintln(cmd.ErrOrStderr(), "waiting: "+came)
			said = came
		}
		if time.Now().After(end) {
			return came, unwell{fmt.Errorf("it has not come about after %s: %s; if it failed for good, headroom dlq list names the queue, and dlq show why", most, came)}
		}
		select {
		case <-ctx.Done():
			return came, ctx.Err()
		case <-time.After(look):
		}
	}
}

func showSent(p *page, s operator.Sent, dry bool) {
	if dry {
		p.heading("Not sent: to " + s.Asked)
	} else {
		p.heading("Asked to " + s.Asked)
		p.fact("message", s.ID)
		p.fact("came", s.Came)
	}
	for _, means := range s.Means {
		p.item(means)
	}
	p.fact("queue", s.Queue[strings.LastIndex(s.Queue, "/")+1:])
	if body, err := json.Marshal(s.Message); err == nil {
		p.fact("body", string(body))
	}
	if dry {
		p.text("Without --dry-run it is sent.")
	}
	p.next(s.Next...)
}
