package cloudformation_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
)

func TestATemplateWithUnknownTypesIsRefused(t *testing.T) {
	c := newCloud(t)
	const template = `{"Resources":{"A":{"Type":"Test::Local::Thing"},"B":{"Type":"AWS::Sqs::Queue"},"C":{"Type":"AWS::S3::Bukkit"},"D":{"Type":"AWS::Sqs::Queue"}}}`
	_, err := c.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("s"), TemplateBody: aws.String(template)})
	var refused smithy.APIError
	const want = "Template format error: Unrecognized resource types: [AWS::S3::Bukkit, AWS::Sqs::Queue]"
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationError" || refused.ErrorMessage() != want {
		t.Errorf("got %v", err)
	}
	if made := c.things.did(); made != "" {
		t.Errorf("made %s", made)
	}
}
