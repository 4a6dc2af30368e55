// Headroom's command. Today it runs the local cloud: `headroom demo`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// interrupted is the exit status of a run that was ended by Ctrl-C before it was done (128 + SIGINT).
const interrupted = 130

func main() {
	var commands struct {
		Demo demoCommand `cmd:"" help:"Run the whole system on this machine, sign customers up, and prove their isolation."`
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed := kong.Parse(&commands, kong.Name("headroom"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	err := parsed.Run()
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		os.Exit(interrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "headroom:", err)
		os.Exit(1)
	}
}
