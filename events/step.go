package events

// TypeStep is the type of Step.
const TypeStep = "Step"

// What a Step is of.
const (
	OfHost        = "host"
	OfTenant      = "tenant"
	OfDeparture   = "departure"
	OfClearance   = "clearance"
	OfRepair      = "repair"
	OfRestoration = "restoration"
)

// Step asks to take the next step of a host, a tenant, a departure, a clearance, a repair or a restoration. Host events
// queue, or the queues of signup's, decommission's, repairs' and restores' steps, from Headroom itself, often delayed: this
// is how Headroom waits.
type Step struct {
	Version  string        `json:"version"`
	Type     string        `json:"type"`
	Of       string        `json:"of"`                 // OfHost, OfTenant, OfDeparture, OfClearance, OfRepair or OfRestoration
	ID       string        `json:"id"`                 // of the host, tenant, departure or clearance; of a repair, its host; of a restoration, its tenant
	Step     string        `json:"step"`               // the step the sender saw; a no-op if the host or tenant has moved on
	Try      int           `json:"try"`                // counts from 1
	Again    bool          `json:"again,omitempty"`    // sent by one that came too late, in case nobody goes on
	Announce *Announcement `json:"announce,omitempty"` // what a tenant's announcement needs, so that nothing has to be read for it
	Correlated
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

// NewStep is the step of whatever of says.
func NewStep(of, id, step string, try int) Step {
	return Step{Version: Version, Type: TypeStep, Of: of, ID: id, Step: step, Try: try}
}
