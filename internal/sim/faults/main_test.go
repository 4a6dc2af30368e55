package faults

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain has garbage be collected seldom: a world is small and what it leaves behind is much, so that collecting it as often as
// usual takes a fifth of the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}
