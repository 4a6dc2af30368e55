package events

// TypeStep is the type of Step.
const TypeStep = "Step"

// What a Step is of.
const (
	OfHost   = "host"
	OfTenant = "tenant"
)

// Step asks to take the next step of a host or of a tenant. Host events queue or queue of signup's steps, from Headroom itself,
// often delayed: this is how Headroom waits.
type Step struct {
	Version  string        `json:"version"`
	Type     string        `json:"type"`
	Of       string        `json:"of"`                 // OfHost or OfTenant
	ID       string        `json:"id"`                 // the host's or the tenant's
	Step     string        `json:"step"`               // the step the sender saw; a no-op if the host or tenant has moved on
	Try      int           `json:"try"`                // counts from 1
	Announce *Announcement `json:"announce,omitempty"` // what a tenant's announcement needs, so that nothing has to be read for it
}

// Announcement is a StorageReady that is published once the tenant's share
// serves the tenant's instances, which takes a moment after its client list has
// changed.
type Announcement struct {
	Gateway string       `json:"gatewayArn"` // of the share that is waited for
	ShareID string       `json:"shareId"`    // of the share that is waited for
	Clients []string     `json:"clients"`    // to which the share is being opened, as CIDRs
	Ready   StorageReady `json:"ready"`      // what will be published
}

// NewHostStep is the step of a host.
func NewHostStep(hostID, step string, try int) Step {
	return Step{Version: Version, Type: TypeStep, Of: OfHost, ID: hostID, Step: step, Try: try}
}

// NewTenantStep is the step of a tenant.
func NewTenantStep(tenantID, step string, try int) Step {
	return Step{Version: Version, Type: TypeStep, Of: OfTenant, ID: tenantID, Step: step, Try: try}
}
