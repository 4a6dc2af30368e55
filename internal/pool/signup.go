package pool

import (
	"net/netip"
	"slices"

	"headroom/events"
)

// Signup is what somebody wants to sign a tenant up as.
type Signup struct {
	Tier    Tier
	Address string // of its application server
}

// Refusal is what a new tenant can't sign up for, by the policies and the networks where instances live; nil: nothing.
func (s Signup) Refusal(ps Policies, n Networks) *events.FieldError {
	if !ps.Serves(s.Tier) {
		return &events.FieldError{Field: "tier", Reason: "is served by no pool"}
	}
	address, err := netip.ParseAddr(s.Address)
	if err != nil {
		return &events.FieldError{Field: "instanceIp", Reason: "is no IP address"}
	}
	if why := n.Refusal(address); why != "" {
		return &events.FieldError{Field: "instanceIp", Reason: why}
	}
	return nil
}

// Differs is in what a signup differs from that of a tenant which is known; nil: in nothing. One that names an address which
// was replaced since is answered as it was before, and lets that address in no more.
func (s Signup) Differs(t Tenant) *events.FieldError {
	switch {
	case !slices.Contains(t.Reached(), s.Address) && !t.Had(s.Address):
		return &events.FieldError{Field: "instanceIp", Reason: "is another address than the one this tenant signed up with"}
	case t.Tier != s.Tier:
		return &events.FieldError{Field: "tier", Reason: "is another tier than the one this tenant signed up for"}
	}
	return nil
}
