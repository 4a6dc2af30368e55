package stackstest

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
)

// World is a CloudFormation without stacks, and what carries out what it is asked for.
type World struct {
	Client Client
	// Hold has what is asked for take until it is held no more.
	Hold func(held bool)
	// Settle waits until nothing is being done to a stack: what was asked for has come to be.
	Settle func(t *testing.T, name string)
}

const (
	suiteStack = "headroom-dev-share-standard-1"
	// machineTemplate is a stack whose machine can go and come back.
	machineTemplate = `{
		"Parameters": {"HasMachine": {"Type": "String", "Default": "true"}, "Host": {"Type": "String"}},
		"Conditions": {"WithMachine": {"Fn::Equals": [{"Ref": "HasMachine"}, "true"]}},
		"Resources": {
			"Machine": {"Type": "AWS::CDK::Metadata", "Condition": "WithMachine"},
			"Host": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": {"Ref": "Host"}}}
		}
	}`
	// otherTemplate has dropped a parameter and added two.
	otherTemplate = `{
		"Parameters": {"HasMachine": {"Type": "String", "Default": "true"}, "Type": {"Type": "String"}, "Size": {"Type": "String", "Default": "80"}},
		"Resources": {"Host": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": {"Ref": "Type"}}}}
	}`
)

// made makes a stack of machineTemplate.
func (w World) made(t *testing.T) (id string) {
	t.Helper()
	out, err := w.Client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(suiteStack), ClientRequestToken: aws.String("create"), TemplateBody: aws.String(machineTemplate),
		Parameters: []types.Parameter{value("Host", "share-standard-1")}, Tags: []types.Tag{{Key: aws.String("headroom:stage"), Value: aws.String("dev")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle(t, suiteStack)
	return *out.StackId
}

func value(key, is string) types.Parameter {
	return types.Parameter{ParameterKey: &key, ParameterValue: &is}
}

func kept(key string) types.Parameter {
	return types.Parameter{ParameterKey: &key, UsePreviousValue: aws.Bool(true)}
}

func (w World) stack(t *testing.T) types.Stack {
	t.Helper()
	out, err := w.Client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(suiteStack)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Stacks[0]
}

// is wants a stack to have a status, and parameters.
func (w World) is(t *testing.T, status types.StackStatus, parameters map[string]string) {
	t.Helper()
	s, have := w.stack(t), map[string]string{}
	for _, p := range s.Parameters {
		have[*p.ParameterKey] = aws.ToString(p.ParameterValue)
	}
	if s.StackStatus != status || !maps.Equal(have, parameters) || len(s.Tags) != 1 || *s.Tags[0].Value != "dev" {
		t.Errorf("it is %s, with %v, and bears %+v; want %s, %v", s.StackStatus, have, s.Tags, status, parameters)
	}
}

// update changes a stack; an empty template keeps what it has.
func (w World) update(t *testing.T, token, template string, parameters ...types.Parameter) error {
	t.Helper()
	in := &cloudformation.UpdateStackInput{
		StackName: aws.String(suiteStack), ClientRequestToken: &token, Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}, UsePreviousTemplate: aws.Bool(true),
	}
	if template != "" {
		in.TemplateBody, in.UsePreviousTemplate = &template, nil
	}
	_, err := w.Client.UpdateStack(t.Context(), in)
	return err
}

// UpdateSuite is how CloudFormation changes stacks, and what it refuses.
func UpdateSuite(t *testing.T, newWorld func(*testing.T) World) {
	refused := func(t *testing.T, what string, err error, code, says string) {
		t.Helper()
		if awsclient.Code(err) != code || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s: %s", what, err, code, says)
		}
	}
	t.Run("a parameter is changed, and all else is kept", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		if err := w.update(t, "off", "", value("HasMachine", "false"), kept("Host")); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, suiteStack)
		w.is(t, types.StackStatusUpdateComplete, map[string]string{"HasMachine": "false", "Host": "share-standard-1"})
		refused(t, "the same again", w.update(t, "again", "", kept("HasMachine"), kept("Host")), "ValidationError", "No updates are to be performed.")
		if err := w.update(t, "default", "", kept("Host")); err != nil { // so HasMachine has its default
			t.Fatal(err)
		}
		w.Settle(t, suiteStack)
		w.is(t, types.StackStatusUpdateComplete, map[string]string{"HasMachine": "true", "Host": "share-standard-1"})
	})
	t.Run("a stack is changed once at a time", func(t *testing.T) {
		w := newWorld(t)
		id := w.made(t)
		w.Hold(true)
		if err := w.update(t, "off", "", value("HasMachine", "false"), kept("Host")); err != nil {
			w.Hold(false)
			t.Fatal(err)
		}
		again, other := w.update(t, "off", "", value("HasMachine", "false"), kept("Host")), w.update(t, "other", "", value("Host", "x"), kept("HasMachine"))
		w.Hold(false)
		refused(t, "the same meanwhile", again, "", "")
		refused(t, "another meanwhile", other, "ValidationError", "_IN_PROGRESS state and can not be updated.")
		if other != nil && !strings.Contains(other.Error(), "Stack:"+id+" is in UPDATE_") {
			t.Errorf("another meanwhile: %v", other)
		}
		w.Settle(t, suiteStack)
		err := w.update(t, "off", "", value("HasMachine", "false"), kept("Host"))
		if code := awsclient.Code(err); err != nil && code != "TokenAlreadyExistsException" {
			t.Errorf("the same afterwards: %v", err)
		}
		w.is(t, types.StackStatusUpdateComplete, map[string]string{"HasMachine": "false", "Host": "share-standard-1"})
	})
	t.Run("another template has other parameters", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		refused(t, "what it has dropped", w.update(t, "a", otherTemplate, kept("Host"), value("Type", "m6i")), "ValidationError", "Parameters: [Host] do not exist in the template")
		refused(t, "what it has added", w.update(t, "b", otherTemplate, kept("HasMachine")), "ValidationError", "Parameters: [Type] must have values")
		if err := w.update(t, "c", otherTemplate, kept("HasMachine"), value("Type", "m6i")); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, suiteStack)
		w.is(t, types.StackStatusUpdateComplete, map[string]string{"HasMachine": "true", "Type": "m6i", "Size": "80"})
	})
	t.Run("no such stack", func(t *testing.T) {
		w := newWorld(t)
		if err := w.update(t, "a", "", kept("Host")); !awsclient.IsNotFound(err) || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("%v", err)
		}
	})
}
