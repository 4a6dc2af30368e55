// Package localclock is the clock of functions that run in the local cloud, whose time may be faster than the
// machine's. Only programs that are built with the tag local link it: none that goes to AWS.
package localclock

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable that the local cloud's host puts the clock into.
const Variable = "LOCAL_CLOCK"

// New returns a clock that runs so many times faster than now from its origin on. Text is both: milliseconds
// since the epoch, a space and the speed, as in "1767225600000 20". Without a text it is now itself.
func New(text string, now func() time.Time) (func() time.Time, error) {
	if text == "" {
		return now, nil
	}
	since, times, _ := strings.Cut(text, " ")
	milliseconds, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read when the clock %q began: %w", text, err)
	}
	speed, err := strconv.ParseFloat(times, 64)
	if err != nil {
		return nil, fmt.Errorf("read how fast the clock %q runs: %w", text, err)
	}
	if math.IsNaN(speed) || math.IsInf(speed, 0) || speed <= 0 {
		return nil, fmt.Errorf("the clock %q does not run", text)
	}
	origin := time.UnixMilli(milliseconds)
	return func() time.Time {
		return origin.Add(time.Duration(float64(now().Sub(origin)) * speed))
	}, nil
}
