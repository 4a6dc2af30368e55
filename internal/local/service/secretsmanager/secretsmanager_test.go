package secretsmanager

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
)

const lag = time.Minute

// clock shows the time that a test sets.
type clock struct{ now atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c.now.Store(&start)
	return c
}

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) pass(d time.Duration) {
	later := c.Now().Add(d)
	c.now.Store(&later)
}

func newClient(t *testing.T) (*Secrets, *sdk.Client, *clock) {
	t.Helper()
	c := newClock()
	s := New(Config{Account: "123456789012", Region: "eu-west-1", Lag: lag, Now: c.Now})
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
	router.Handle(s.Service())
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return s, sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	}), c
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

var (
	firstToken  = strings.Repeat("1", 32)
	secondToken = strings.Repeat("2", 32)
)

func created(name, token, value string) *sdk.CreateSecretInput {
	return &sdk.CreateSecretInput{
		Name: &name, ClientRequestToken: &token, SecretString: &value, KmsKeyId: aws.String("key"),
		Tags: []types.Tag{{Key: aws.String("headroom:tenant"), Value: aws.String("t")}},
	}
}

func TestCreateIsIdempotentByToken(t *testing.T) {
	_, client, _ := newClient(t)
	first, err := client.CreateSecret(t.Context(), created("a", firstToken, "value"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.CreateSecret(t.Context(), created("a", firstToken, "value"))
	if err != nil || *again.ARN != *first.ARN {
		t.Errorf("the same again: %v", err)
	}
	for name, input := range map[string]*sdk.CreateSecretInput{
		"another token": created("a", secondToken, "value"),
		"another value": created("a", firstToken, "other"),
	} {
		if _, err := client.CreateSecret(t.Context(), input); code(err) != "ResourceExistsException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewValuesTakeAMomentToShow(t *testing.T) {
	_, client, clock := newClient(t)
	get := func() (string, error) {
		output, err := client.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("a")})
		if err != nil {
			return "", err
		}
		return *output.SecretString, nil
	}
	if _, err := get(); code(err) != "ResourceNotFoundException" {
		t.Errorf("before it is made: %v", err)
	}
	made, err := client.CreateSecret(t.Context(), created("a", firstToken, "one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(); code(err) != "ResourceNotFoundException" {
		t.Errorf("just made: %v", err)
	}
	clock.pass(lag)
	if got, err := get(); got != "one" {
		t.Errorf("got %q: %v", got, err)
	}
	put := &sdk.PutSecretValueInput{SecretId: made.ARN, ClientRequestToken: &secondToken, SecretString: aws.String("two")}
	for range 2 { // the same token and value are the same request
		if _, err := client.PutSecretValue(t.Context(), put); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := get(); got != "one" {
		t.Errorf("just put, got %q", got)
	}
	clock.pass(lag)
	if got, _ := get(); got != "two" {
		t.Errorf("later, got %q", got)
	}
	put.SecretString = aws.String("three")
	if _, err := client.PutSecretValue(t.Context(), put); code(err) != "ResourceExistsException" {
		t.Errorf("the token for another value: %v", err)
	}
	previous, err := client.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: made.ARN, VersionStage: aws.String("AWSPREVIOUS")})
	if err != nil || *previous.SecretString != "one" {
		t.Errorf("the previous value: %v", err)
	}
}

func TestDeletedSecretKeepsItsNameInItsWindow(t *testing.T) {
	_, client, _ := newClient(t)
	if _, err := client.CreateSecret(t.Context(), created("a", firstToken, "one")); err != nil {
		t.Fatal(err)
	}
	id := aws.String("a")
	if _, err := client.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: id}); code(err) != "InvalidRequestException" {
		t.Errorf("get: %v", err)
	}
	if _, err := client.CreateSecret(t.Context(), created("a", secondToken, "two")); code(err) != "InvalidRequestException" {
		t.Errorf("create: %v", err)
	}
	for range 2 {
		if _, err := client.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}); err != nil {
			t.Errorf("delete by force: %v", err)
		}
	}
	if _, err := client.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: id}); code(err) != "ResourceNotFoundException" {
		t.Errorf("delete what is not there: %v", err)
	}
	if _, err := client.CreateSecret(t.Context(), created("a", secondToken, "two")); err != nil {
		t.Errorf("create again: %v", err)
	}
}

func TestDescriptionShowsTagsAndStagesButNoValue(t *testing.T) {
	_, client, _ := newClient(t)
	made, err := client.CreateSecret(t.Context(), created("headroom/dev/a", firstToken, "one"))
	if err != nil {
		t.Fatal(err)
	}
	partial := (*made.ARN)[:len(*made.ARN)-7]
	if _, err := client.TagResource(t.Context(), &sdk.TagResourceInput{SecretId: &partial, Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("y")}}}); err != nil {
		t.Fatal(err)
	}
	output, err := client.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: &partial})
	if err != nil {
		t.Fatal(err)
	}
	if len(output.Tags) != 2 || aws.ToString(output.KmsKeyId) != "key" || len(output.VersionIdsToStages[firstToken]) != 1 {
		t.Errorf("described %+v", output)
	}
}

func TestManagedSecretsAreTheirServices(t *testing.T) {
	s, client, clock := newClient(t)
	arn := s.SetManaged(Managed{Name: "rds!db-1", Owner: "rds", Value: "one"})
	if again := s.SetManaged(Managed{Name: "rds!db-1", Owner: "rds", Value: "two"}); again != arn {
		t.Error("a new value made a new secret")
	}
	clock.pass(lag)
	output, err := client.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: &arn})
	if err != nil || *output.SecretString != "two" {
		t.Errorf("get: %v", err)
	}
	if _, err := client.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: &arn, SecretString: aws.String("x")}); code(err) != "InvalidRequestException" {
		t.Errorf("put: %v", err)
	}
	s.RemoveManaged(arn)
	if _, err := client.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: &arn}); code(err) != "ResourceNotFoundException" {
		t.Errorf("after its removal: %v", err)
	}
}
