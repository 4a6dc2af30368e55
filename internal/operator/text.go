package operator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func compareText[T ~string](a, b T) int { return strings.Compare(string(a), string(b)) }

func itoa(n int) string { return strconv.Itoa(n) }

// Ago words how long ago or ahead a moment is, coarsely: "3m", "5h", "2d".
func Ago(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// count is a number of things: "1 host", "3 hosts".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// be is the verb that goes with a number.
func be(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// oneLine joins lines.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
