package lambda

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// mappingProperties are the properties of AWS::Lambda::EventSourceMapping that a queue needs.
type mappingProperties struct {
	FunctionName                   string // or its ARN
	EventSourceArn                 string
	Enabled                        *weakjson.Bool
	BatchSize                      weakjson.Int
	MaximumBatchingWindowInSeconds weakjson.Int
	FunctionResponseTypes          []string
	ScalingConfig                  struct{ MaximumConcurrency weakjson.Int }
	FilterCriteria                 map[string]any
}

// mapping is an event source mapping: it polls a queue and invokes a function with what comes.
type mapping struct {
	id         string
	host       *Host
	properties mappingProperties
	queueURL   string
	visibility time.Duration // the queue's timeout
	asRole     *sqs.Client   // Lambda polls with the function's role
	asService  *sqs.Client   // what in truth happens inside Amazon SQS
	slots      chan struct{}
	cancel     context.CancelFunc
	done       chan struct{}
}

// defaultBatchSize is Lambda's for queues.
const defaultBatchSize = 10

func (h *Host) createMapping(ctx context.Context, r resource.Resource) (resource.Created, error) {
	properties := mappingProperties{BatchSize: defaultBatchSize}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if len(properties.FilterCriteria) > 0 {
		return resource.Created{}, fmt.Errorf("the local Lambda service does not filter: FilterCriteria of %s", r.LogicalID)
	}
	f, err := h.function(properties.FunctionName)
	if err != nil {
		return resource.Created{}, err
	}
	id := r.PhysicalID
	if id == "" {
		id = uuid()
	}
	h.deleteMapping(id)
	m := &mapping{id: id, host: h, properties: properties, done: make(chan struct{})}
	if err := m.connect(ctx, f); err != nil {
		return resource.Created{}, err
	}
	limit := int(properties.ScalingConfig.MaximumConcurrency)
	if limit == 0 {
		limit = h.cfg.Concurrency
	}
	m.slots = make(chan struct{}, limit)

	pollCtx, cancel := context.WithCancel(h.ctx)
	m.cancel = cancel
	h.mu.Lock()
	h.mappings[id] = m
	h.mu.Unlock()
	if properties.Enabled == nil || bool(*properties.Enabled) {
		h.work.Go(func() { m.poll(pollCtx) })
	} else {
		close(m.done)
	}
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", h.cfg.Region, h.cfg.Account, id)
	return resource.Created{PhysicalID: id, Attributes: map[string]any{"Id": id, "EventSourceMappingArn": arn}}, nil
}

// connect finds the queue, and checks what Lambda checks before it makes a mapping.
func (m *mapping) connect(ctx context.Context, f *function) error {
	h := m.host
	arn := strings.Split(m.properties.EventSourceArn, ":")
	if len(arn) != 6 || arn[2] != "sqs" {
		return fmt.Errorf("the local Lambda service polls queues only, not %q", m.properties.EventSourceArn)
	}
	accessKeyID := newAccessKeyID()
	h.cfg.Keys.Issue(accessKeyID, h.sessionARN(f.properties.Role, f.name))
	m.asRole = h.queueClient(accessKeyID)
	m.asService = h.queueClient("lambda")

	found, err := m.asService.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &arn[5]})
	if err != nil {
		return fmt.Errorf("find the queue %s: %w", m.properties.EventSourceArn, err)
	}
	m.queueURL = *found.QueueUrl
	attributes, err := m.asRole.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &m.queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameVisibilityTimeout},
	})
	if err != nil {
		return fmt.Errorf("the function execution role does not have permissions to call GetQueueAttributes on SQS: %w", err)
	}
	seconds, err := strconv.Atoi(attributes.Attributes["VisibilityTimeout"])
	if err != nil {
		return fmt.Errorf("read the visibility timeout of %s: %w", m.queueURL, err)
	}
	m.visibility = time.Duration(seconds) * time.Second
	if m.visibility < f.timeout() {
		return fmt.Errorf("queue visibility timeout: %v is less than Function timeout: %v", m.visibility, f.timeout())
	}
	return nil
}

func (h *Host) queueClient(accessKeyID string) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint: &h.cfg.Endpoint, Region: h.cfg.Region,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", ""),
	})
}

func (h *Host) deleteMapping(id string) {
	h.mu.Lock()
	m := h.mappings[id]
	delete(h.mappings, id)
	h.mu.Unlock()
	if m != nil {
		m.cancel()
		<-m.done
	}
}

// poll receives batches and has each delivered, as many at once as the mapping may.
func (m *mapping) poll(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		select {
		case m.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		received, batch, err := m.receive(ctx)
		if len(batch) == 0 {
			<-m.slots
			if err != nil && ctx.Err() == nil {
				m.host.cfg.Log.Error("queue could not be polled", "function", m.properties.FunctionName, "error", err)
				m.host.sleep(ctx, time.Second)
			}
			continue
		}
		m.host.work.Go(func() {
			defer func() { <-m.slots }()
			m.deliver(batch, received)
		})
	}
}

// receiveLimit is the most messages that SQS hands out at once, waitSeconds the longest that it
// lets one wait for them.
const (
	receiveLimit = 10
	waitSeconds  = 20
)

// receive waits for messages, and then, if the mapping has a batching window, for more until the
// batch is full or the window over. It returns when the first ones came.
func (m *mapping) receive(ctx context.Context) (received time.Time, batch []types.Message, err error) {
	batch, err = m.receiveOnce(ctx, int(m.properties.BatchSize), waitSeconds)
	if err != nil || len(batch) == 0 {
		return time.Time{}, nil, err
	}
	received = time.Now()
	end := time.Now().Add(time.Duration(m.properties.MaximumBatchingWindowInSeconds) * time.Second)
	for len(batch) < int(m.properties.BatchSize) && time.Now().Before(end) {
		left := time.Until(end)
		if left < time.Second { // SQS waits whole seconds
			m.host.sleep(ctx, left)
		}
		more, err := m.receiveOnce(ctx, int(m.properties.BatchSize)-len(batch), int32(left.Seconds()))
		if err != nil {
			return received, batch, err
		}
		batch = append(batch, more...)
	}
	return received, batch, nil
}

// longestHidden is SQS's limit of a visibility timeout, in seconds.
const longestHidden = 12 * 60 * 60

// hide is how long messages are hidden while they are handled, in seconds by the host's clock: as long on the
// machine as the queue's timeout says, since functions do not run faster than it.
func (m *mapping) hide() int32 {
	return int32(min(m.visibility.Seconds()*max(m.host.cfg.Clock.Speed(), 1), longestHidden))
}

func (m *mapping) receiveOnce(ctx context.Context, limit int, wait int32) ([]types.Message, error) {
	got, err := m.asRole.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &m.queueURL, MaxNumberOfMessages: int32(min(limit, receiveLimit)), WaitTimeSeconds: wait, VisibilityTimeout: m.hide(),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, fmt.Errorf("receive messages of %s: %w", m.properties.EventSourceArn, err)
	}
	return got.Messages, nil
}

// sleep waits for d or the end of ctx.
func (h *Host) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// delete takes handled messages out of the queue.
func (m *mapping) delete(ctx context.Context, handled []types.Message) error {
	for messages := range slices.Chunk(handled, receiveLimit) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(messages))
		for i, message := range messages {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle}
		}
		if _, err := m.asRole.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &m.queueURL, Entries: entries}); err != nil {
			return fmt.Errorf("delete messages of %s: %w", m.properties.EventSourceArn, err)
		}
	}
	return nil
}
