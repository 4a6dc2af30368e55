package recovery

import (
	"time"

	"headroom/internal/pool"
)

// Hold is the word by which a host is kept out of service while the ledger is not known to be true: nothing of it is set out,
// and what was is taken back. Its tenants are served.
const Hold = "the recovery: until the ledger is known to be true"

// Rest is how long nothing must have been handed out before a plan is carried out: as long as an invocation that had begun
// before may go on, and as what it did takes to be listed.
const Rest = 3 * time.Minute

// Held is a host that is held; changed is false if it need not be, or a person keeps it out of service already. People are not
// told of it, host by host.
func Held(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if h.ByHand != "" || h.State != pool.HostInService && h.State != pool.HostCordoned {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = Hold
	if h.State == pool.HostInService {
		if h, err = pool.MoveHost(h, pool.HostCordoned, now, "cordoned by hand, by "+Hold); err != nil {
			return h, false, err
		}
		h = pool.Begin(h, pool.StepWatch, now)
	}
	return h, true, nil
}

// Freed is a host that is held no more; changed is false if it was not.
func Freed(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if h.ByHand != Hold {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = ""
	if h.State == pool.HostCordoned && len(h.Barred()) == 0 {
		if h, err = pool.MoveHost(h, pool.HostInService, now, "the ledger is known to be true again"); err != nil {
			return h, false, err
		}
		h = pool.Onward(h, now)
	}
	return h, true, nil
}
