package endpointtest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
)

// Messaging serves SQS and SNS until the test is over, by the real part and with checks before it.
func Messaging(t *testing.T, checks map[string]func(endpoint.Call) error) aws.Config {
	t.Helper()
	modules, err := parts.FindModules()
	if err != nil {
		t.Fatal(err)
	}
	part, err := parts.Fauxqs(t.Context(), parts.Options{Modules: modules, Dir: t.TempDir(), Account: Account, Region: Region})
	if err != nil {
		t.Fatalf("start the program of SQS and SNS: %v", err)
	}
	t.Cleanup(func() { _ = part.Close() })
	router := Router()
	for _, service := range []string{"sqs", "sns"} {
		router.Proxy(service, part.URL)
	}
	for service, check := range checks {
		router.Guard(service, check)
	}
	return Listen(t, router)
}
