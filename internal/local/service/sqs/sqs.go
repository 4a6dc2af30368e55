// Package sqs has what the part that is the local SQS lacks: tasks that move dead letters back, the list of
// a dead-letter queue's sources, and the metrics of queues.
package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Config is what Queues need. All but Now and Log are required.
type Config struct {
	Account, Region string
	// Client calls SQS with an access key: tasks move messages with the rights of who started them.
	Client func(accessKeyID string) *sqs.Client
	Part   *url.URL // the part, which tells more about its queues than SQS does

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default slog.Default
}

// Queues is the rest of SQS. Its methods may be called at once.
type Queues struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	tasks []*task // the oldest first
}

// New returns queues without tasks.
func New(cfg Config) *Queues {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	q := &Queues{cfg: cfg}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

// Close ends the tasks that run.
func (q *Queues) Close() error {
	q.cancel()
	q.work.Wait()
	return nil
}

// Service answers what the part does not.
func (q *Queues) Service() endpoint.Service {
	return endpoint.Service{Name: "sqs", Operations: map[string]endpoint.Operation{
		"ListDeadLetterSourceQueues": q.listSources,
		"StartMessageMoveTask":       q.start,
		"ListMessageMoveTasks":       q.list,
		"CancelMessageMoveTask":      q.cancelTask,
	}}
}

// sources finds the queues whose dead letters go to a queue.
func (q *Queues) sources(ctx context.Context, client *sqs.Client, deadLetterARN string) ([]string, error) {
	var found []string
	listed, err := client.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	for _, url := range listed.QueueUrls {
		got, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy},
		})
		if err != nil {
			if errors.As(err, new(*types.QueueDoesNotExist)) {
				continue // deleted meanwhile
			}
			return nil, fmt.Errorf("look at queue %s: %w", url, err)
		}
		var policy struct {
			Target string `json:"deadLetterTargetArn"`
		}
		// A queue without a policy has none that can be read.
		if json.Unmarshal([]byte(got.Attributes[string(types.QueueAttributeNameRedrivePolicy)]), &policy) == nil && policy.Target == deadLetterARN {
			found = append(found, endpoint.QueueName(url))
		}
	}
	slices.Sort(found)
	return found, nil
}

func (q *Queues) listSources(ctx context.Context, call endpoint.Call) (any, error) {
	var input struct {
		QueueURL   string       `json:"QueueUrl"`
		MaxResults weakjson.Int `json:"MaxResults"`
		NextToken  string       `json:"NextToken"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalidValue(err.Error())
	}
	owner := q.cfg.Client(ownerKey)
	if err := exists(ctx, owner, input.QueueURL); err != nil {
		return nil, err
	}
	names, err := q.sources(ctx, owner, q.arn(endpoint.QueueName(input.QueueURL)))
	if err != nil {
		return nil, err
	}
	urls := []string{}
	for _, name := range names {
		if name > input.NextToken {
			urls = append(urls, "http://"+call.Request.Host+"/"+q.cfg.Account+"/"+name)
		}
	}
	answer := map[string]any{"queueUrls": urls}
	if most := int(input.MaxResults); most > 0 && len(urls) > most {
		answer["queueUrls"], answer["NextToken"] = urls[:most], endpoint.QueueName(urls[most-1])
	}
	return answer, nil
}

// ownerKey is of the account's owner, whose calls are not asked about.
const ownerKey = "OWNER"

func exists(ctx context.Context, client *sqs.Client, queueURL string) error {
	_, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(endpoint.QueueName(queueURL))})
	if errors.As(err, new(*types.QueueDoesNotExist)) {
		return &endpoint.Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", Message: "The specified queue does not exist."}
	}
	return err
}

func (q *Queues) arn(name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", q.cfg.Region, q.cfg.Account, name)
}

func invalidValue(message string) error {
	return &endpoint.Error{Code: "com.amazonaws.sqs#InvalidParameterValue", Message: message}
}

// Put publishes a value of a queue's metric.
type Put func(queue, metric, unit string, at time.Time, value float64)

// Sample publishes what the queues' metrics are, as often as every says, until ctx ends.
func (q *Queues) Sample(ctx context.Context, every time.Duration, put Put) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failing := false
	for {
		err := q.sample(ctx, put)
		if err != nil && ctx.Err() == nil && !failing { // once: the part may have ended
			q.cfg.Log.Error("queues could not be measured", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sampleTimeout bounds one look at the queues.
const sampleTimeout = 10 * time.Second

func (q *Queues) sample(ctx context.Context, put Put) error {
	states, err := q.States(ctx)
	if err != nil {
		return err
	}
	now := q.cfg.Now()
	for name, state := range states {
		put(name, "ApproximateNumberOfMessagesVisible", "Count", now, float64(state.Visible))
		put(name, "ApproximateNumberOfMessagesNotVisible", "Count", now, float64(state.NotVisible))
		put(name, "ApproximateNumberOfMessagesDelayed", "Count", now, float64(state.Delayed))
		put(name, "ApproximateAgeOfOldestMessage", "Seconds", now, state.Oldest.Seconds())
	}
	return nil
}

// queueOf is the queue in an ARN of this account.
func (q *Queues) queueOf(arn string) (name string, err error) {
	name, ok := strings.CutPrefix(arn, q.arn(""))
	if !ok || name == "" {
		return "", &endpoint.Error{Code: "com.amazonaws.sqs#ResourceNotFoundException", Message: "The resource that you specified for the SourceArn parameter doesn't exist."}
	}
	return name, nil
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text) // of SQS's own attributes
	return n
}
