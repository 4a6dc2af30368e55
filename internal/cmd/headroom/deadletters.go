package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newDeadLetters is `headroom dlq`.
func newDeadLetters() *cobra.Command {
	return group("dlq", "Dead letters: messages that could not be handled.", newDeadLetterList(), newDeadLetterShow(), newRedrive(), newDrop())
}

func newDeadLetterList() *cobra.Command {
	return verb{
		use: "list [flags]", short: "List the queues with how many dead letters each has.", args: noArguments, watched: true,
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			queues, err := o.QueueStates(ctx)
			return answer{data: map[string]any{"queues": list(queues)}, show: func(p *page) {
				var rows [][]string
				for _, q := range queues {
					rows = append(rows, []string{q.Queue, strconv.Itoa(q.Visible), strconv.Itoa(q.InFlight), strconv.Itoa(q.Delayed), deadLetterCount(p, q)})
				}
				p.table("There are none.", []string{"QUEUE", "VISIBLE", "IN FLIGHT", "DELAYED", "DEAD LETTERS"}, rows)
			}}, err
		},
	}.command()
}

// queueNames completes the name of a queue.
func queueNames(ctx context.Context, o *operator.Operator) ([]string, error) {
	queues, err := o.QueueStates(ctx)
	var names []string
	for _, q := range queues {
		names = append(names, q.Queue+"\t"+strconv.Itoa(q.DeadLetters)+" dead letters")
	}
	return names, err
}

func newDeadLetterShow() *cobra.Command {
	var secrets bool
	return verb{
		use: "show QUEUE [flags]", short: "Show a queue's dead letters, and why each is there.",
		long:    "Show a queue's dead letters, and why each is there: what it was refused for, and\nwhat else in it can't be meant, or what the log of its function says. Its sender\nknows one that was refused by the ID that it was sent as. They stay where they\nare. Values that look secret are left out, and what is long is cut off.",
		example: "  headroom dlq show signup", args: arguments("queue"), complete: queueNames,
		flags: func(f *pflag.FlagSet) {
			f.BoolVar(&secrets, "secrets", false, "Show values too that look secret.")
		},
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			q, letters, err := o.DeadLetters(ctx, args[0], secrets)
			return answer{data: map[string]any{"queue": q.Queue, "deadLetters": list(letters)}, show: func(p *page) { showDeadLetters(p, q.Queue, letters) }}, err
		},
	}.command()
}

func showDeadLetters(p *page, queue string, letters []operator.DeadLetter) {
	if len(letters) == 0 {
		p.text("Queue %s has no dead letters.", queue)
		return
	}
	for _, l := range letters {
		p.heading(l.Type + " " + l.ID)
		p.fact("sent as", l.FirstID)
		p.fact("sent", p.when(l.SentAt))
		p.fact("by", dash(l.SentBy))
		p.fact("why", p.in(red, l.Why))
		for _, bad := range l.Faults {
			if also := bad.Error(); !strings.HasSuffix(l.Why, also) {
				p.fact("also", p.in(red, also))
			}
		}
		p.fact("stale", p.in(yellow, l.Stale))
		p.fact("body", l.Body)
	}
	p.next("headroom logs "+letters[0].Thread, "headroom dlq redrive "+queue+" --reason …", "headroom dlq drop "+queue+" --id "+letters[0].ID+" --reason …")
}

func newRedrive() *cobra.Command {
	var id, reason string
	var dry bool
	var ok consent
	cmd := verb{
		use: "redrive QUEUE [flags]", short: "Send dead letters back to their queue, once that is confirmed.",
		long: "Send dead letters back to their queue, to be handled anew, once what is sent is\nconfirmed. What was decided since they were sent at first counts for more; those\n" +
			"that would change nothing for that reason stay where they are.",
		example: "  headroom dlq redrive signup --reason \"it is mended\"", args: arguments("queue"), complete: queueNames,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&id, "id", "", "Only the message with this ID.")
			addReason(f, &reason, "audit")
			f.BoolVar(&dry, "dry-run", false, "Show what would be sent, and send nothing.")
			ok.add(f)
		},
		check: func([]string) error { return missingReason(reason, "audit") },
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			r, err := o.PlanRedrive(ctx, args[0], id, reason)
			if err != nil {
				return answer{}, err
			}
			if dry {
				return answer{data: r, show: func(p *page) { showRedrive(p, r) }}, nil
			}
			if !ok.yes {
				p := newPage(ok.cmd.ErrOrStderr(), o.Now())
				showRedrive(p, r)
				fmt.Fprintln(ok.cmd.ErrOrStderr(), p.String())
			}
			if err := ok.confirm(fmt.Sprintf("dead letters of queue %s are sent again: %d", r.Queue, r.Sends()), args[0]); err != nil {
				return answer{}, err
			}
			m, err := o.Redrive(ctx, r)
			return answer{data: m, show: func(p *page) { showMoved(p, m) }}, err
		},
	}.command()
	ok.cmd = cmd
	return cmd
}

func showRedrive(p *page, r operator.Redrive) {
	var rows [][]string
	for _, l := range r.Letters {
		what := "sent again"
		if l.Stale != "" {
			what = p.in(yellow, "stays: "+l.Stale)
		}
		rows = append(rows, []string{l.Type, l.ID, l.Age, what})
	}
	p.table("", []string{"TYPE", "MESSAGE", "AGE", "WHAT BECOMES OF IT"}, rows)
	for _, w := range r.Warnings {
		p.text("%s", p.in(yellow, w))
	}
}

func showMoved(p *page, m operator.Moved) {
	p.text("%s of queue %s: %d", strings.ToUpper(m.Did[:1])+m.Did[1:], m.Queue, m.Messages)
	if m.Left > 0 {
		p.text("%d stay, which would change nothing.", m.Left)
	}
	p.next(m.Next...)
}

func newDrop() *cobra.Command {
	var id string
	var every bool
	var reason string
	var ok consent
	cmd := verb{
		use: "drop QUEUE [flags]", short: "Delete dead letters for good.", example: "  headroom dlq drop signup --id 1b2c3d4e-… --reason \"it was a test\"", args: arguments("queue"), complete: queueNames,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&id, "id", "", "Only the message with this ID.")
			f.BoolVar(&every, "all", false, "All of them.")
			addReason(f, &reason, "audit")
			ok.add(f)
		},
		check: func([]string) error {
			if (id == "") != every {
				return errors.New("--id names one, or --all means all of them: one of the two")
			}
			return missingReason(reason, "audit")
		},
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			what := "all dead letters of queue " + args[0] + " are deleted for good"
			if id != "" {
				what = "dead letter " + id + " of queue " + args[0] + " is deleted for good"
			}
			if err := ok.confirm(what, args[0]); err != nil {
				return answer{}, err
			}
			m, err := o.Drop(ctx, args[0], id, reason)
			return answer{data: m, show: func(p *page) { showMoved(p, m) }}, err
		},
	}.command()
	ok.cmd = cmd
	return cmd
}
