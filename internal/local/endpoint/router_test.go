package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	storagegatewaytypes "github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/endpoint"
)

// answering registers a fake of one operation that answers the same each time, and returns the last
// call it saw.
func answering(router *endpoint.Router, service, operation string, result any, err error) *endpoint.Call {
	var seen endpoint.Call
	router.Handle(endpoint.Service{Name: service, Operations: map[string]endpoint.Operation{
		operation: func(_ context.Context, call endpoint.Call) (any, error) {
			seen = call
			return result, err
		},
	}})
	return &seen
}

func TestJSONCallsAreDecodedAndAnswered(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	at := time.Date(2026, 11, 23, 20, 30, 0, 0, time.UTC)
	seen := answering(router, "secretsmanager", "DescribeSecret", struct {
		ARN         string `json:"ARN"`
		CreatedDate time.Time
		Missing     *string
	}{ARN: "arn:a", CreatedDate: at}, nil)
	got, err := secretsmanager.NewFromConfig(config(url, "owner")).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.ARN) != "arn:a" || !aws.ToTime(got.CreatedDate).Equal(at) {
		t.Errorf("answer %v", got)
	}
	if want := map[string]any{"SecretId": "s"}; !cmp.Equal(seen.Params, want) {
		t.Errorf("params %v, want %v", seen.Params, want)
	}
}

// A large answer says how long it is: where a connection ends behind it, it is whole.
func TestALargeAnswerSaysHowLongItIs(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	answering(router, "secretsmanager", "DescribeSecret", struct{ Description string }{strings.Repeat("a long story ", 10_000)}, nil)
	cfg := config(url, "owner")
	var length int64
	cfg.HTTPClient = doer(func(req *http.Request) (*http.Response, error) {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			length = resp.ContentLength
		}
		return resp, err
	})
	if _, err := secretsmanager.NewFromConfig(cfg).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	if length < 130_000 {
		t.Errorf("it says %d", length)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(req *http.Request) (*http.Response, error) { return d(req) }

func TestErrorsCarryTheirFields(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	answering(router, "storagegateway", "ListLocalDisks", nil, &endpoint.Error{
		Code: "InvalidGatewayRequestException", Message: "The specified gateway is not connected.",
		Fields: map[string]any{"error": map[string]any{"errorCode": "GatewayNotConnected"}},
	})
	_, err := storagegateway.NewFromConfig(config(url, "owner")).ListLocalDisks(t.Context(), &storagegateway.ListLocalDisksInput{GatewayARN: aws.String("arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-12345678")})
	var invalid *storagegatewaytypes.InvalidGatewayRequestException
	if !errors.As(err, &invalid) || invalid.Error_ == nil || invalid.Error_.ErrorCode != storagegatewaytypes.ErrorCodeGatewayNotConnected {
		t.Errorf("error %v", err)
	}
}

func TestQueryCallsAreFoldedAndAnswered(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	seen := answering(router, "cloudformation", "CreateStack", map[string]any{"StackId": "arn:stack"}, nil)
	client := cloudformation.NewFromConfig(config(url, "owner"))
	got, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("s"), TemplateURL: aws.String("https://example.org/a?b=c&d"),
		Parameters: []cloudformationtypes.Parameter{{ParameterKey: aws.String("A"), ParameterValue: aws.String("1")}},
		Tags:       []cloudformationtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}, {Key: aws.String("l"), Value: aws.String("w")}},
	})
	if err != nil || aws.ToString(got.StackId) != "arn:stack" {
		t.Fatalf("answer %v: %v", got, err)
	}
	want := map[string]any{
		"StackName": "s", "TemplateURL": "https://example.org/a?b=c&d",
		"Parameters": []any{map[string]any{"ParameterKey": "A", "ParameterValue": "1"}},
		"Tags":       []any{map[string]any{"Key": "k", "Value": "v"}, map[string]any{"Key": "l", "Value": "w"}},
	}
	if diff := cmp.Diff(want, seen.Params); diff != "" {
		t.Errorf("params:\n%s", diff)
	}
	answering(router, "cloudformation", "CreateStack", nil, &endpoint.Error{Code: "AlreadyExistsException", Message: "Stack [s] already exists"})
	_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("s")})
	var exists *cloudformationtypes.AlreadyExistsException
	if !errors.As(err, &exists) {
		t.Errorf("error %v", err)
	}
}

func TestEC2CallsAreFoldedAndAnswered(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	seen := answering(router, "ec2", "DescribeSecurityGroups", map[string]any{"securityGroupInfo": []any{
		map[string]any{"groupId": "sg-1", "ipPermissions": []any{
			map[string]any{"ipProtocol": "tcp", "fromPort": 2049, "ipRanges": []any{map[string]any{"cidrIp": "10.0.0.1/32"}}},
		}},
	}}, nil)
	client := ec2.NewFromConfig(config(url, "owner"))
	got, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-1"}})
	if err != nil || len(got.SecurityGroups) != 1 || aws.ToString(got.SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp) != "10.0.0.1/32" {
		t.Fatalf("answer %v: %v", got, err)
	}
	if want := map[string]any{"GroupId": []any{"sg-1"}}; !cmp.Equal(seen.Params, want) {
		t.Errorf("params %v, want %v", seen.Params, want)
	}
	answering(router, "ec2", "AuthorizeSecurityGroupIngress", nil, &endpoint.Error{Code: "InvalidPermission.Duplicate", Message: "the specified rule already exists"})
	_, err = client.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: aws.String("sg-1"), IpPermissions: []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("10.0.0.1/32")}}}},
	})
	if errorCode(err) != "InvalidPermission.Duplicate" {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNotInUseIsNotImplemented(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	answering(router, "secretsmanager", "DescribeSecret", nil, nil)
	client := secretsmanager.NewFromConfig(config(url, "owner"))
	if _, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("s")}); errorCode(err) != "NotImplemented" {
		t.Errorf("unknown operation: %v", err)
	}
	if _, err := ec2.NewFromConfig(config(url, "owner")).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); errorCode(err) != "NotImplemented" {
		t.Errorf("unknown service: %v", err)
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned request: status %d", resp.StatusCode)
	}
}

// refusing lets only one role through.
type refusing string

func (r refusing) Authorize(_ context.Context, call endpoint.Call) error {
	if call.Principal != string(r) {
		return &endpoint.Error{Code: "AccessDeniedException", Message: "no"}
	}
	return nil
}

func TestOnlyIssuedKeysAreAskedAbout(t *testing.T) {
	var keys endpoint.Keys
	keys.Issue("good", "arn:good")
	keys.Issue("bad", "arn:bad")
	router, url := newRouter(t, endpoint.Config{Principals: &keys, Authorizer: refusing("arn:good")})
	answering(router, "secretsmanager", "DescribeSecret", map[string]any{}, nil)
	var statuses []int
	router.After(func(_ endpoint.Call, status int) error {
		statuses = append(statuses, status)
		return nil
	})
	for key, want := range map[string]string{"good": "", "bad": "AccessDeniedException", "owner": ""} {
		_, err := secretsmanager.NewFromConfig(config(url, key)).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")})
		if errorCode(err) != want {
			t.Errorf("key %s: error %v, want code %q", key, err, want)
		}
	}
	if len(statuses) != 3 {
		t.Errorf("hooks saw %v", statuses)
	}
}

func TestAHookLosesTheCallOrItsAnswer(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			router, url := newRouter(t, endpoint.Config{})
			var applied atomic.Bool
			router.Handle(endpoint.Service{Name: "secretsmanager", Operations: map[string]endpoint.Operation{
				"DescribeSecret": func(context.Context, endpoint.Call) (any, error) {
					applied.Store(true)
					return nil, nil
				},
			}})
			if when == "before" {
				router.Before(func(endpoint.Call) error { return errors.New("killed") })
			} else {
				router.After(func(endpoint.Call, int) error { return errors.New("killed") })
			}
			_, err := secretsmanager.NewFromConfig(config(url, "owner")).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")})
			if err == nil {
				t.Error("the caller got an answer")
			}
			if got, want := applied.Load(), when == "after"; got != want {
				t.Errorf("applied: %t, want %t", got, want)
			}
		})
	}
}

func TestAFrontAnswersItsOwnOperationsOnly(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	answering(router, "secretsmanager", "DescribeSecret", map[string]any{"ARN": "behind"}, nil)
	router.Front(endpoint.Service{Name: "secretsmanager", Operations: map[string]endpoint.Operation{
		"GetSecretValue": func(context.Context, endpoint.Call) (any, error) { return map[string]any{"ARN": "before"}, nil },
	}})
	client := secretsmanager.NewFromConfig(config(url, "owner"))
	value, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("s")})
	if err != nil || aws.ToString(value.ARN) != "before" {
		t.Errorf("its own: %v, %v", value, err)
	}
	described, err := client.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")})
	if err != nil || aws.ToString(described.ARN) != "behind" {
		t.Errorf("another: %v, %v", described, err)
	}
	if _, err := client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{}); errorCode(err) != "NotImplemented" {
		t.Errorf("nobody's: %v", err)
	}
}
