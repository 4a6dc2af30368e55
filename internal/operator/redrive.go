package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// redriveTime hides messages that are sent again from others who look: two requests each.
	redriveTime = 300
	// redriveMost bounds how many are sent again at once.
	redriveMost = 500
	// oldAfter is how old a message is at least that a person is told of as old.
	oldAfter = time.Hour
)

// Moved is what became of dead letters.
type Moved struct {
	Queue    string   `json:"queue"`
	Did      string   `json:"did"`                 // redriven or dropped
	Messages int      `json:"messages"`            // how many
	Left     int      `json:"left,omitempty"`      // how many were left where they are, for what is said of each by dlq show
	ID       string   `json:"messageId,omitempty"` // of the one, where it was one
	Next     []string `json:"next,omitempty"`
}

// Redrive is what is to be sent again.
type Redrive struct {
	Queue    string       `json:"queue"`
	ID       string       `json:"messageId,omitempty"` // of the one that is meant; left out: all
	Letters  []DeadLetter `json:"letters"`             // the oldest first
	Warnings []string     `json:"warnings,omitempty"`
	reason   string       // why
	from     Queue
}

// Sends is how many of them are sent again; those that are stale are not.
func (r Redrive) Sends() int {
	n := 0
	for _, l := range r.Letters {
		if l.Stale == "" {
			n++
		}
	}
	return n
}

// PlanRedrive looks at what would be sent again of a queue's dead letters: all, or the one with an ID. They stay where they
// are. What must not be sent again, because something else is so by now, is named as stale.
func (o *Operator) PlanRedrive(ctx context.Context, name, id, reason string) (Redrive, error) {
	q, letters, err := o.DeadLetters(ctx, name, false)
	r := Redrive{Queue: q.Queue, ID: id, Letters: []DeadLetter{}, reason: reason, from: q}
	switch {
	case err != nil:
		return r, err
	case q.url == "":
		return r, refused("They are events of AWS's that did not reach their queue: headroom dlq show undelivered has them; drop them once what they told of is seen to.", "what is undelivered has no queue to go back to")
	case len(letters) == 0:
		return r, refused("headroom dlq list shows where there are some; those that somebody looks at are hidden for half a minute.", "queue %s has no dead letters", q.Queue)
	}
	for _, l := range letters {
		if id != "" && l.ID != id {
			continue
		}
		if len(r.Letters) == redriveMost {
			r.Warnings = append(r.Warnings, fmt.Sprintf("there are more than %d: the rest stays for another time", redriveMost))
			break
		}
		r.Letters = append(r.Letters, l)
		if o.Now().Sub(l.SentAt) > oldAfter && events.IsRequest(l.Type) && l.Stale == "" {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s was asked for %s ago: what it asks for may not be meant any more", l.Type, l.Age))
		}
	}
	switch {
	case len(r.Letters) == 0:
		return r, missing("headroom dlq show "+q.Queue+" has those there are; one that somebody else looks at is hidden for half a minute.", "queue %s has no dead letter %s", q.Queue, id)
	case r.Sends() == 0:
		return r, refused("headroom dlq drop "+q.Queue+" deletes what is not wanted any more.", "nothing of queue %s is to be sent again: %s", q.Queue, r.Letters[0].Stale)
	}
	return r, nil
}

// Redrive sends dead letters back to their queue, those that were planned and no others. Each says when it was sent at
// first, so that what was decided since counts for more; it comes back here if it fails again. That is sent to be put on
// record before.
func (o *Operator) Redrive(ctx context.Context, r Redrive) (Moved, error) {
	moved := Moved{Queue: r.Queue, Did: "redriven", ID: r.ID, Next: []string{"headroom dlq list", "headroom dlq show " + r.Queue}}
	meant := map[string]bool{}
	for _, l := range r.Letters {
		if meant[l.ID] = l.Stale == ""; l.Stale != "" {
			moved.Left++
		}
	}
	if err := o.record(ctx, events.HandDeadLettersRedriven, strings.TrimSpace(r.Queue+" "+r.ID), r.reason); err != nil {
		return moved, err
	}
	letters, err := o.take(ctx, r.from, redriveTime)
	if err != nil {
		return moved, err
	}
	var failures []error
	for _, l := range letters {
		if !meant[l.ID] || len(failures) > 0 {
			failures = append(failures, o.putBack(ctx, r.from, l))
			failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
			continue
		}
		// Commit point: it is on its way again. Killed after this, it is here as well, and may be handled twice, which is harmless.
		if err := o.sendAgain(ctx, r.from, l); err != nil {
			failures = append(failures, err, o.putBack(ctx, r.from, l))
			continue
		}
		moved.Messages++
		if err := o.delete(ctx, r.from, l); err != nil {
			failures = append(failures, err)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return moved, fmt.Errorf("%d of %d were sent again: %w", moved.Messages, r.Sends(), err)
	}
	return moved, nil
}

func (o *Operator) sendAgain(ctx context.Context, q Queue, l DeadLetter) error {
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
	}
	attributes := map[string]types.MessageAttributeValue{events.AttributeID: text(cmp.Or(l.attrs[events.AttributeID], l.ID))}
	if !l.SentAt.IsZero() {
		attributes[events.AttributeSentAt] = text(strconv.FormatInt(l.SentAt.UnixMilli(), 10))
	}
	if _, err := o.Queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &l.body, MessageAttributes: attributes}); err != nil {
		return fmt.Errorf("redrive dead letter %s of %s: %w", l.ID, q.Queue, err)
	}
	return nil
}

// stale says why a dead letter is not to be sent again: what it asks for was overtaken by what was asked for since. Who
// takes it would pass it over for the same reason; of most messages the record says so by itself.
func (o *Operator) stale(ctx context.Context, l DeadLetter) (string, error) {
	switch l.Type {
	case events.TypeInstanceChangeRequested:
		asked, err := events.ParseInstanceChangeRequested([]byte(l.body))
		if err != nil {
			return "", nil // it is refused again, which harms nobody
		}
		t, err := o.Ledger.Tenant(ctx, pool.TenantID(asked.TenantID))
		if errors.Is(err, pool.ErrNotFound) || err == nil && t.State == pool.TenantLeft {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		change := pool.AddressChange{Add: asked.Add, Remove: asked.Remove, At: l.SentAt}
		if past := t.Superseded(change); len(past) == len(asked.Add)+len(asked.Remove) {
			return "something was asked for " + strings.Join(past, ", ") + " since, which counts: it would change nothing", nil
		}
	case events.TypeDecommissionRequested:
		asked, err := events.ParseDecommissionRequested([]byte(l.body))
		if err != nil {
			return "", nil
		}
		t, err := o.Ledger.Tenant(ctx, pool.TenantID(asked.TenantID))
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return "", err
		}
		if err == nil && t.State != pool.TenantLeft && (l.SentAt.Before(t.RequestedAt) || !l.SentAt.After(t.LeftAt)) {
			return "tenant " + asked.TenantID + " signed up again, or was brought back, since: it would change nothing", nil
		}
	}
	return "", nil
}

// Drop deletes a queue's dead letter with an ID for good; an empty ID: all of them. That is sent to be put on record before.
func (o *Operator) Drop(ctx context.Context, name, id, reason string) (Moved, error) {
	q, err := o.deadLetters(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	moved := Moved{Queue: q.Queue, Did: "dropped", ID: id, Next: []string{"headroom dlq list"}}
	if err := o.record(ctx, events.HandDeadLettersDropped, strings.TrimSpace(q.Queue+" "+id), reason); err != nil {
		return moved, err
	}
	if id != "" {
		letter, err := o.takeOne(ctx, q, id)
		if err != nil {
			return moved, err
		}
		moved.Messages = 1
		return moved, o.delete(ctx, q, letter)
	}
	letters, err := o.take(ctx, q, redriveTime)
	if err != nil {
		return moved, err
	}
	for i, letter := range letters { // one by one: what comes meanwhile stays
		if err := o.delete(ctx, q, letter); err != nil {
			for _, left := range letters[i:] {
				err = errors.Join(err, o.putBack(ctx, q, left))
			}
			return moved, err
		}
		moved.Messages++
	}
	return moved, nil
}

// takeOne takes the dead letter with an ID, and puts all others back.
func (o *Operator) takeOne(ctx context.Context, q Queue, id string) (DeadLetter, error) {
	letters, err := o.take(ctx, q, redriveTime)
	if err != nil {
		return DeadLetter{}, err
	}
	found := slices.IndexFunc(letters, func(l DeadLetter) bool { return l.ID == id })
	for i, l := range letters {
		if i != found {
			if err := o.putBack(ctx, q, l); err != nil {
				return DeadLetter{}, err
			}
		}
	}
	if found < 0 {
		return DeadLetter{}, missing("headroom dlq show "+q.Queue+" has those there are; one that somebody else looks at is hidden for half a minute.", "queue %s has no dead letter %s", q.Queue, id)
	}
	return letters[found], nil
}

func (o *Operator) delete(ctx context.Context, q Queue, l DeadLetter) error {
	if _, err := o.Queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.dead, ReceiptHandle: &l.receipt}); err != nil {
		return fmt.Errorf("delete dead letter %s of %s: %w", l.ID, q.Queue, err)
	}
	return nil
}
