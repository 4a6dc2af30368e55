package demo

import (
	"fmt"
	"time"
)

// inWords is how every duration is printed: 0.35 s, 3 s, 12.3 s, 3 min 4 s, 2 h 5 min.
func inWords(d time.Duration) string {
	switch hundredths, tenths, seconds := d.Round(time.Second/100), d.Round(time.Second/10), d.Round(time.Second); {
	case hundredths%time.Second == 0 && seconds < time.Minute:
		return fmt.Sprintf("%d s", seconds/time.Second)
	case hundredths < 10*time.Second:
		return fmt.Sprintf("%.2f s", hundredths.Seconds())
	case tenths < time.Minute:
		return fmt.Sprintf("%.1f s", tenths.Seconds())
	case seconds < time.Hour:
		return fmt.Sprintf("%d min %d s", seconds/time.Minute, seconds%time.Minute/time.Second)
	}
	minutes := d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", minutes/time.Hour, minutes%time.Hour/time.Minute)
}
