// Package function is what the mains of the functions share: read the environment, build, start, and
// hand the messages of a batch to the handler. It also wires what every function uses.
package function

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/telemetry"
)

// Run reads a function's environment, builds its handler, and serves Lambda's invocations until the
// process is ended. build returns a function as aws-lambda-go takes it (see Batch and Whole). What is
// wrong with the environment, or keeps the handler from being built, is logged, and the process exits
// with 1.
func Run[E any](name string, read func() (E, error), build func(aws.Config, E) (handler any, err error)) {
	log := telemetry.Logger()
	handler, err := start(name, read, build)
	if err != nil {
		log.Error("function does not start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func start[E any](name string, read func() (E, error), build func(aws.Config, E) (any, error)) (any, error) {
	environment, err := read()
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	cfg, err := awsclient.Load(context.Background())
	if err != nil {
		return nil, err
	}
	return build(cfg, environment)
}
