package pool

import "fmt"

// copySpare is what must be left of a host's storage beyond a copy: its tenants write on, and storage that runs full stops
// all of them.
const copySpare = 1 << 30

// CopyRefused says why a copy of a database has no room beside it, by the bytes that are free and those that it has; empty:
// it has. Filling it writes as much again for a while, of which a quarter stays until the next checkpoints.
func CopyRefused(free, size int64) string {
	need := size + size/4 + copySpare
	if free >= need {
		return ""
	}
	return fmt.Sprintf("a copy of its database takes %d MiB with what must be left, and the host has %d MiB free: have its storage grow first",
		need>>20, max(free, 0)>>20)
}
