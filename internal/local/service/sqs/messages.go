package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// State is how full a queue is.
type State struct {
	Visible, NotVisible, Delayed int
	Oldest                       time.Duration // how old its oldest message is; 0 if it has none
	DeadLetters                  string        // the queue that its dead letters go to; empty: its messages go nowhere
}

// Message is a message in a queue.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string // those of strings
	Sent       time.Time         // by the cloud's clock
}

// States tells how full all queues are, by their names.
func (q *Queues) States(ctx context.Context) (map[string]State, error) {
	var read map[string]struct {
		Visible, NotVisible, Delayed int
		OldestMs                     *float64
		DeadLetters                  string
	}
	if err := q.ask(ctx, "_queues", &read); err != nil {
		return nil, fmt.Errorf("ask for the queues' state: %w", err)
	}
	states := map[string]State{}
	for name, s := range read {
		state := State{Visible: s.Visible, NotVisible: s.NotVisible, Delayed: s.Delayed, DeadLetters: s.DeadLetters}
		if s.OldestMs != nil {
			state.Oldest = time.Duration(max(*s.OldestMs, 0) * float64(time.Millisecond))
		}
		states[name] = state
	}
	return states, nil
}

// Messages lists the messages in a queue that can be received, and those that somebody has received, without receiving
// them. SQS has no such thing.
func (q *Queues) Messages(ctx context.Context, queue string) ([]Message, error) {
	type message struct {
		MessageID         string `json:"messageId"`
		Body              string
		SentTimestamp     int64
		MessageAttributes map[string]struct{ StringValue string }
	}
	var read struct {
		Messages struct {
			Ready    []message
			Inflight []struct{ Message message }
		}
	}
	if err := q.ask(ctx, "_fauxqs/queues/"+queue, &read); err != nil {
		return nil, fmt.Errorf("look into queue %s: %w", queue, err)
	}
	all := read.Messages.Ready
	for _, flying := range read.Messages.Inflight {
		all = append(all, flying.Message)
	}
	var list []Message
	for _, m := range all {
		made := Message{ID: m.MessageID, Body: m.Body, Sent: time.UnixMilli(m.SentTimestamp), Attributes: map[string]string{}}
		for name, value := range m.MessageAttributes {
			made.Attributes[name] = value.StringValue
		}
		list = append(list, made)
	}
	return list, nil
}

// ask reads what the part tells beside SQS.
func (q *Queues) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.cfg.Part.JoinPath(path).String(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
