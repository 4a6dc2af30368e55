// Package function is what the mains of the functions share: read the environment, build, start, and
// hand the messages of a batch to the handler.
package function

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"headroom/internal/telemetry"
)

// Run reads a function's environment, builds its handler, and serves Lambda's invocations until the
// process is ended. build gives a function as aws-lambda-go takes it. What is wrong with the
// environment, or keeps the handler from being built, is logged, and the process exits with 1.
func Run[E any](name string, read func() (E, error), build func(context.Context, E) (handler any, err error)) {
	log := telemetry.Logger()
	handler, err := start(name, read, build)
	if err != nil {
		log.Error("function does not start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func start[E any](name string, read func() (E, error), build func(context.Context, E) (any, error)) (any, error) {
	environment, err := read()
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return build(context.Background(), environment)
}
