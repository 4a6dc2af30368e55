package pool

import "strings"

// RecoveryHold is the word by which a host is kept out of service while the ledger is not known to be true: nothing of it is set
// out, and what was is taken back. Its tenants are served.
const RecoveryHold = "the recovery: until the ledger is known to be true"

// besides joins the word of a person who had cordoned the host before, which holds again when it is held no more.
const besides = "; besides, by "

// HeldByRecovery reports whether a host is held. No person's word lets it out, or go: what it has may not be known, and by a record
// that is behind a tenant's slot is free.
func (h Host) HeldByRecovery() bool {
	return h.ByHand == RecoveryHold || strings.HasPrefix(h.ByHand, RecoveryHold+besides)
}

// WithRecovery is by whose word a host is cordoned as long as it is held.
func (h Host) WithRecovery() string {
	switch {
	case h.HeldByRecovery():
		return h.ByHand
	case h.ByHand == "":
		return RecoveryHold
	}
	return RecoveryHold + besides + h.ByHand
}

// WithoutRecovery is by whose word a host that is held is cordoned besides; empty: by nobody's.
func (h Host) WithoutRecovery() string {
	return strings.TrimPrefix(strings.TrimPrefix(h.ByHand, RecoveryHold), besides)
}
