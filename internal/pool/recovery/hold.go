package recovery

import (
	"strings"
	"time"

	"headroom/internal/pool"
)

// Hold is the word by which a host is kept out of service while the ledger is not known to be true: nothing of it is set out,
// and what was is taken back. Its tenants are served.
const Hold = "the recovery: until the ledger is known to be true"

// besides joins the word of a person who had cordoned the host before, which holds again when it is held no more.
const besides = "; besides, by "

// Holds reports whether a host is held. No person's word lets it out: what it has may not be known, and by a record that is behind a
// tenant's slot is free.
func Holds(h pool.Host) bool { return h.ByHand == Hold || strings.HasPrefix(h.ByHand, Hold+besides) }

// holding is by whose word a host is cordoned as long as it is held.
func holding(h pool.Host) string {
	switch {
	case Holds(h):
		return h.ByHand
	case h.ByHand == "":
		return Hold
	}
	return Hold + besides + h.ByHand
}

// Rest is how long nothing must have been handed out before a plan is carried out: as long as an invocation that had begun
// before may go on, and as what it did takes to be listed.
const Rest = 3 * time.Minute

// Held is a host that is held; changed is false if it is, or need not be. People are not told of it, host by host.
func Held(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if Holds(h) || h.State != pool.HostInService && h.State != pool.HostCordoned {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = holding(h)
	if h.State == pool.HostInService {
		if h, err = pool.MoveHost(h, pool.HostCordoned, now, "cordoned by hand, by "+Hold); err != nil {
			return h, false, err
		}
		h = pool.Begin(h, pool.StepWatch, now)
	}
	return h, true, nil
}

// Freed is a host that is held no more; changed is false if it was not. Who had cordoned it before still keeps it out of service.
func Freed(h pool.Host, now time.Time) (out pool.Host, changed bool, err error) {
	if !Holds(h) {
		return h, false, nil
	}
	h = h.Clone()
	h.ByHand = strings.TrimPrefix(strings.TrimPrefix(h.ByHand, Hold), besides)
	if h.State == pool.HostCordoned && len(h.Barred()) == 0 {
		if h, err = pool.MoveHost(h, pool.HostInService, now, "the ledger is known to be true again"); err != nil {
			return h, false, err
		}
		h = pool.Onward(h, now)
	}
	return h, true, nil
}
