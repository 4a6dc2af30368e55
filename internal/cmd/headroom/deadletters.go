package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"headroom/internal/operator"
)

// newDeadLetters is `headroom dlq`.
func newDeadLetters() *cobra.Command {
	return group("dlq", "Dead letters: messages that could not be handled.", newDeadLetterList(), newDeadLetterShow())
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
