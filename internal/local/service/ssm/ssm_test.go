package ssm

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

func newClient(t *testing.T) (*Parameters, *sdk.Client) {
	t.Helper()
	p := New(Config{Account: "123456789012", Region: "eu-west-1"})
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
	router.Handle(p.Service())
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return p, sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestParameterOfAStackCanBeChanged(t *testing.T) {
	p, client := newClient(t)
	const name = "/headroom/dev/policy"
	r := resource.Resource{StackID: "s", StackName: "s", LogicalID: "Policy", Type: "AWS::SSM::Parameter", Properties: map[string]any{
		"Name": name, "Type": "String", "Value": `{"version":"1"}`,
	}}
	for range 2 {
		created, err := p.Create(t.Context(), r)
		if err != nil || created.PhysicalID != name {
			t.Fatalf("created %+v: %v", created, err)
		}
	}
	put := &sdk.PutParameterInput{Name: aws.String(name), Value: aws.String("changed")}
	if _, err := client.PutParameter(t.Context(), put); code(err) != "ParameterAlreadyExists" {
		t.Errorf("put without overwrite: %v", err)
	}
	put.Overwrite = aws.Bool(true)
	if output, err := client.PutParameter(t.Context(), put); err != nil || output.Version != 2 {
		t.Fatalf("put: %+v, %v", output, err)
	}
	for selector, want := range map[string]string{
		name: "changed", name + ":1": `{"version":"1"}`,
		"arn:aws:ssm:eu-west-1:123456789012:parameter" + name: "changed",
	} {
		output, err := client.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String(selector)})
		if err != nil || *output.Parameter.Value != want || *output.Parameter.ARN != "arn:aws:ssm:eu-west-1:123456789012:parameter"+name {
			t.Errorf("%s: %+v, %v", selector, output, err)
		}
	}
	history, err := client.GetParameterHistory(t.Context(), &sdk.GetParameterHistoryInput{Name: aws.String(name)})
	if err != nil || len(history.Parameters) != 2 {
		t.Errorf("history %+v: %v", history, err)
	}
	r.PhysicalID = name
	if err := p.Delete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String(name)}); code(err) != "ParameterNotFound" {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestPublicImageParameterIsThere(t *testing.T) {
	p, client := newClient(t)
	output, err := client.GetParameters(t.Context(), &sdk.GetParametersInput{Names: []string{applianceImage, "/none"}})
	if err != nil || len(output.Parameters) != 1 || len(output.InvalidParameters) != 1 {
		t.Fatalf("got %+v: %v", output, err)
	}
	if image, ok := p.Lookup(applianceImage); !ok || image != *output.Parameters[0].Value {
		t.Errorf("lookup gives %q", image)
	}
	_, err = client.PutParameter(t.Context(), &sdk.PutParameterInput{Name: aws.String("/aws/service/x"), Type: "String", Value: aws.String("y")})
	if code(err) != "AccessDeniedException" {
		t.Errorf("put a reserved name: %v", err)
	}
}
