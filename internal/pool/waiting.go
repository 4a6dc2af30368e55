package pool

// Waiter is one place on a tier's waiting list.
type Waiter struct {
	Seq    int64
	Tenant TenantID
}

// Position is a tenant's place on the waiting list, from 1, given the list's first number. Numbers
// that were drawn and never used (a crash in between) make it too large, never too small.
func Position(seq, first int64) int {
	if first == 0 || seq < first {
		return 1
	}
	return int(seq-first) + 1
}
