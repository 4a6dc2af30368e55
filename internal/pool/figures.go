package pool

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"headroom/internal/pool/forecast"
)

// number writes a figure as an operator reads it: whole from ten on, with one digit after the point below, and two
// below one.
func number(x float64) string {
	switch {
	case math.Abs(x) >= 10:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case math.Abs(x) >= 1:
		return trimmed(x, 1)
	}
	return trimmed(x, 2)
}

// trimmed writes a figure with so many digits after the point at most.
func trimmed(x float64, digits int) string {
	scale := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', -1, 64)
}

// inMinutes writes a duration as a number of minutes.
func inMinutes(d time.Duration) string { return number(d.Minutes()) }

// span writes a duration in the unit that suits it.
func span(d time.Duration) string {
	switch {
	case d >= forecast.Forever:
		return "years"
	case d >= 48*time.Hour:
		return number(d.Hours()/24) + " d"
	case d >= 2*time.Hour:
		return number(d.Hours()) + " h"
	}
	return inMinutes(d) + " min"
}

// dollars writes an amount of money, "$2,640".
func dollars(x float64) string {
	digits := strconv.FormatFloat(math.Ceil(x), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return fmt.Sprintf("$%s", digits)
}
