package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// queueURLs translates queue URLs: a caller's bears the address that it called, under any of its
// names; the part knows a queue by one URL only. Nothing else of a call is touched.
type queueURLs struct {
	account string
	send    func(ctx context.Context, original *http.Request, body []byte) (answer, error)
	known   sync.Map // queue name → the part's own URL of it
}

// request puts the part's own URL into a call's body.
func (q *queueURLs) request(ctx context.Context, call Call) ([]byte, error) {
	outer, _ := call.Params["QueueUrl"].(string)
	if outer == "" {
		return call.Body, nil
	}
	inner, err := q.inner(ctx, call.Request, QueueName(outer))
	if err != nil {
		return nil, err
	}
	params := maps.Clone(call.Params)
	params["QueueUrl"] = inner
	body, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", call.Operation, err)
	}
	return body, nil
}

// inner is the part's URL of a queue: learned from its answers, or asked for.
func (q *queueURLs) inner(ctx context.Context, original *http.Request, name string) (string, error) {
	if inner, ok := q.known.Load(name); ok {
		return inner.(string), nil
	}
	body, err := json.Marshal(map[string]string{"QueueName": name})
	if err != nil {
		return "", fmt.Errorf("ask for the URL of queue %s: %w", name, err)
	}
	ask := original.Clone(ctx)
	ask.Header.Set("X-Amz-Target", "AmazonSQS.GetQueueUrl")
	reply, err := q.send(ctx, ask, body)
	if err != nil {
		return "", fmt.Errorf("ask for the URL of queue %s: %w", name, err)
	}
	var found struct {
		URL string `json:"QueueUrl"`
	}
	if reply.status != http.StatusOK || json.Unmarshal(reply.body, &found) != nil || found.URL == "" {
		return "", &Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", Message: "The specified queue does not exist."}
	}
	q.known.Store(name, found.URL)
	return found.URL, nil
}

// response puts the caller's address into the queue URLs of an answer.
func (q *queueURLs) response(call Call, body []byte) []byte {
	switch call.Operation {
	case "CreateQueue", "GetQueueUrl", "ListQueues", "ListDeadLetterSourceQueues":
	case "DeleteQueue":
		if outer, ok := call.Params["QueueUrl"].(string); ok {
			q.known.Delete(QueueName(outer))
		}
		return body
	default:
		return body
	}
	var result map[string]any
	if json.Unmarshal(body, &result) != nil {
		return body
	}
	if inner, ok := result["QueueUrl"].(string); ok {
		q.known.Store(QueueName(inner), inner)
		result["QueueUrl"] = q.outer(call.Request, inner)
	}
	for _, field := range []string{"QueueUrls", "queueUrls"} {
		list, _ := result[field].([]any)
		for i, inner := range list {
			if s, ok := inner.(string); ok {
				list[i] = q.outer(call.Request, s)
			}
		}
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return body
	}
	return encoded
}

// outer is a queue's URL at the address that the caller called.
func (q *queueURLs) outer(req *http.Request, inner string) string {
	return "http://" + req.Host + "/" + q.account + "/" + QueueName(inner)
}

// QueueName is the last part of a queue's URL.
func QueueName(queueURL string) string {
	return queueURL[strings.LastIndex(queueURL, "/")+1:]
}
