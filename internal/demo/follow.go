package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Follow prints every event that Headroom publishes, the steps of tenants that leave, and what operators would hear of,
// until ctx ends.
func Follow(ctx context.Context, cloud Cloud, p *Printer) error {
	bus, err := cloud.Output("BusName")
	if err != nil {
		return fmt.Errorf("find the event bus: %w", err)
	}
	lines := make(chan string, 64)
	hear := func(line string) {
		select {
		case lines <- line:
		default: // a reader that is too slow misses some
		}
	}
	cloud.Subscribe(bus, func(detailType string, detail json.RawMessage, _ time.Time) { hear(words(detailType, detail)) })
	last := "" // functions say at each look that a policy is refused
	cloud.SubscribeLogs(func(line string) {
		if refused := refusedPolicy(line); refused != "" && refused != last {
			last = refused
			hear(refused)
		}
		if step := stepWords(line); step != "" {
			hear(step)
		}
	})
	cloud.Operations(hear)
	for {
		select {
		case line := <-lines:
			p.Line(line)
		case <-ctx.Done():
			return nil
		}
	}
}
