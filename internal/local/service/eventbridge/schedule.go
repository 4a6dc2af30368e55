package eventbridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// scheduleProperties are the properties of AWS::Scheduler::Schedule. What is not in use is refused.
type scheduleProperties struct {
	Name, GroupName, ScheduleExpression, State string
	Description                                string
	FlexibleTimeWindow                         struct{ Mode string }
	Target                                     target
}

// defaultGroup is the group of schedules that name none.
const defaultGroup = "default"

// schedule sends one message to a queue again and again.
type schedule struct {
	arn    string
	shown  scheduleProperties // as it was declared, with its name
	made   time.Time
	every  time.Duration // on the machine
	target target
	client *sqs.Client // with the credentials of the schedule's role
	cancel context.CancelFunc
}

func (b *Bridge) createScheduleGroup(r resource.Resource) (resource.Created, error) {
	var properties struct{ Name string }
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := properties.Name
	if name == "" {
		name = r.GeneratedName()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups[name] = time.Now()
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": b.arn("scheduler", "schedule-group/"+name)}}, nil
}

func (b *Bridge) createSchedule(r resource.Resource) (resource.Created, error) {
	properties := scheduleProperties{GroupName: defaultGroup}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	every, err := rate(properties.ScheduleExpression)
	if err != nil {
		return resource.Created{}, err
	}
	if mode := properties.FlexibleTimeWindow.Mode; mode != "OFF" {
		return resource.Created{}, fmt.Errorf("the local Scheduler has no flexible time windows: mode %q", mode)
	}
	if err := properties.Target.supported("sqs"); err != nil {
		return resource.Created{}, err
	}
	role := properties.Target.RoleArn
	if err := b.cfg.Assume("scheduler.amazonaws.com", role); err != nil {
		return resource.Created{}, fmt.Errorf("the execution role you provide must allow AWS EventBridge Scheduler to assume the role: %w", err)
	}
	name := properties.Name
	if name == "" {
		name = r.GeneratedName()
	}
	accessKeyID := "ASIA" + rand.Text()[:16]
	b.cfg.Keys.Issue(accessKeyID, fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", b.cfg.Account, role[strings.LastIndex(role, "/")+1:], name))

	properties.Name = name
	ctx, cancel := context.WithCancel(b.ctx)
	s := &schedule{
		arn:   b.arn("scheduler", "schedule/"+properties.GroupName+"/"+name),
		shown: properties, made: b.cfg.Clock.Now(),
		every:  b.cfg.Clock.Real(every),
		target: properties.Target, client: b.queueClient(accessKeyID), cancel: cancel,
	}
	b.deleteSchedule(name)
	b.mu.Lock()
	b.schedules[name] = s
	b.mu.Unlock()
	if properties.State != "DISABLED" {
		b.background(func() { b.runSchedule(ctx, s) })
	}
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": s.arn}}, nil
}

func (b *Bridge) deleteSchedule(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.schedules[name]; s != nil {
		s.cancel()
		delete(b.schedules, name)
	}
}

// runSchedule fires when the schedule begins and then at its rate. A firing that fails is tried
// again as often as the target says.
func (b *Bridge) runSchedule(ctx context.Context, s *schedule) {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		b.fire(ctx, s)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *Bridge) fire(ctx context.Context, s *schedule) {
	for try := 0; ; try++ {
		sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
		err := sendTo(sendCtx, s.client, s.target.Arn, s.target.Input, nil)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		if try >= s.target.retries() {
			b.cfg.Log.Error("schedule could not send", "schedule", s.arn, "error", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(b.pause(try)):
		}
	}
}

// rate reads an expression such as "rate(5 minutes)".
func rate(expression string) (time.Duration, error) {
	invalid := fmt.Errorf("the local Scheduler knows rate expressions only, not %q", expression)
	inner, ok := strings.CutPrefix(expression, "rate(")
	if !ok {
		return 0, invalid
	}
	inner, ok = strings.CutSuffix(inner, ")")
	number, unit, ok2 := strings.Cut(inner, " ")
	n, err := strconv.Atoi(number)
	if !ok || !ok2 || err != nil || n < 1 {
		return 0, invalid
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	length, ok := units[strings.TrimSuffix(unit, "s")]
	if !ok {
		return 0, invalid
	}
	return time.Duration(n) * length, nil
}
