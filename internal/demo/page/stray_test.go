package page

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Who takes the page for the cloud is told where that is, in each of the protocols in which errors are shown.
func TestWhatIsForTheCloudIsToldWhereThatIs(t *testing.T) {
	r := newRig(t)
	mistaken := aws.Config{Region: "eu-west-1", BaseEndpoint: &r.server.URL, Credentials: credentials.NewStaticCredentialsProvider("OWNER", "secret", "")}
	want := r.server.URL + " is the demo's page for browsers; its cloud is at " + *r.page.AWS.BaseEndpoint
	for name, ask := range map[string]func(context.Context) error{
		"in XML": func(ctx context.Context) error {
			_, err := sts.NewFromConfig(mistaken).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
		"in JSON": func(ctx context.Context) error {
			_, err := sqs.NewFromConfig(mistaken).ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		},
	} {
		var said smithy.APIError
		if err := ask(t.Context()); !errors.As(err, &said) || said.ErrorCode() != strayCode || said.ErrorMessage() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
