// Command rdsalarm is the function that takes database hosts out of service while an alarm is on.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"headroom/internal/rdsalarm"
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

func start(ctx context.Context) (*rdsalarm.Handler, error) {
	environment, err := rdsalarm.ReadEnvironment()
	if err != nil {
		return nil, fmt.Errorf("configure rdsalarm: %w", err)
	}
	return build(ctx, environment)
}
