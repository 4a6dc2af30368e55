package awsclient

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// Sleep waits, or returns the context's error when that ends first. It is what adapters are given to
// wait with outside of tests.
func Sleep(ctx context.Context, d time.Duration) error { return smithytime.SleepWithContext(ctx, d) }

// Jitter returns a number in [0, 1), each as likely, by which adapters spread out tries that failed
// together.
func Jitter() float64 {
	var bits [8]byte
	_, _ = rand.Read(bits[:]) // never fails
	return float64(binary.BigEndian.Uint64(bits[:])>>11) / (1 << 53)
}
