// Command prober is the task that looks into a share which is no tenant's, as a client of it would: one look, and then it
// ends. It exits with 1 when nobody could be told what it found.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/handler/archivist"
	"headroom/internal/telemetry"
)

func main() {
	log := telemetry.Logger()
	// ECS asks a task to end before it ends it.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Error("task failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	environment, job, err := archivist.ReadProberEnvironment()
	if err != nil {
		return err
	}
	cfg, err := awsclient.Load(ctx)
	if err != nil {
		return err
	}
	handler, err := build(ctx, cfg, environment)
	if err != nil {
		return err
	}
	return handler.Do(ctx, job)
}
