package sim

import (
	"math"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
)

// BenchmarkTwoMonths replays two months of 30 signups an hour on average, by the functions. It is to take less than ten
// seconds on two cores. What is measured is processor time, of all threads: how long it takes besides depends on who else
// works on the machine.
func BenchmarkTwoMonths(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // as the command has it
	const days = 61
	d := counted(b, days*24, func(h int) float64 { return 30 * (1 + 0.8*math.Sin(float64(h)/24*2*math.Pi)) })
	b.ReportAllocs()
	before, signups := processorTime(b), 0
	for b.Loop() {
		signups += run(b, Options{Demand: d, Policy: policy(b, asShipped), Seed: 1}).Signups
	}
	took := (processorTime(b) - before).Seconds()
	b.ReportMetric(took/float64(b.N), "cpu-s/op")
	b.ReportMetric(days*float64(b.N)/took, "days/cpu-s")
	b.ReportMetric(float64(signups)/took, "signups/cpu-s")
}

// processorTime is what the process has had of all processors, in its own code and in the kernel's.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
