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
	Way   = "Way"
	Of    = "Of"
)

// Unit is a metric's unit, as CloudWatch names it.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
	Percent      Unit = "Percent"
)

// Metric is one metric: what it is called, measured in, and told apart by.
type Metric struct {
	Name       string
	Unit       Unit
	Dimensions []string // names, Stage first

	// AlsoOfStage says that it can be read by its stage alone, too: so that one alarm watches all pools or
	// tiers, those too that a policy adds later.
	AlsoOfStage bool
}

// dimensions are the sets of dimensions by which a metric can be read.
func (m Metric) dimensions() [][]string {
	sets := [][]string{m.Dimensions}
	if m.AlsoOfStage {
		sets = append(sets, perStage)
	}
	return sets
}

var (
	perStage = []string{Stage}
	perTier  = []string{Stage, Tier}
	perKind  = []string{Stage, Kind}
	perPool  = []string{Stage, Kind, Tier}
	perWay   = []string{Stage, Way}
	perOf    = []string{Stage, Of}
)

// The metrics.
var (
	// SignupsReady counts tenants that got their storage.
	SignupsReady = Metric{Name: "SignupsReady", Unit: Count, Dimensions: perStage}
	// SignupsWaiting counts tenants that had to wait.
	SignupsWaiting = Metric{Name: "SignupsWaiting", Unit: Count, Dimensions: perStage}
	// SignupsRejected counts signups that were refused.
	SignupsRejected = Metric{Name: "SignupsRejected", Unit: Count, Dimensions: perStage}
	// TenantsReleased counts tenants that left, and of whom nothing is left but an archive and its certificate.
	TenantsReleased = Metric{Name: "TenantsReleased", Unit: Count, Dimensions: perStage}
	// RequestsRejected counts requests about tenants, other than signups, that were refused.
	RequestsRejected = Metric{Name: "RequestsRejected", Unit: Count, Dimensions: perStage}
	// TimeToReady is the time from the signup's message to StorageReady.
	TimeToReady = Metric{Name: "TimeToReady", Unit: Milliseconds, Dimensions: perStage}
	// PolicyInvalid counts looks at a policy parameter whose newest version is invalid.
	PolicyInvalid = Metric{Name: "PolicyInvalid", Unit: Count, Dimensions: perStage}
	// PoolChecks counts pool checks in which nothing failed.
	PoolChecks = Metric{Name: "PoolChecks", Unit: Count, Dimensions: perStage}
	// EventsIgnored counts events that were no concern of ours.
	EventsIgnored = Metric{Name: "EventsIgnored", Unit: Count, Dimensions: perStage}
	// TenantsWaiting is the length of a tier's waiting list.
	TenantsWaiting = Metric{Name: "TenantsWaiting", Unit: Count, Dimensions: perTier, AlsoOfStage: true}
	// LongestWait is for how long the first on a tier's waiting list has waited; 0 when nobody waits.
	LongestWait = Metric{Name: "LongestWait", Unit: Seconds, Dimensions: perTier, AlsoOfStage: true}
	// SlotsFree are slots that can be given away.
	SlotsFree = Metric{Name: "SlotsFree", Unit: Count, Dimensions: perPool}
	// SlotsAssigned are slots that tenants hold.
	SlotsAssigned = Metric{Name: "SlotsAssigned", Unit: Count, Dimensions: perPool}
	// TenantsOnFullest is how many tenants hold slots of the one host of a pool that has most of them.
	TenantsOnFullest = Metric{Name: "TenantsOnFullest", Unit: Count, Dimensions: perPool}
	// SlotsProvisioning are slots that provisioning hosts will bring.
	SlotsProvisioning = Metric{Name: "SlotsProvisioning", Unit: Count, Dimensions: perPool}
	// SlotsLeaving are slots whose tenants leave.
	SlotsLeaving = Metric{Name: "SlotsLeaving", Unit: Count, Dimensions: perPool}
	// SlotsCooling are slots that rest before they are free again.
	SlotsCooling = Metric{Name: "SlotsCooling", Unit: Count, Dimensions: perPool}
	// SlotsQuarantined are slots that were given up, and wait for a person.
	SlotsQuarantined = Metric{Name: "SlotsQuarantined", Unit: Count, Dimensions: perPool, AlsoOfStage: true}
	// TimeToEmpty is how long the pairs last that are free, with nothing that is coming, as likely longer as less.
	TimeToEmpty = Metric{Name: "TimeToEmpty", Unit: Seconds, Dimensions: perTier}
	// TimeToEmptyEarly is TimeToEmpty with one chance in ten that they last less.
	TimeToEmptyEarly = Metric{Name: "TimeToEmptyEarly", Unit: Seconds, Dimensions: perTier}
	// WaitRisk is how likely a tenant must wait within the lead time that 90 of 100 hosts stay below, with what is coming.
	WaitRisk = Metric{Name: "WaitRisk", Unit: Percent, Dimensions: perTier, AlsoOfStage: true}
	// LeadTimeLong is the lead time that 90 of 100 hosts of a pool stay below, as plans have it.
	LeadTimeLong = Metric{Name: "LeadTimeLong", Unit: Seconds, Dimensions: perPool}
	// DaysToCeiling is in how many days a pool meets its ceiling, a quota or the cap on money, at the pace of the last weeks.
	DaysToCeiling = Metric{Name: "DaysToCeiling", Unit: Count, Dimensions: perPool}
	// MoneySpent is what all hosts cost, in dollars a month.
	MoneySpent = Metric{Name: "MoneySpent", Unit: Count, Dimensions: perStage}
	// MoneyIdle is what the slots of a pool cost that nobody has, in dollars a month: each its share of its host's price.
	MoneyIdle = Metric{Name: "MoneyIdle", Unit: Count, Dimensions: perPool}
	// MoneyCapUsed is how much of the cap on money is spent; 0 without a cap.
	MoneyCapUsed = Metric{Name: "MoneyCapUsed", Unit: Percent, Dimensions: perStage}
	// QuotaUsed is how much of a service quota of the account is used, by whomever.
	QuotaUsed = Metric{Name: "QuotaUsed", Unit: Percent, Dimensions: perOf}
	// QuotasUnknown is how many service quotas could not be read for a day, so that nothing is held back by them.
	QuotasUnknown = Metric{Name: "QuotasUnknown", Unit: Count, Dimensions: perStage}
	// BufferFree is how much of the buffer that a policy wants is free.
	BufferFree = Metric{Name: "BufferFree", Unit: Percent, Dimensions: perPool, AlsoOfStage: true}
	// Hosts are all hosts that count against the ceiling.
	Hosts = Metric{Name: "Hosts", Unit: Count, Dimensions: perPool}
	// HostsOfKind are the Hosts of a kind in all tiers.
	HostsOfKind = Metric{Name: "HostsOfKind", Unit: Count, Dimensions: perKind}
	// HostsInService are hosts that take tenants.
	HostsInService = Metric{Name: "HostsInService", Unit: Count, Dimensions: perPool}
	// HostsProvisioning are hosts on their way into service.
	HostsProvisioning = Metric{Name: "HostsProvisioning", Unit: Count, Dimensions: perPool}
	// HostsCordoned are hosts that take no more tenants.
	HostsCordoned = Metric{Name: "HostsCordoned", Unit: Count, Dimensions: perPool}
	// HostsQuarantined are hosts that were given up, and wait for a person.
	HostsQuarantined = Metric{Name: "HostsQuarantined", Unit: Count, Dimensions: perPool, AlsoOfStage: true}
	// CeilingUsed is how much of a pool's ceiling is used.
	CeilingUsed = Metric{Name: "CeilingUsed", Unit: Percent, Dimensions: perPool, AlsoOfStage: true}
	// HostsFailed counts hosts whose making failed.
	HostsFailed = Metric{Name: "HostsFailed", Unit: Count, Dimensions: perPool}
	// FailuresInARow is how many hosts of a pool failed since one was made.
	FailuresInARow = Metric{Name: "FailuresInARow", Unit: Count, Dimensions: perPool, AlsoOfStage: true}
	// HostsOrdered counts orders of hosts.
	HostsOrdered = Metric{Name: "HostsOrdered", Unit: Count, Dimensions: perPool}
	// HostsRetired counts hosts that were empty and not needed, and are gone.
	HostsRetired = Metric{Name: "HostsRetired", Unit: Count, Dimensions: perPool}
	// LeadTime is the time from the decision that a host is wanted to its slots being available.
	LeadTime = Metric{Name: "LeadTime", Unit: Seconds, Dimensions: perPool}
	// HostsRepaired counts share hosts that were mended, or changed as somebody wanted it, by the way that helped.
	HostsRepaired = Metric{Name: "HostsRepaired", Unit: Count, Dimensions: perWay, AlsoOfStage: true}
	// ZonesFailing is how many zones seem to fail: hosts in them went down shortly after one another.
	ZonesFailing = Metric{Name: "ZonesFailing", Unit: Count, Dimensions: perStage}
	// InventoryGrave is how many of InventoryDiffers mean that tenants can't reach what is theirs, or others may. Each host of
	// theirs that is lost, or a database host that is down, measures 1 of its own.
	InventoryGrave = Metric{Name: "InventoryGrave", Unit: Count, Dimensions: perStage}
	// InventoryDiffers is how many things AWS has otherwise than the ledger says, or could not be looked at, each found more
	// than once.
	InventoryDiffers = Metric{Name: "InventoryDiffers", Unit: Count, Dimensions: perStage}
	// AuditBehind is how far the copy of the audit is behind, at each round that copies.
	AuditBehind = Metric{Name: "AuditBehind", Unit: Seconds, Dimensions: perStage}
	// AuditLost is how many lines of the audit, of the last two weeks, were changed or taken away since they were copied.
	AuditLost = Metric{Name: "AuditLost", Unit: Count, Dimensions: perStage}
	// RepairsAsking counts times that a repair asked for a person's word.
	RepairsAsking = Metric{Name: "RepairsAsking", Unit: Count, Dimensions: perStage}
	// UnwritableTime is how long tenants of a host that was mended could not write, from the first sign of it.
	UnwritableTime = Metric{Name: "UnwritableTime", Unit: Seconds, Dimensions: perStage}
	// ArchiveAge is for how long a tenant has been leaving whose data is not proven to be archived, at each of its steps.
	ArchiveAge = Metric{Name: "ArchiveAge", Unit: Seconds, Dimensions: perStage}
	// ScrubAge is for how long a slot has been scrubbed that is not proven clean, at each of its steps.
	ScrubAge = Metric{Name: "ScrubAge", Unit: Seconds, Dimensions: perStage}
	// StopAge is for how long a level of the stop switch (order, repair, destroy) has been on; 0: it is off.
	StopAge = Metric{Name: "StopAge", Unit: Seconds, Dimensions: perOf, AlsoOfStage: true}
	// StepsOverdue counts steps that were past their deadlines, and were tried again.
	StepsOverdue = Metric{Name: "StepsOverdue", Unit: Count, Dimensions: perOf, AlsoOfStage: true}
	// StepsGivenUp counts steps that were tried too often.
	StepsGivenUp = Metric{Name: "StepsGivenUp", Unit: Count, Dimensions: perOf, AlsoOfStage: true}
)

// Catalogue is every metric that Headroom emits.
var Catalogue = []Metric{
	SignupsReady, SignupsWaiting, SignupsRejected, TenantsReleased, RequestsRejected, TimeToReady, PolicyInvalid, PoolChecks, EventsIgnored,
	TenantsWaiting, LongestWait,
	SlotsFree, SlotsAssigned, TenantsOnFullest, SlotsProvisioning, SlotsLeaving, SlotsCooling, SlotsQuarantined, BufferFree,
	TimeToEmpty, TimeToEmptyEarly, WaitRisk, LeadTimeLong, DaysToCeiling, MoneySpent, MoneyIdle, MoneyCapUsed, QuotaUsed, QuotasUnknown,
	Hosts, HostsOfKind, HostsInService, HostsProvisioning, HostsCordoned, HostsQuarantined, CeilingUsed,
	HostsFailed, FailuresInARow, HostsOrdered, HostsRetired, LeadTime,
	HostsRepaired, RepairsAsking, UnwritableTime, ZonesFailing, InventoryGrave, InventoryDiffers, AuditBehind, AuditLost,
	ArchiveAge, ScrubAge, StopAge, StepsOverdue, StepsGivenUp,
}
