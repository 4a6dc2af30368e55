package poolcheck

import (
	"context"
	"fmt"
	"math"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// measureAhead measures what is spent and used up, and what lies ahead of a tier that can be signed up for.
func (h *Handler) measureAhead(ctx context.Context, v view) error {
	if h.Metrics.Silent() {
		return nil
	}
	h.measureMoney(v)
	if !v.asked { // it was nothing to be ordered
		var err error
		if v.Sight, err = ledger.LookAtQuotas(ctx, h.Ledger, v.Sight); err != nil {
			return fmt.Errorf("read the quotas, to measure them: %w", err)
		}
	}
	h.measureQuotas(v)
	if !v.Document.Pools.Serves(v.Tier) {
		return nil
	}
	ahead := v.Seen().Ahead(v.At)
	tier := h.Metrics.Tier(string(v.Tier))
	tier.Duration(telemetry.TimeToEmpty, ahead.Empty)
	tier.Duration(telemetry.TimeToEmptyEarly, ahead.Early)
	tier.Gauge(telemetry.WaitRisk, int(math.Round(100*ahead.Risk)))
	for _, kind := range pool.Kinds {
		m := h.Metrics.Pool(string(kind), string(v.Tier))
		m.Duration(telemetry.LeadTimeLong, v.Records[kind].LeadTimes(v.Policy(kind), v.At).P90())
		m.Gauge(telemetry.DaysToCeiling, ahead.Days[kind])
	}
	return nil
}

// measureQuotas measures how much of each quota is used, of those that are known.
func (h *Handler) measureQuotas(v view) {
	known, unknown := v.Quotas.Reach(v.Document, v.Hosts, v.At)
	for _, q := range known {
		h.Metrics.Of(q.Name).Gauge(telemetry.QuotaUsed, q.Percent())
	}
	if len(v.Quotas.Seen) > 0 {
		h.Metrics.Gauge(telemetry.QuotasUnknown, len(unknown))
	}
}

func (h *Handler) measureMoney(v view) {
	h.Metrics.Gauge(telemetry.MoneySpent, int(math.Ceil(v.Spent.Dollars())))
	used := 0
	if most := v.Document.Cap(); most > 0 {
		used = int(100 * v.Spent / most)
	}
	h.Metrics.Gauge(telemetry.MoneyCapUsed, used)
}

// measure measures a pool, of which so many slots are wanted free.
func (h *Handler) measure(o pool.Observed, p pool.Policy, buffer int) {
	c := o.Record.Counters
	m := h.Metrics.Pool(string(p.Kind), string(p.Tier))
	m.Gauge(telemetry.SlotsFree, o.Free(p))
	m.Gauge(telemetry.MoneyIdle, idle(o.Free(p), p))
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

// idle is what free slots cost, in dollars a month.
func idle(free int, p pool.Policy) int {
	if p.SlotsPerHost == 0 {
		return 0
	}
	return int(math.Round(p.HostPrice * float64(free) / float64(p.SlotsPerHost)))
}

// percent is how much of a whole there is; of nothing there is all.
func percent(part, whole int) int {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}
