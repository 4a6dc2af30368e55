package recovery

import (
	"time"

	"headroom/internal/pool"
)

// Rest is how long nothing must have been handed out before a plan is carried out: as long as an invocation that had begun
// before may go on, and as what it did takes to be listed.
const Rest = 3 * time.Minute

// Held is a host that is held; changed is false if it is, or need not be. People are not told of it, host by host.
func Held(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if h.HeldByRecovery() || h.State != pool.HostInService && h.State != pool.HostCordoned {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = h.WithRecovery()
	if h.State == pool.HostInService {
		if h, err = pool.MoveHost(h, pool.HostCordoned, now, "cordoned by hand, by "+pool.RecoveryHold); err != nil {
			return h, false, err
		}
		h = pool.Begin(h, pool.StepWatch, now)
	}
	return h, true, nil
}

// Freed is a host that is held no more; changed is false if it was not. Who had cordoned it before still keeps it out of service.
func Freed(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if !h.HeldByRecovery() {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = h.WithoutRecovery()
	if h.State == pool.HostCordoned && len(h.Barred()) == 0 {
		if h, err = pool.MoveHost(h, pool.HostInService, now, "the ledger is known to be true again"); err != nil {
			return h, false, err
		}
		h = pool.Onward(h, now)
	}
	return h, true, nil
}
