package lambda

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// deliver invokes the function with a batch, deletes what it has dealt with and lets the rest come
// back. A copy, as an at-least-once queue may deliver, has no say in what becomes of the messages.
func (m *mapping) deliver(batch []types.Message, received time.Time) {
	h := m.host
	h.cfg.Disorder.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	copies := h.cfg.Disorder.Copies()
	for _, delay := range copies[1:] {
		h.work.Go(func() { m.invoke(batch, delay) })
	}
	result, ok := m.invoke(batch, copies[0])
	if !ok {
		return // the host is closing
	}
	failed := batch
	if result.FunctionError == "" {
		failed = m.failures(batch, result.Payload)
	}
	handled := slices.DeleteFunc(slices.Clone(batch), func(message types.Message) bool {
		return slices.ContainsFunc(failed, func(other types.Message) bool { return *other.MessageId == *message.MessageId })
	})
	if err := m.delete(h.ctx, handled); err != nil && h.ctx.Err() == nil {
		h.cfg.Log.Error("handled messages could not be deleted", "function", m.properties.FunctionName, "error", err)
	}
	if len(failed) > 0 && (h.cfg.RetryDelay > 0 || h.cfg.Clock.Speed() > 1) {
		h.work.Go(func() { m.bringBack(failed, received) })
	}
}

func (m *mapping) invoke(batch []types.Message, delay time.Duration) (result Result, ok bool) {
	h := m.host
	h.sleep(h.ctx, delay)
	payload, err := json.Marshal(m.event(batch))
	if err == nil {
		result, err = h.Invoke(h.ctx, m.properties.FunctionName, payload)
	}
	if err != nil {
		if h.ctx.Err() == nil {
			h.cfg.Log.Error("function could not be invoked", "function", m.properties.FunctionName, "error", err)
		}
		return Result{}, false
	}
	return result, true
}

// failures reads which messages the function reports as failed, and takes all as failed where
// Lambda does: if the answer is no JSON, or names a message that was not in the batch.
func (m *mapping) failures(batch []types.Message, payload []byte) []types.Message {
	if !slices.Contains(m.properties.FunctionResponseTypes, "ReportBatchItemFailures") {
		return nil
	}
	if len(payload) == 0 {
		return nil
	}
	var answer *struct {
		BatchItemFailures []map[string]any `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		m.host.cfg.Log.Error("function's answer is no batch response", "function", m.properties.FunctionName, "error", err)
		return batch
	}
	if answer == nil {
		return nil
	}
	var failed []types.Message
	for _, item := range answer.BatchItemFailures {
		i := slices.IndexFunc(batch, func(message types.Message) bool { return *message.MessageId == item["itemIdentifier"] })
		if i < 0 {
			m.host.cfg.Log.Error("function reports an unknown message as failed", "function", m.properties.FunctionName, "item", item["itemIdentifier"])
			return batch
		}
		failed = append(failed, batch[i])
	}
	return failed
}

// bringBack has failed messages become visible when their visibility timeout is over by the host's clock, or
// after RetryDelay: while they were handled, they were hidden for longer (see hide). Those that have become
// visible by themselves meanwhile are left alone.
func (m *mapping) bringBack(failed []types.Message, received time.Time) {
	h := m.host
	left := m.visibility - h.cfg.Clock.Elapsed(time.Since(received))
	if h.cfg.RetryDelay > 0 {
		h.sleep(h.ctx, h.cfg.RetryDelay)
		left = 0
	}
	seconds := int32(max(math.Ceil(left.Seconds()), 0))
	for messages := range slices.Chunk(failed, receiveLimit) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(messages))
		for i, message := range messages {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: seconds,
			}
		}
		_, err := m.asService.ChangeMessageVisibilityBatch(h.ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &m.queueURL, Entries: entries})
		if err != nil && h.ctx.Err() == nil {
			h.cfg.Log.Error("messages could not be brought back early", "function", m.properties.FunctionName, "error", err)
		}
	}
}

// event is a batch as a function receives it.
func (m *mapping) event(batch []types.Message) lambdaevents.SQSEvent {
	var event lambdaevents.SQSEvent
	for _, message := range batch {
		record := lambdaevents.SQSMessage{
			MessageId:              *message.MessageId,
			ReceiptHandle:          *message.ReceiptHandle,
			Body:                   aws.ToString(message.Body),
			Md5OfBody:              aws.ToString(message.MD5OfBody),
			Md5OfMessageAttributes: aws.ToString(message.MD5OfMessageAttributes),
			Attributes:             message.Attributes,
			MessageAttributes:      map[string]lambdaevents.SQSMessageAttribute{},
			EventSourceARN:         m.properties.EventSourceArn,
			EventSource:            "aws:sqs",
			AWSRegion:              m.host.cfg.Region,
		}
		for name, value := range message.MessageAttributes {
			record.MessageAttributes[name] = lambdaevents.SQSMessageAttribute{
				StringValue: value.StringValue, BinaryValue: value.BinaryValue, DataType: aws.ToString(value.DataType),
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		event.Records = append(event.Records, record)
	}
	return event
}
