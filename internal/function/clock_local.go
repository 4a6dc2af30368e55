//go:build local

package function

import (
	"os"
	"time"

	"headroom/internal/function/localclock"
)

var now = func() func() time.Time {
	clock, err := localclock.New(os.Getenv(localclock.Variable), time.Now)
	if err != nil {
		panic(err)
	}
	return clock
}()

// Now is the time of functions in the local cloud.
func Now() time.Time { return now() }
