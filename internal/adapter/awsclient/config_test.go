package awsclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
)

func TestLoadWantsARegion(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := Load(t.Context()); err == nil {
		t.Error("loaded without a region")
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	cfg, err := Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Region != "eu-west-1" || cfg.Retryer().MaxAttempts() != attempts {
		t.Errorf("region %q, attempts %d", cfg.Region, cfg.Retryer().MaxAttempts())
	}
}

func TestACallThatIsHeldIsOver(t *testing.T) {
	tests := []struct {
		name              string
		attempt, caller   time.Duration
		unreachable, over bool // the appliance; the caller's own time
	}{
		{"when the attempt's time is over: the appliance is unreachable", 20 * time.Millisecond, time.Hour, true, false},
		{"when the caller's time is over: nothing is known of the appliance", time.Hour, 20 * time.Millisecond, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, calls := holding(t)
			ctx, cancel := context.WithTimeout(t.Context(), test.caller)
			defer cancel()
			_, err := storagegateway.NewFromConfig(OneWait(cfg, test.attempt)).ListGateways(ctx, &storagegateway.ListGatewaysInput{})
			if IsUnreachable(err) != test.unreachable || (ctx.Err() != nil) != test.over {
				t.Errorf("unreachable %v, caller %v: %v", IsUnreachable(err), ctx.Err(), err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// holding is the configuration for a service that takes requests and never answers, with the number
// of them.
func holding(t *testing.T) (aws.Config, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		<-over
	}))
	t.Cleanup(func() {
		close(over)
		server.Close()
	})
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, &calls
}

func TestAConfigurationOfBulkHasTimeForMuch(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_REGION", "eu-west-1")
	cfg, err := Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bulk := Bulk(cfg)
	if got := bulk.HTTPClient.(*awshttp.BuildableClient).GetTimeout(); got != bulkTimeout {
		t.Errorf("an attempt may take %s", got)
	}
	if got := cfg.HTTPClient.(*awshttp.BuildableClient).GetTimeout(); got != attemptTimeout {
		t.Errorf("another attempt may take %s", got)
	}
	if bulk.Retryer().MaxAttempts() != attempts || bulk.Region != "eu-west-1" {
		t.Errorf("%d attempts in %q", bulk.Retryer().MaxAttempts(), bulk.Region)
	}
}

func TestAConfigurationOfOneWaitRetriesAllButTimeouts(t *testing.T) {
	retryer := OneWait(aws.Config{}, time.Second).Retryer()
	for what, test := range map[string]struct {
		err  error
		want bool
	}{
		"throttling":           {api("ThrottlingException", "Rate exceeded"), true},
		"a refused connection": {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"a timeout":            {&net.DNSError{IsTimeout: true}, false},
		"a missing grant":      {api("AccessDeniedException", ""), false},
	} {
		if got := retryer.IsErrorRetryable(test.err); got != test.want {
			t.Errorf("%s: retried %v", what, got)
		}
	}
	if n := retryer.MaxAttempts(); n != attempts {
		t.Errorf("%d attempts", n)
	}
}
