// Command signup is the function that gives new tenants their database and share.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"headroom/internal/signup"
	"headroom/internal/telemetry"
)

func main() {
	log := telemetry.Logger()
	handler, err := start(context.Background())
	if err != nil {
		log.Error("function does not start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func start(ctx context.Context) (*signup.Handler, error) {
	environment, err := signup.ReadEnvironment()
	if err != nil {
		return nil, fmt.Errorf("configure signup: %w", err)
	}
	return build(ctx, environment)
}
