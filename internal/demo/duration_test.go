package demo

import (
	"testing"
	"time"
)

func TestDurationsAreWordedOneWay(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                         "0 s",
		4 * time.Millisecond:                      "0 s",
		350 * time.Millisecond:                    "0.35 s",
		2*time.Second + 700*time.Millisecond:      "2.70 s",
		2*time.Second + 780*time.Millisecond:      "2.78 s",
		3 * time.Second:                           "3 s",
		9*time.Second + 996*time.Millisecond:      "10 s",
		12*time.Second + 340*time.Millisecond:     "12.3 s",
		59*time.Second + 960*time.Millisecond:     "1 min 0 s",
		3*time.Minute + 4*time.Second:             "3 min 4 s",
		59*time.Minute + 59700*time.Millisecond:   "1 h 0 min",
		2*time.Hour + 5*time.Minute + time.Second: "2 h 5 min",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
