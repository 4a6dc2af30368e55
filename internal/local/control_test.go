package local_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local"
	"headroom/internal/local/service/lambda"
	"headroom/internal/local/weakjson"
)

// assembly is what `make synth` writes.
const assembly = "../../cdk.out"

// TestControlStackIsWired deploys the stack that goes to AWS with a function in all places that
// only says what it received.
func TestControlStackIsWired(t *testing.T) {
	if _, err := os.Stat(assembly + "/manifest.json"); err != nil {
		t.Fatal("there is no assembly: run make synth")
	}
	o := options(t)
	o.Speed = 60
	o.LeadTimes = local.LeadTimes{Boot: 10 * time.Millisecond}
	cloud := start(t, o)
	heard := hear(cloud)
	outputs, err := cloud.Deploy(t.Context(), assembly, nil)
	if err != nil {
		t.Fatal(err)
	}

	send(t, cloud, outputs["SignupQueueUrl"], "a signup")
	eventually(t, "the signup arrives", heard.by("headroom-dev-signup", "a signup"))
	eventually(t, "the schedule runs", heard.by("headroom-dev-poolcheck", `\"reason\":\"schedule\"`))

	environment := environmentOf(t, cloud, "headroom-dev-poolcheck")
	const database, share, bare = "headroom-dev-database-standard-1", "headroom-dev-share-standard-1", "headroom-dev-share-standard-2"
	for _, order := range []struct{ stack, url, parameters, zones string }{
		{database, "DATABASE_TEMPLATE_URL", "DATABASE_STACK_PARAMETERS", "DATABASE_ZONES"},
		{share, "SHARE_TEMPLATE_URL", "SHARE_STACK_PARAMETERS", "SHARE_ZONES"},
		{bare, "SHARE_TEMPLATE_URL", "SHARE_STACK_PARAMETERS", "SHARE_ZONES"},
	} {
		host := strings.TrimPrefix(order.stack, "headroom-dev-")
		var zones []struct{ Zone, Subnet string }
		if err := json.Unmarshal([]byte(environment[order.zones]), &zones); err != nil || len(zones) != 2 {
			t.Fatalf("zones %v, %v", zones, err)
		}
		parameters := map[string]string{
			"HostId": host, "Tier": "standard", "OrderMark": "0123456789abcdef", "AvailabilityZone": zones[1].Zone,
		}
		if strings.HasPrefix(host, "share") {
			parameters["Slots"], parameters["ImageId"], parameters["SubnetId"] = "2", "ami-0f11e5a7e4a7e0001", zones[1].Subnet
		}
		if order.stack == bare { // as while its machine is replaced
			parameters["HasMachine"] = "false"
		}
		var fixed map[string]string
		if err := json.Unmarshal([]byte(environment[order.parameters]), &fixed); err != nil {
			t.Fatal(err)
		}
		maps.Copy(parameters, fixed)
		createStack(t, cloud, order.stack, environment[order.url], environment["STACK_ROLE_ARN"], parameters)
	}
	for _, stack := range []string{database, share, bare} {
		eventually(t, "the stack's status arrives", func() bool {
			return heard.all("headroom-dev-stackcomplete", "stack/"+stack+"/", "_COMPLETE")
		})
		if !heard.all("headroom-dev-stackcomplete", "stack/"+stack+"/", `\"CREATE_COMPLETE\"`) {
			t.Errorf("stack %s could not be created: %s", stack, reasons(t, cloud, stack))
		}
	}

	for stack, machines := range map[string]int{share: 1, bare: 0} {
		if made, said := madeOf(t, cloud, stack); made["AWS::EC2::Instance"] != machines || (said["MachineId"] != "") != (machines == 1) ||
			made["AWS::EC2::NetworkInterface"] != 1 || said["ApplianceAddress"] == "" || said["CacheVolumeId"] == "" {
			t.Errorf("%s is made of %v, and says %v", stack, made, said)
		}
	}

	alarms := cloud.Alarms.Names("headroom-dev-database-standard-1-")
	if len(alarms) == 0 {
		t.Fatal("the database host has no alarms")
	}
	if err := cloud.Alarms.SetState(t.Context(), alarms[0], "ALARM", "for the test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the alarm arrives", heard.by("headroom-dev-rdsalarm", alarms[0]))

	alarms = cloud.Alarms.Names("headroom-dev-share-standard-1-") // its gateway's are made once there is one
	if len(alarms) != 1 {
		t.Fatalf("the share host has alarms %v", alarms)
	}
	if err := cloud.Alarms.SetState(t.Context(), alarms[0], "ALARM", "for the test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gateway's alarm arrives", heard.by("headroom-dev-gatewayalarm", alarms[0]))
}

// hearsay is what functions have said that they received.
type hearsay struct {
	mu    sync.Mutex
	lines []lambda.Line
}

func hear(cloud *local.Cloud) *hearsay {
	h := &hearsay{}
	cloud.Functions.Subscribe(func(line lambda.Line) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lines = append(h.lines, line)
	})
	return h
}

func (h *hearsay) by(function, text string) func() bool {
	return func() bool { return h.all(function, text) }
}

// all reports whether a line of the function holds all of the texts.
func (h *hearsay) all(function string, texts ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
next:
	for _, line := range h.lines {
		if line.Function != function {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(strings.ReplaceAll(line.Text, `\\\"`, `\"`), text) {
				continue next
			}
		}
		return true
	}
	return false
}

// environmentOf is a function's environment as the control stack made it.
func environmentOf(t *testing.T, cloud *local.Cloud, function string) map[string]string {
	t.Helper()
	for _, resource := range cloud.Stacks.Resources("Headroom-dev") {
		if resource.Type != "AWS::Lambda::Function" || resource.PhysicalID != function {
			continue
		}
		var properties struct {
			Environment struct{ Variables map[string]string }
		}
		if err := weakjson.Decode(resource.Properties, &properties); err != nil {
			t.Fatal(err)
		}
		return properties.Environment.Variables
	}
	t.Fatalf("there is no function %s", function)
	return nil
}

func createStack(t *testing.T, cloud *local.Cloud, name, url, role string, parameters map[string]string) {
	t.Helper()
	input := &cloudformation.CreateStackInput{
		StackName: &name, TemplateURL: &url, RoleARN: &role, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Tags: []types.Tag{
			{Key: aws.String("headroom:stage"), Value: aws.String("dev")},
			{Key: aws.String("headroom:host"), Value: aws.String(parameters["HostId"])},
			{Key: aws.String("headroom:tier"), Value: aws.String("standard")},
		},
	}
	for key, value := range parameters {
		input.Parameters = append(input.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	if _, err := cloudformation.NewFromConfig(cloud.Config()).CreateStack(t.Context(), input); err != nil {
		t.Fatal(err)
	}
}

// madeOf counts a stack's resources by type, and reads its outputs.
func madeOf(t *testing.T, cloud *local.Cloud, stack string) (made map[string]int, said map[string]string) {
	t.Helper()
	made, said = map[string]int{}, map[string]string{}
	for _, r := range cloud.Stacks.Resources(stack) {
		made[r.Type]++
	}
	out, err := cloudformation.NewFromConfig(cloud.Config()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Stacks[0].Outputs {
		said[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return made, said
}

// reasons say why a stack's resources failed.
func reasons(t *testing.T, cloud *local.Cloud, stack string) string {
	t.Helper()
	got, err := cloudformation.NewFromConfig(cloud.Config()).DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, event := range got.StackEvents {
		if reason := aws.ToString(event.ResourceStatusReason); reason != "" {
			all = append(all, aws.ToString(event.LogicalResourceId)+": "+reason)
		}
	}
	return strings.Join(all, "; ")
}
