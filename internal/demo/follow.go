package demo

import (
	"context"
	"encoding/json"
	"fmt"
)

// Follow prints every event that Headroom publishes, until ctx ends.
func Follow(ctx context.Context, cloud Cloud, p *Printer) error {
	bus, err := cloud.Output("BusName")
	if err != nil {
		return fmt.Errorf("find the event bus: %w", err)
	}
	lines := make(chan string, 64)
	cloud.Subscribe(bus, func(detailType string, detail json.RawMessage) {
		select {
		case lines <- words(detailType, detail):
		default: // a reader that is too slow misses some
		}
	})
	for {
		select {
		case line := <-lines:
			p.Line(line)
		case <-ctx.Done():
			return nil
		}
	}
}
