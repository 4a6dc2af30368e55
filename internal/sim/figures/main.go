// Figures holds the planner against a static buffer, a percentage, and a buffer that knows the rate, on series of signups,
// and prints a table of it: make figures.
//
//	go run ./internal/sim/figures [-seeds 5] [-by functions] b2b.csv launch.csv taxi.csv:0.001
//
// A file may be followed by what its counts are multiplied by. Without files, series of its own are taken.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"headroom/internal/sim"
)

func main() {
	seeds := flag.Int("seeds", 5, "how many seeds are averaged over")
	by := flag.String("by", "sketch", "what runs the planner: sketch, or functions, the production code")
	flag.Parse()
	if err := figures(flag.Args(), *seeds, *by == "functions"); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func figures(files []string, seeds int, functions bool) error {
	all, err := read(files)
	if err != nil {
		return err
	}
	fmt.Println("| Series, its second half | At once | Mean wait | p99 | Idle, a month | × known rate | × static | × percentage | Empty beaten | Estimates held |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range all {
		from, err := s.demand.Moment("50%")
		if err != nil {
			return err
		}
		c := comparison{series: s, from: from, seeds: seeds}
		row, err := c.row(context.Background(), functions)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Println(row)
	}
	return nil
}

// series is a demand with its name.
type series struct {
	name   string
	demand sim.Demand
}

// read reads series; without files it makes some.
func read(files []string) ([]series, error) {
	if len(files) == 0 {
		return made()
	}
	var all []series
	for _, file := range files {
		name, factor, scaled := strings.Cut(file, ":")
		scale := 1.0
		if scaled {
			var err error
			if scale, err = strconv.ParseFloat(factor, 64); err != nil {
				return nil, fmt.Errorf("%s: %q is no factor", name, factor)
			}
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		demand, err := sim.ReadDemand(f, scale)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, series{strings.TrimSuffix(filepath.Base(name), ".csv"), demand})
	}
	return all, nil
}
