package poolcheck

import (
	"math"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// measureAhead measures what is spent, and what lies ahead of a tier that can be signed up for.
func (h *Handler) measureAhead(v view) {
	h.measureMoney(v)
	if !v.doc.Pools.Serves(v.tier) {
		return
	}
	ahead := v.seen().Ahead(v.at)
	tier := h.Metrics.Tier(string(v.tier))
	tier.Duration(telemetry.TimeToEmpty, ahead.Empty)
	tier.Duration(telemetry.TimeToEmptyEarly, ahead.Early)
	tier.Gauge(telemetry.WaitRisk, int(math.Round(100*ahead.Risk)))
	for _, kind := range pool.Kinds {
		m := h.Metrics.Pool(string(kind), string(v.tier))
		m.Duration(telemetry.LeadTimeLong, v.records[kind].LeadTimes(v.policy(kind), v.at).P90())
		m.Gauge(telemetry.DaysToCeiling, ahead.Days[kind])
	}
}

func (h *Handler) measureMoney(v view) {
	h.Metrics.Gauge(telemetry.MoneySpent, int(math.Ceil(v.spent.Dollars())))
	used := 0
	if most := v.doc.Cap(); most > 0 {
		used = int(100 * v.spent / most)
	}
	h.Metrics.Gauge(telemetry.MoneyCapUsed, used)
}

// measure measures a pool, of which so many slots are wanted free.
func (h *Handler) measure(o pool.Observed, p pool.Policy, buffer int) {
	c := o.Record.Counters
	m := h.Metrics.Pool(string(p.Kind), string(p.Tier))
	m.Gauge(telemetry.SlotsFree, o.Free(p))
	m.Gauge(telemetry.SlotsAssigned, o.Assigned())
	m.Gauge(telemetry.SlotsProvisioning, c.ProvisioningSlots)
	m.Gauge(telemetry.SlotsLeaving, c.Leaving)
	m.Gauge(telemetry.SlotsCooling, c.Cooling)
	m.Gauge(telemetry.SlotsQuarantined, c.GivenUp)
	m.Gauge(telemetry.BufferFree, percent(o.Free(p), buffer))
	m.Gauge(telemetry.Hosts, c.Hosts)
	m.Gauge(telemetry.HostsInService, c.InService)
	m.Gauge(telemetry.HostsProvisioning, c.Provisioning)
	m.Gauge(telemetry.HostsCordoned, c.Cordoned)
	m.Gauge(telemetry.HostsQuarantined, c.Quarantined)
	m.Gauge(telemetry.FailuresInARow, o.Record.Failures)
	m.Gauge(telemetry.CeilingUsed, percent(c.Hosts, p.Ceiling))
}

// percent is how much of a whole there is; of nothing there is all.
func percent(part, whole int) int {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}
