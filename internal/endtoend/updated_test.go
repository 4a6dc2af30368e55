package endtoend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/pool"
)

// updatedStack updates a host's stack once it is created, and before its event is looked at: another threshold of an
// alarm, which is changed in place, and one alarm more, which takes until the gate is lifted. What is looked at is a
// stack that is being updated, and then one that was.
func (m *misfortunes) updatedStack(t *testing.T) {
	id := pool.Key{Kind: pool.Database, Tier: tier}.Host(m.record(t, pool.Database).Seq + 1)
	name := stackOf(id)
	created, begun := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	t.Cleanup(once)
	defer m.Events.Subscribe(eventbridge.DefaultBus, func(e eventbridge.Event) {
		if strings.Contains(string(e.Detail), `"CREATE_COMPLETE"`) && strings.Contains(string(e.Detail), ":stack/"+name+"/") {
			close(created)
		}
	})()
	looks := func(c endpoint.Call) bool {
		function, _ := functionOf(c)
		return function == "stackcomplete" && c.Operation == "DescribeStacks" && strings.Contains(string(c.Body), name)
	}
	m.Router.Before(func(c endpoint.Call) error {
		if looks(c) {
			<-begun
		}
		return nil
	})
	looked := make(chan struct{}, 1000)
	m.Router.After(func(c endpoint.Call, _ int) error {
		if looks(c) {
			select {
			case looked <- struct{}{}:
			default:
			}
		}
		return nil
	})
	wanted := m.wantAnother(t, pool.Database)
	m.within(t, name+" is created", func() bool { return closed(created) })
	m.gate.hold(name)
	m.alterAlarm(t, name, 77)
	once()
	m.within(t, name+" is looked at while it is updated", func() bool { return len(looked) > 0 })
	if status := m.status(t, name); status != types.StackStatusUpdateInProgress {
		t.Errorf("it is looked at in status %s", status)
	}
	if h := m.host(t, id); h.State != pool.HostBuilding {
		t.Errorf("%s is %s: %s", id, h.State, h.Why)
	}
	m.gate.lift()
	m.awaitServing(t, pool.Database, wanted)
	if h, status := m.host(t, id), m.status(t, name); h.State != pool.HostInService || status != types.StackStatusUpdateComplete {
		t.Errorf("%s is %s, its stack %s", id, h.State, status)
	}
	described, err := cloudwatch.NewFromConfig(m.AWS()).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name + "-cpu", name + "-extra"}})
	must(t, err)
	if len(described.MetricAlarms) != 2 || aws.ToFloat64(described.MetricAlarms[0].Threshold) != 77 {
		t.Errorf("alarms %+v", described.MetricAlarms)
	}
}

// alterAlarm updates a database host's stack to another threshold of an alarm, and to one alarm more.
func (s *system) alterAlarm(t *testing.T, name string, threshold float64) {
	t.Helper()
	s.alterStack(t, name, func(resources map[string]any) {
		alarm := resources["CpuAlarm"].(map[string]any)
		extra := map[string]any{"AlarmName": name + "-extra"}
		for property, value := range alarm["Properties"].(map[string]any) {
			if property != "AlarmName" {
				extra[property] = value
			}
		}
		alarm["Properties"].(map[string]any)["Threshold"] = threshold
		resources["ExtraAlarm"] = map[string]any{"Type": alarm["Type"], "Properties": extra}
	})
}

// alterStack begins an update of a host's stack to its template with other resources.
func (s *system) alterStack(t *testing.T, name string, change func(resources map[string]any)) {
	t.Helper()
	client := cloudformation.NewFromConfig(s.AWS())
	got, err := client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &name})
	must(t, err)
	var template map[string]any
	must(t, json.Unmarshal([]byte(aws.ToString(got.TemplateBody)), &template))
	change(template["Resources"].(map[string]any))
	body, err := json.Marshal(template)
	must(t, err)
	in := &cloudformation.UpdateStackInput{StackName: &name, TemplateURL: s.putTemplate(t, name, body), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}}
	for parameter := range template["Parameters"].(map[string]any) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(parameter), UsePreviousValue: aws.Bool(true)})
	}
	_, err = client.UpdateStack(t.Context(), in)
	must(t, err)
}

// putTemplate stores a template for a stack, which as a request's body may be too long, and returns its address.
func (s *system) putTemplate(t *testing.T, name string, body []byte) *string {
	t.Helper()
	const bucket = "templates-of-tests"
	cfg := s.AWS()
	client := s3.NewFromConfig(cfg)
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(cfg.Region)},
	})
	if owned := new(s3types.BucketAlreadyOwnedByYou); !errors.As(err, &owned) {
		must(t, err)
	}
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &name, Body: bytes.NewReader(body)})
	must(t, err)
	return aws.String(fmt.Sprintf("https://s3.%s.amazonaws.com/%s/%s", cfg.Region, bucket, name))
}

func (s *system) status(t *testing.T, stack string) types.StackStatus {
	t.Helper()
	out, err := cloudformation.NewFromConfig(s.AWS()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	must(t, err)
	return out.Stacks[0].StackStatus
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
