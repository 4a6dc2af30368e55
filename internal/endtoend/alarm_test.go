package endtoend

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/pool"
)

// heedsAlarms sets two alarms of the only database host on and off again.
func (s *system) heedsAlarms(t *testing.T) {
	const sick, substitute = pool.HostID("database-standard-1"), pool.HostID("database-standard-2")
	// An instance that is being made sends nothing, which rings: that is waited out.
	s.awaitFor(t, 3*patience, "nothing ails the host", func() bool {
		h := s.host(t, sick)
		return h.State == pool.HostInService && h.Step == "" && len(h.Alarmed()) == 0 && s.ringsNothing(t, sick)
	})
	before, ended := len(heard[events.HostCordoned](s.watch)), s.returns(sick)
	notified := s.subscribe(t, "operators")
	alarms := s.alarms(sick)
	if len(alarms) < 2 {
		t.Fatalf("%s has alarms %v, want several", sick, alarms)
	}

	s.setAlarm(t, alarms[0], cloudwatch.Alarming, "Threshold Crossed: 3 datapoints")
	s.await(t, "the host is cordoned", func() bool { return len(heard[events.HostCordoned](s.watch)) > before })
	s.setAlarm(t, alarms[1], cloudwatch.Alarming, "Threshold Crossed: 1 datapoint")
	s.awaitInService(t, 2, 1)
	s.signUp(t, "newcomer", "127.30.1.1")
	s.awaitReady(t, "newcomer")
	tenant, err := s.ledger.Tenant(t.Context(), "newcomer")
	must(t, err)
	if tenant.Database.Host != substitute {
		t.Errorf("the tenant's database is on %s, while %s has an alarm on", tenant.Database.Host, sick)
	}

	mark := s.mark()
	s.setAlarm(t, alarms[0], cloudwatch.OK, "2 datapoints below")
	s.awaitLog(t, mark, "rdsalarm", "alarm heard", alarms[0], "OK")
	if back := s.returns(sick); back > ended {
		t.Error("the host is back in service while an alarm is on")
	}
	s.setAlarm(t, alarms[1], cloudwatch.OK, "2 datapoints below")
	s.awaitFor(t, 3*patience, "the host is back in service", func() bool { return s.returns(sick) > ended })

	cordons := heard[events.HostCordoned](s.watch)[before:]
	if len(cordons) != 1 || cordons[0].HostID != string(sick) || cordons[0].Alarm != alarms[0] || !strings.Contains(cordons[0].Reason, "Threshold Crossed") {
		t.Errorf("HostCordoned was published as %+v, want one that names %s and %s", cordons, sick, alarms[0])
	}
	var messages []string
	s.await(t, "somebody is notified, and told of its end", func() bool {
		messages = append(messages, notified()...)
		return len(messages) > 1
	})
	slices.SortFunc(messages, func(a, b string) int { return strings.Compare(b, a) }) // "… takes no more", "… is back"
	runbook := "docs/runbooks.md#database-" + alarms[0][strings.LastIndex(alarms[0], "-")+1:]
	wanted := []string{string(sick), alarms[0], "Threshold Crossed", runbook, "headroom host show " + string(sick), "What its tenants use now:", "acme"}
	if len(messages) != 2 || !containsAll(messages[0], wanted) {
		t.Errorf("notified of %q, want one message that says %q", messages, wanted)
	}
	if !strings.Contains(messages[1], "is back in service") {
		t.Errorf("of its end was told %q", messages[1])
	}
}

// heedsGatewaysAlarms sets an alarm of a gateway on and off again, of those that no repair would mend.
func (s *system) heedsGatewaysAlarms(t *testing.T) {
	const host = pool.HostID("share-standard-1")
	dirty := stackOf(host) + "-dirty"
	alarms := s.alarms(host)
	if !slices.Contains(alarms, dirty) || !slices.Contains(alarms, stackOf(host)+"-status") || len(alarms) != 6 {
		t.Fatalf("%s has alarms %v", host, alarms)
	}
	s.setAlarm(t, dirty, cloudwatch.Alarming, "Threshold Crossed: 4 datapoints")
	s.await(t, "the host is cordoned", func() bool {
		return slices.ContainsFunc(heard[events.HostCordoned](s.watch), func(e events.HostCordoned) bool { return e.HostID == string(host) && e.Alarm == dirty })
	})
	s.setAlarm(t, dirty, cloudwatch.OK, "4 datapoints below")
	s.await(t, "the host is back in service", func() bool { return s.returns(host) > 0 })
}

// returns counts how often a host was put back into service.
func (s *system) returns(id pool.HostID) (times int) {
	for _, e := range heard[events.HostInService](s.watch) {
		if e.HostID == string(id) && e.LeadTimeSeconds == 0 {
			times++
		}
	}
	return times
}

// ringsNothing reports whether no alarm of a host is on, heard or not.
func (s *system) ringsNothing(t *testing.T, id pool.HostID) bool {
	t.Helper()
	prefix := stackOf(id) + "-"
	out, err := sdk.NewFromConfig(s.AWS()).DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNamePrefix: &prefix, StateValue: types.StateValueAlarm})
	must(t, err)
	return len(out.MetricAlarms) == 0
}

// subscribe subscribes a new queue to the topic that operators are notified by, and returns what reads
// the notifications of functions that came since.
func (s *system) subscribe(t *testing.T, name string) (read func() []string) {
	t.Helper()
	client := sqs.NewFromConfig(s.AWS())
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	must(t, err)
	_, err = sns.NewFromConfig(s.AWS()).Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(s.output(t, "NotifyTopicArn")), Protocol: aws.String("sqs"),
		Endpoint:   aws.String("arn:aws:sqs:" + s.Region + ":" + s.Account + ":" + name),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	must(t, err)
	return func() (messages []string) {
		for {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
			must(t, err)
			if len(out.Messages) == 0 {
				return messages
			}
			for _, m := range out.Messages {
				if !strings.Contains(aws.ToString(m.Body), `"AlarmArn"`) { // an alarm of the control plane's own
					messages = append(messages, aws.ToString(m.Body))
				}
			}
		}
	}
}
