package main

import (
	"context"
	"errors"
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
	return verb{
		use: "show QUEUE [flags]", short: "Show a queue's dead letters, and why each is there.",
		long:    "Show a queue's dead letters, and why each is there: what it was refused for, or\nwhat the log of its function says. They stay where they are.",
		example: "  headroom dlq show signup", args: arguments("queue"), complete: queueNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			q, letters, err := o.DeadLetters(ctx, args[0])
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
		p.fact("sent", at(l.SentAt))
		p.fact("by", l.SentBy)
		p.fact("why", p.in(red, l.Why))
		p.fact("body", l.Body)
	}
	p.next("headroom dlq redrive "+queue, "headroom dlq drop "+queue+" --id "+letters[0].ID)
}

// moving is a verb that moves dead letters.
func moving(use, short, example string, all bool, confirm func(queue, id string) string,
	move func(ctx context.Context, o *operator.Operator, queue, id string) (operator.Moved, error),
) *cobra.Command {
	var id string
	var every bool
	var ok consent
	cmd := verb{
		use: use, short: short, example: example, args: arguments("queue"), complete: queueNames,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&id, "id", "", "Only the message with this ID.")
			if all {
				f.BoolVar(&every, "all", false, "All of them.")
				ok.add(f)
			}
		},
		check: func([]string) error {
			if all && (id == "") != every {
				return errors.New("--id names one, or --all means all of them: one of the two")
			}
			return nil
		},
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			if confirm != nil {
				if err := ok.confirm(confirm(args[0], id), args[0]); err != nil {
					return answer{}, err
				}
			}
			m, err := move(ctx, o, args[0], id)
			return answer{data: m, show: func(p *page) {
				p.text("%s of queue %s: %d", strings.ToUpper(m.Did[:1])+m.Did[1:], m.Queue, m.Messages)
				p.next(m.Next...)
			}}, err
		},
	}.command()
	ok.cmd = cmd
	return cmd
}

func newRedrive() *cobra.Command {
	return moving("redrive QUEUE [flags]", "Send dead letters back to their queue, to be handled anew.", "  headroom dlq redrive signup", false, nil,
		func(ctx context.Context, o *operator.Operator, queue, id string) (operator.Moved, error) {
			return o.Redrive(ctx, queue, id)
		})
}

func newDrop() *cobra.Command {
	return moving("drop QUEUE [flags]", "Delete dead letters for good.", "  headroom dlq drop signup --id 1b2c3d4e-…", true, func(queue, id string) string {
		if id == "" {
			return "all dead letters of queue " + queue + " are deleted for good"
		}
		return "dead letter " + id + " of queue " + queue + " is deleted for good"
	}, func(ctx context.Context, o *operator.Operator, queue, id string) (operator.Moved, error) {
		return o.Drop(ctx, queue, id)
	})
}
