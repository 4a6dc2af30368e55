package stackstest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
)

// Client is what stands for CloudFormation, without stacks.
type Client interface {
	CreateStack(context.Context, *cloudformation.CreateStackInput, ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error)
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	UpdateStack(context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error)
	GetTemplateSummary(context.Context, *cloudformation.GetTemplateSummaryInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateSummaryOutput, error)
	CreateChangeSet(context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	ExecuteChangeSet(context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
}

// order asks for a stack. The template is one that everybody who stands for CloudFormation can make.
func order(t *testing.T, client Client, name, token string, tags map[string]string) (string, error) {
	t.Helper()
	in := &cloudformation.CreateStackInput{
		StackName: &name, ClientRequestToken: &token, TemplateBody: aws.String(`{"Resources":{"Metadata":{"Type":"AWS::CDK::Metadata"}}}`),
	}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	out, err := client.CreateStack(t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.StackId, nil
}

// Suite is what CloudFormation does about stacks, and what it refuses.
func Suite(t *testing.T, newClient func(*testing.T) Client) {
	const name, token = "headroom-dev-share-standard-1", "share-standard-1-k3v9x2m7qa"
	tag := func(key, value string) map[string]string { return map[string]string{key: value} }
	refused := []struct {
		name, stack, token string
		tags               map[string]string
		says               string // "" when the stack is made
	}{
		{"a stack", name, token, tag("headroom:host", "share-standard-1"), ""},
		{"the longest name and token", strings.Repeat("n", 128), strings.Repeat("t", 128), nil, ""},
		{"a longer name", strings.Repeat("n", 129), token, nil, "at 'stackName' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"a name with an underscore", "headroom_dev", token, nil, "Value 'headroom_dev' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"},
		{"a name that begins with a digit", "1st", token, nil, "Value '1st' at 'stackName'"},
		{"a longer token", name, strings.Repeat("t", 129), nil, "at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"a token with a slash", name, "a/b", nil, "Value 'a/b' at 'clientRequestToken'"},
		{"a tag without a value", name, token, tag("headroom:host", ""), "Member must have length greater than or equal to 1"},
		{"a long tag", name, token, tag("k", strings.Repeat("v", 257)), "Member must have length less than or equal to 256"},
	}
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t)
			_, err := order(t, client, test.stack, test.token, test.tags)
			_, there := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &test.stack})
			if test.says == "" {
				if err != nil || there != nil {
					t.Errorf("made: %v; described: %v", err, there)
				}
				return
			}
			if awsclient.Code(err) != "ValidationError" || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %.400v, want %s", err, test.says)
			}
			if there == nil {
				t.Error("the stack is there")
			}
		})
	}
	t.Run("the same order again, and another of the name", func(t *testing.T) {
		client := newClient(t)
		first, err := order(t, client, name, token, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := order(t, client, name, token, nil); err != nil || again != first {
			t.Errorf("again: %s, %v; first: %s", again, err, first)
		}
		if _, err := order(t, client, name, "other", nil); awsclient.Code(err) != "AlreadyExistsException" {
			t.Errorf("another: %v", err)
		}
	})
	t.Run("no such stack", func(t *testing.T) {
		client := newClient(t)
		const nobody = "nobody"
		if _, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(nobody)}); !awsclient.IsNotFound(err) || !strings.Contains(err.Error(), "Stack with id nobody does not exist") {
			t.Errorf("described: %v", err)
		}
		if _, err := client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String(nobody)}); !awsclient.IsNotFound(err) || !strings.Contains(err.Error(), "Stack [nobody] does not exist") {
			t.Errorf("its events: %v", err)
		}
		if _, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String(nobody)}); err != nil {
			t.Errorf("deleted: %v", err)
		}
	})
}
