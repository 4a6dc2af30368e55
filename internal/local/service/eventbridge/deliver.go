package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// sendTimeout bounds one try of a delivery.
const sendTimeout = 10 * time.Second

// permanent marks a failure that EventBridge does not try again: a missing permission or target.
type permanent struct {
	code string // as dead-letter queues show it
	error
}

func (p permanent) Unwrap() error { return p.error }

// The codes of dead letters that EventBridge documents and that occur here.
const (
	codeNoPermissions = "NO_PERMISSIONS"
	codeNoResource    = "NO_RESOURCE"
	codeOther         = "SDK_CLIENT_ERROR"
)

// deliver sends an event to a target of a rule, retries as often as the target says, and else puts
// the event into the target's dead-letter queue.
func (b *Bridge) deliver(r *rule, t target, event []byte, delay time.Duration) {
	b.sleep(delay)
	attempts := 0
	var err error
	for b.ctx.Err() == nil {
		if err = b.send(r, t, event); err == nil {
			return
		}
		var final permanent
		if errors.As(err, &final) || attempts >= t.retries() {
			break
		}
		b.sleep(b.pause(attempts))
		attempts++
	}
	if b.ctx.Err() != nil {
		return
	}
	b.cfg.Log.Error("event could not be delivered", "rule", r.arn, "target", t.Arn, "error", err)
	if t.DeadLetterConfig.Arn == "" {
		return
	}
	if err := b.bury(r, t, event, attempts, err); err != nil {
		b.cfg.Log.Error("undelivered event is lost", "rule", r.arn, "error", err)
	}
}

func (b *Bridge) send(r *rule, t target, event []byte) error {
	ctx, cancel := context.WithTimeout(b.ctx, sendTimeout)
	defer cancel()
	switch serviceOf(t.Arn) {
	case "sns":
		if err := b.cfg.Permit("sns:Publish", t.Arn, r.arn); err != nil {
			return permanent{codeNoPermissions, err}
		}
		_, err := b.topics.Publish(ctx, &sns.PublishInput{TopicArn: &t.Arn, Message: aws.String(t.body(event))})
		return classify(err)
	default:
		if err := b.cfg.Permit("sqs:SendMessage", t.Arn, r.arn); err != nil {
			return permanent{codeNoPermissions, err}
		}
		return sendTo(ctx, b.queues, t.Arn, t.body(event), nil)
	}
}

// bury puts an event into a dead-letter queue, with what EventBridge says about it there.
func (b *Bridge) bury(r *rule, t target, event []byte, attempts int, cause error) error {
	if err := b.cfg.Permit("sqs:SendMessage", t.DeadLetterConfig.Arn, r.arn); err != nil {
		return err
	}
	code := codeOther
	var final permanent
	if errors.As(cause, &final) {
		code = final.code
	}
	ctx, cancel := context.WithTimeout(b.ctx, sendTimeout)
	defer cancel()
	return sendTo(ctx, b.queues, t.DeadLetterConfig.Arn, string(event), map[string]string{
		"RULE_ARN": r.arn, "TARGET_ARN": t.Arn, "RETRY_ATTEMPTS": strconv.Itoa(attempts),
		"ERROR_CODE": code, "ERROR_MESSAGE": cause.Error(),
	})
}

// sendTo sends a message to a queue that is known by its ARN.
func sendTo(ctx context.Context, client *sqs.Client, queueARN, body string, attributes map[string]string) error {
	account, name, ok := accountAndName(queueARN)
	if !ok {
		return permanent{codeNoResource, fmt.Errorf("%q is no queue's ARN", queueARN)}
	}
	values := map[string]types.MessageAttributeValue{}
	for key, value := range attributes {
		values[key] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	base := aws.ToString(client.Options().BaseEndpoint)
	_, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(base + "/" + account + "/" + name), MessageBody: &body, MessageAttributes: values,
	})
	if err != nil {
		return classify(fmt.Errorf("send to %s: %w", queueARN, err))
	}
	return nil
}

// classify tells failures that a retry could mend from those that it could not.
func classify(err error) error {
	var failure smithy.APIError
	if !errors.As(err, &failure) {
		return err
	}
	for _, known := range []struct{ part, code string }{
		{"AccessDenied", codeNoPermissions},
		{"AuthorizationError", codeNoPermissions},
		{"NotFound", codeNoResource},
		{"NonExistent", codeNoResource},
		{"DoesNotExist", codeNoResource},
	} {
		if strings.Contains(failure.ErrorCode(), known.part) {
			return permanent{known.code, err}
		}
	}
	return err
}

func accountAndName(queueARN string) (account, name string, ok bool) {
	parts := strings.Split(queueARN, ":")
	if len(parts) != 6 {
		return "", "", false
	}
	return parts[4], parts[5], true
}

func (b *Bridge) queueClient(accessKeyID string) *sqs.Client {
	return sqs.New(sqs.Options{BaseEndpoint: &b.cfg.Endpoint, Region: b.cfg.Region, Credentials: static(accessKeyID)})
}

func static(accessKeyID string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(accessKeyID, "secret", "")
}

// The pause before the first retry, and the longest: EventBridge backs off from one to the other over a day.
const (
	firstPause   = time.Second
	longestPause = 10 * time.Minute
)

// pause is how long to wait before the next retry when so many were made.
func (b *Bridge) pause(retries int) time.Duration {
	if b.cfg.RetryDelay > 0 {
		return b.cfg.RetryDelay
	}
	pause := firstPause
	for range retries {
		pause = min(2*pause, longestPause)
	}
	return b.cfg.Clock.Real(pause)
}

// sleep waits for d or the end of the bridge.
func (b *Bridge) sleep(d time.Duration) {
	select {
	case <-b.ctx.Done():
	case <-time.After(d):
	}
}
