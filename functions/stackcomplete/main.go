// Command stackcomplete is the function that makes hosts ready once their stacks are complete.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"headroom/internal/stackcomplete"
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

func start(ctx context.Context) (*stackcomplete.Handler, error) {
	environment, err := stackcomplete.ReadEnvironment()
	if err != nil {
		return nil, fmt.Errorf("configure stackcomplete: %w", err)
	}
	return build(ctx, environment)
}
