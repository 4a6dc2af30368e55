package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Follow prints every event that Headroom publishes, until ctx ends.
func Follow(ctx context.Context, cloud Cloud, out io.Writer) error {
	bus, err := cloud.Output("BusName")
	if err != nil {
		return fmt.Errorf("find the event bus: %w", err)
	}
	lines := make(chan string, 64)
	cloud.Subscribe(bus, func(detailType string, detail json.RawMessage) {
		select {
		case lines <- fmt.Sprintf("%s %s", detailType, detail):
		default: // a reader that is too slow misses some
		}
	})
	for {
		select {
		case line := <-lines:
			if _, err := fmt.Fprintln(out, line); err != nil {
				return fmt.Errorf("print an event: %w", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
