// Package telemetry writes logs and metrics. Metrics are lines in CloudWatch's embedded metric
// format (EMF) in the function's log, so they cost no call.
package telemetry

// Namespace is the CloudWatch namespace of all metrics.
const Namespace = "Headroom"

// The dimensions of metrics.
const (
	Stage = "Stage"
	Kind  = "Kind"
	Tier  = "Tier"
)

// Unit is a metric's unit, as CloudWatch names it.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
)

// Metric is one metric: what it is called, measured in, and told apart by.
type Metric struct {
	Name       string
	Unit       Unit
	Dimensions []string // names, Stage first
}

var (
	perStage = []string{Stage}
	perTier  = []string{Stage, Tier}
	perPool  = []string{Stage, Kind, Tier}
)

// The metrics.
var (
	// SignupsReady counts tenants that got their storage.
	SignupsReady = Metric{"SignupsReady", Count, perStage}
	// SignupsWaiting counts tenants that had to wait.
	SignupsWaiting = Metric{"SignupsWaiting", Count, perStage}
	// SignupsRejected counts signups that were refused.
	SignupsRejected = Metric{"SignupsRejected", Count, perStage}
	// TimeToReady is the time from the signup's message to StorageReady.
	TimeToReady = Metric{"TimeToReady", Milliseconds, perStage}
	// PolicyInvalid counts looks at a policy parameter whose newest version is invalid.
	PolicyInvalid = Metric{"PolicyInvalid", Count, perStage}
	// EventsIgnored counts events that were no concern of ours.
	EventsIgnored = Metric{"EventsIgnored", Count, perStage}
	// TenantsWaiting is the length of a tier's waiting list.
	TenantsWaiting = Metric{"TenantsWaiting", Count, perTier}
	// SlotsFree are slots that can be given away.
	SlotsFree = Metric{"SlotsFree", Count, perPool}
	// SlotsAssigned are slots that tenants hold.
	SlotsAssigned = Metric{"SlotsAssigned", Count, perPool}
	// SlotsProvisioning are slots that provisioning hosts will bring.
	SlotsProvisioning = Metric{"SlotsProvisioning", Count, perPool}
	// HostsInService are hosts that take tenants.
	HostsInService = Metric{"HostsInService", Count, perPool}
	// HostsProvisioning are hosts on their way into service.
	HostsProvisioning = Metric{"HostsProvisioning", Count, perPool}
	// HostsCordoned are hosts that take no more tenants.
	HostsCordoned = Metric{"HostsCordoned", Count, perPool}
	// HostsQuarantined are hosts that were given up, and that a person has to look at.
	HostsQuarantined = Metric{"HostsQuarantined", Count, perPool}
	// HostsFailed counts hosts whose making failed.
	HostsFailed = Metric{"HostsFailed", Count, perPool}
	// HostsOrdered counts orders of hosts.
	HostsOrdered = Metric{"HostsOrdered", Count, perPool}
	// LeadTime is the time from the decision that a host is wanted to its slots being available.
	LeadTime = Metric{"LeadTime", Seconds, perPool}
)

// Catalogue is every metric that Headroom emits.
var Catalogue = []Metric{
	SignupsReady, SignupsWaiting, SignupsRejected, TimeToReady, PolicyInvalid, EventsIgnored,
	TenantsWaiting,
	SlotsFree, SlotsAssigned, SlotsProvisioning,
	HostsInService, HostsProvisioning, HostsCordoned, HostsQuarantined, HostsFailed, HostsOrdered, LeadTime,
}
