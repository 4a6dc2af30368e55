package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/parts"
)

// stillStopping is how often it is said what is still to be stopped.
const stillStopping = 2 * time.Second

// stop stops the local cloud, and says what of it.
func stop(ctx context.Context, cloud *local.Cloud, p *demo.Printer) error {
	heading := "stopping what was started"
	if what := programs(parts.Running()); what != "" {
		heading += ": " + what
	}
	if ctx.Err() != nil {
		heading += " (Ctrl-C again ends all at once)"
	}
	p.Heading(heading)
	stopped := make(chan error, 1)
	go func() { stopped <- cloud.Close() }()
	tick := time.NewTicker(stillStopping)
	defer tick.Stop()
	for {
		select {
		case err := <-stopped:
			if err != nil {
				return fmt.Errorf("stop the local cloud: %w", err)
			}
			p.Line("stopped")
			return nil
		case <-tick.C:
			p.Line("still to stop: " + programs(parts.Running()))
		}
	}
}

// words for the programs that the local cloud runs.
var words = map[string][2]string{
	"postgres":  {"database server", "database servers"},
	"bootstrap": {"function", "functions"},
	"dynoxide":  {"DynamoDB", "DynamoDB"},
	"node":      {"SQS and SNS", "SQS and SNS"},
}

// programs words what runs, by the names of the programs.
func programs(running []string) string {
	count := map[string]int{}
	for _, name := range running {
		count[name]++
	}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		word, known := words[name]
		switch n := count[name]; {
		case !known:
			said = append(said, fmt.Sprintf("%d %s", n, name))
		case word[0] == word[1]:
			said = append(said, word[0])
		case n == 1:
			said = append(said, "1 "+word[0])
		default:
			said = append(said, fmt.Sprintf("%d %s", n, word[1]))
		}
	}
	return strings.Join(said, ", ")
}
