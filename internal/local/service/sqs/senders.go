package sqs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"headroom/internal/local/endpoint"
)

// sendersMost bounds the messages whose senders are remembered; the oldest are forgotten first.
const sendersMost = 100_000

// Senders remembers who sent each message: the part that is the local SQS tells of every message that the account did, and
// functions take what it tells for who asks them for something.
type Senders struct {
	userID func(principal string) string

	// sending is held by who sends until the sender is noted: a message may be received before its sender has the answer.
	sending sync.RWMutex

	mu    sync.Mutex
	of    map[string]string // message → user
	order []string          // of messages, as they came
}

// NewSenders makes one; userID tells the ID of a principal, which is empty for the account's owner.
func NewSenders(userID func(principal string) string) *Senders {
	return &Senders{userID: userID, of: map[string]string{}}
}

// Layer takes notice of what is sent, and puts the sender into what is received.
func (s *Senders) Layer(ctx context.Context, call endpoint.Call, next func(context.Context, endpoint.Call) endpoint.Reply) (endpoint.Reply, error) {
	sends := call.Operation == "SendMessage" || call.Operation == "SendMessageBatch"
	if sends {
		s.sending.RLock()
		defer s.sending.RUnlock()
	}
	reply := next(ctx, call)
	if reply.Status != http.StatusOK {
		return reply, nil
	}
	switch {
	case sends:
		var sent struct {
			MessageID  string `json:"MessageId"`
			Successful []struct {
				MessageID string `json:"MessageId"`
			}
		}
		if json.Unmarshal(reply.Body, &sent) != nil {
			return reply, nil
		}
		user := s.userID(call.Principal)
		s.note(sent.MessageID, user)
		for _, one := range sent.Successful {
			s.note(one.MessageID, user)
		}
	case call.Operation == "ReceiveMessage":
		s.sending.Lock() // nobody is in between
		reply.Body = s.name(reply.Body)
		s.sending.Unlock()
	}
	return reply, nil
}

func (s *Senders) note(message, user string) {
	if message == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[message] = user
	if s.order = append(s.order, message); len(s.order) > sendersMost {
		delete(s.of, s.order[0])
		s.order = s.order[1:]
	}
}

// name puts the senders into an answer of ReceiveMessage, where they were asked for.
func (s *Senders) name(body []byte) []byte {
	var received map[string]any
	if json.Unmarshal(body, &received) != nil {
		return body
	}
	messages, _ := received["Messages"].([]any)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		message, _ := m.(map[string]any)
		attributes, _ := message["Attributes"].(map[string]any)
		id, _ := message["MessageId"].(string)
		if _, asked := attributes["SenderId"]; asked && s.of[id] != "" {
			attributes["SenderId"] = s.of[id]
		}
	}
	if len(messages) == 0 {
		return body
	}
	named, err := json.Marshal(received)
	if err != nil {
		return body
	}
	return named
}
