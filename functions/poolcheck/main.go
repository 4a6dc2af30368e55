// Command poolcheck is the function that keeps the pools at the size their policies ask for.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"headroom/internal/poolcheck"
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

func start(ctx context.Context) (*poolcheck.Handler, error) {
	environment, err := poolcheck.ReadEnvironment()
	if err != nil {
		return nil, fmt.Errorf("configure poolcheck: %w", err)
	}
	return build(ctx, environment)
}
