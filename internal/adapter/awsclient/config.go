// Package awsclient holds what all AWS adapters share: the configuration of clients, with deadlines and
// bounded retries, and the one place in which error codes are classified.
package awsclient

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	// attempts bounds how often a request is sent.
	attempts = 5
	// attemptTimeout is the deadline of one attempt, from connecting to the last byte of the answer.
	attemptTimeout = 8 * time.Second
	// backoffMax bounds the wait between attempts; the SDK adds the jitter.
	backoffMax = 4 * time.Second
	// bulkTimeout is the deadline of one attempt that moves many bytes: a part of 64 MiB, at half a megabyte a
	// second.
	bulkTimeout = 2 * time.Minute
)

// Load returns the configuration of every AWS client: region, credentials and endpoint from the
// environment, a deadline for each attempt, and bounded retries with jitter.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithRetryer(func() aws.Retryer { return retry.NewStandard(bounded) }),
	)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, fmt.Errorf("load AWS configuration: no region: set AWS_REGION")
	}
	return cfg, nil
}

// OneWait is cfg for a service that may hold a call while something behind it does not answer, as
// Storage Gateway does while an appliance boots: an attempt may take as long as given, and one that
// got no answer in that time is not repeated. The handler looks again later (see IsUnreachable);
// repeated attempts would outlast the invocation. All else is retried as ever.
func OneWait(cfg aws.Config, attempt time.Duration) aws.Config {
	cfg = cfg.Copy()
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(attempt)
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(bounded, func(o *retry.StandardOptions) {
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if isTimeout(err) {
					return aws.FalseTernary
				}
				return aws.UnknownTernary // the other checks say
			})}, o.Retryables...)
		})
	}
	return cfg
}

// Bulk is cfg for requests that move many bytes, such as parts of large objects: an attempt has the time for
// that. All else is as ever.
func Bulk(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(bulkTimeout)
	return cfg
}

func bounded(o *retry.StandardOptions) {
	o.MaxAttempts = attempts
	o.MaxBackoff = backoffMax
}
