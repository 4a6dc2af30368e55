// Package endpointtest serves single services of the local cloud to tests, at an endpoint of their own.
package endpointtest

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"headroom/internal/local/endpoint"
)

// Where the services are.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

// Serve serves services until the test is over, and returns what clients of them are made with.
func Serve(t testing.TB, services ...endpoint.Service) aws.Config {
	t.Helper()
	router := Router()
	for _, service := range services {
		router.Handle(service)
	}
	return Listen(t, router)
}

// Router is an endpoint without services, at which everybody is the account's owner.
func Router() *endpoint.Router {
	return endpoint.New(endpoint.Config{Account: Account, Region: Region, Log: slog.New(slog.DiscardHandler)})
}

// Listen serves a router until the test is over.
func Listen(t testing.TB, router *endpoint.Router) aws.Config {
	t.Helper()
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: Region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	}
}
