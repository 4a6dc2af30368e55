package stackcomplete

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	settleWait  = 20 * time.Second // between two looks at the alarms of a host that is ready
	settleLooks = 30               // after which it is cordoned; together longer than metrics take to be seen
)

// putIntoService puts a host that is ready into service. One that is not settled waits for that first: that it sent
// nothing while it was made is no reason to take it out of service as soon as it is in it.
func (h *Handler) putIntoService(host pool.Host) (progress, error) {
	if unsettled(host) != nil {
		return progress{Record: pool.Begin(host, pool.StepSettle, h.Now())}, nil
	}
	return h.finish(host)
}

// settle looks at what the host's alarms have said by now. What is still on after some minutes is meant, and what has said
// nothing until then has got lost, or the host's template knows no such alarm.
func (h *Handler) settle(_ context.Context, host pool.Host) (progress, error) {
	if why := unsettled(host); why != nil && host.Count < settleLooks {
		return progress{Record: host, Wait: settleWait, Because: why}, nil
	}
	return h.finish(host)
}

// unsettled says why a host should not go into service yet: an alarm of it is on; or the one on its machine, for which
// silence is bad, was not heard of yet. A share host may be made faster than that alarm rings because of the time before.
func unsettled(host pool.Host) error {
	if on := host.Alarmed(); len(on) > 0 {
		return fmt.Errorf("alarms are on: %s", strings.Join(on, ", "))
	}
	machine := host.Stack.Name + "-status"
	if _, heard := host.Alarms[machine]; host.Kind == pool.Share && !heard {
		return fmt.Errorf("alarm %s has said nothing yet", machine)
	}
	return nil
}

// finish puts a host that is ready into service, or cordons it straight away when an alarm of it is on. From
// the record on its slots count; the announcement is a step of its own, so that it is made even when this
// invocation is killed.
func (h *Handler) finish(host pool.Host) (progress, error) {
	now := h.Now()
	host = host.Clone()
	for i := range host.Slots {
		if host.Slots[i].State != pool.SlotPlanned {
			continue
		}
		made, err := pool.MoveSlot(host.Slots[i], pool.SlotFree, now)
		if err != nil {
			return progress{}, fmt.Errorf("put host %s into service: %w", host.ID, err)
		}
		host.Slots[i] = made
	}
	state, why := pool.HostInService, fmt.Sprintf("its %d slots are ready", len(host.Slots))
	if on := host.Alarmed(); len(on) > 0 {
		state, why = pool.HostCordoned, "its slots are ready, and alarms were on before: "+strings.Join(on, ", ")
	} else if host.ByHand != "" {
		state, why = pool.HostCordoned, "its slots are ready, and it is cordoned by hand, by "+host.ByHand
	}
	host, err := pool.MoveHost(host, state, now, why)
	if err != nil {
		return progress{}, fmt.Errorf("put host %s into service: %w", host.ID, err)
	}
	host.Set = now.UTC()
	return progress{Record: pool.Begin(host, pool.StepAnnounce, now), Outcome: pool.Succeeded}, nil
}

// announce announces what the host has come to. A host that failed is deleted next; any other is at rest.
// That a host is quarantined is for the pool check to announce.
func (h *Handler) announce(ctx context.Context, host pool.Host) (progress, error) {
	switch host.State {
	case pool.HostDeleting:
	case pool.HostQuarantined:
		return progress{Leave: true}, nil
	default:
		return progress{Leave: true}, h.Announce.Host(ctx, host)
	}
	record, err := h.Ledger.Pool(ctx, host.Key())
	if err != nil {
		return progress{}, fmt.Errorf("read pool %s: %w", host.Key(), err)
	}
	if err := h.Announce.HostFailed(ctx, host, record); err != nil {
		return progress{}, err
	}
	return progress{Record: pool.Begin(host, pool.StepDelete, h.Now())}, nil
}
