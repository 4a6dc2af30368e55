package local

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"headroom/internal/local/iam"
	"headroom/internal/local/machine"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/lambda"
	"headroom/internal/local/service/logs"
)

// composeMonitoring makes what watches the rest.
func (c *Cloud) composeMonitoring() {
	c.Logs = logs.New(logs.Config{Account: c.Account, Region: c.Region, Now: c.Clock.Now})
	c.Alarms = cloudwatch.New(cloudwatch.Config{
		Account: c.Account, Region: c.Region, Emit: c.Events.Emit, Notify: c.notify, Clock: c.Clock, Log: c.options.Log,
	})
}

// notifyTimeout bounds one notice of an alarm.
const notifyTimeout = 10 * time.Second

// notify publishes to a topic what an alarm has come to, if the topic's policy lets CloudWatch do that; one
// without a policy of its own lets its own account's alarms.
func (c *Cloud) notify(ctx context.Context, alarmARN, topicARN, subject, message string) error {
	if c.Policies.HasResourcePolicy(topicARN) {
		err := c.Policies.ServiceAllowed("cloudwatch.amazonaws.com", "sns:Publish", topicARN, iam.Context{
			"aws:SourceArn": {alarmARN}, "aws:SourceAccount": {c.Account},
		})
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	_, err := sns.NewFromConfig(c.Config()).Publish(ctx, &sns.PublishInput{TopicArn: &topicARN, Subject: &subject, Message: &message})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topicARN, err)
	}
	return nil
}

// watch has the logs of functions kept, and everything measured and watched.
func (c *Cloud) watch(ctx context.Context) {
	c.Functions.Subscribe(func(line lambda.Line) {
		c.Logs.Put(line.Group, line.Stream, line.Time, line.Text)
		c.Alarms.Metrics.PutLogged(line.Function, line.Time, line.Text)
	})
	c.work.Go(func() { c.Alarms.Watch(ctx) })
	// SQS measures its queues once a minute.
	every := max(c.Clock.Real(time.Minute), 50*time.Millisecond)
	c.work.Go(func() {
		c.Queues.Sample(ctx, every, func(queue, metric, unit string, at time.Time, value float64) {
			c.Alarms.Metrics.Put(
				cloudwatch.Metric{Namespace: "AWS/SQS", Name: metric, Dimensions: map[string]string{"QueueName": queue}},
				cloudwatch.Datum{At: at, Value: value, Unit: unit},
			)
		})
	})
	// EC2 checks its machines once a minute, and gateways tell of themselves every five.
	c.work.Go(func() { periodically(ctx, every, c.putChecks) })
	c.work.Go(func() { periodically(ctx, 5*every, c.putVitals) })
}

// periodically does something until ctx ends.
func periodically(ctx context.Context, every time.Duration, do func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

// putChecks publishes the results of the status checks of machines.
func (c *Cloud) putChecks() {
	at := c.Clock.Now()
	c.Network.Check(func(id string, health machine.Health) {
		for metric, passed := range map[string]bool{
			"StatusCheckFailed": health.System && health.Instance, "StatusCheckFailed_System": health.System, "StatusCheckFailed_Instance": health.Instance,
		} {
			failed := map[bool]float64{false: 1}[passed]
			c.Alarms.Metrics.Put(
				cloudwatch.Metric{Namespace: "AWS/EC2", Name: metric, Dimensions: map[string]string{"InstanceId": id}},
				cloudwatch.Datum{At: at, Value: failed, Unit: "Count"},
			)
		}
	})
}

// putVitals publishes what gateways tell of themselves.
func (c *Cloud) putVitals() {
	at := c.Clock.Now()
	c.Gateways.Measure(func(id, name, metric, unit string, value float64) {
		c.Alarms.Metrics.Put(
			cloudwatch.Metric{Namespace: "AWS/StorageGateway", Name: metric, Dimensions: map[string]string{"GatewayId": id, "GatewayName": name}},
			cloudwatch.Datum{At: at, Value: value, Unit: unit},
		)
	})
}

// putDatabase publishes a metric of an RDS instance.
func (c *Cloud) putDatabase(identifier, metric, unit string, at time.Time, value float64) {
	c.Alarms.Metrics.Put(
		cloudwatch.Metric{Namespace: "AWS/RDS", Name: metric, Dimensions: map[string]string{"DBInstanceIdentifier": identifier}},
		cloudwatch.Datum{At: at, Value: value, Unit: unit},
	)
}
