package endtoend

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/pool"
)

// haste makes minutes pass in a moment: what has been as it is for that long is made to look as if
// it had been so for hours. So nobody has to wait for what only a deadline brings back to life.
type haste struct {
	s     *system
	since map[string]time.Time // when something was first seen as it is
}

// moment is how long things are left alone.
const moment = 2 * time.Second

// hurry lets time pass until stop is called, or the test is over.
func (s *system) hurry(tb testing.TB) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	var running sync.WaitGroup
	running.Go(func() { s.passTime(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	tb.Cleanup(stop)
	return stop
}

func (s *system) passTime(ctx context.Context) {
	h := &haste{s: s, since: map[string]time.Time{}}
	for ctx.Err() == nil {
		// What fails is tried again soon; a conflict means that something has just moved on.
		_ = h.deadlines(ctx)
		select {
		case <-time.After(moment / 4):
		case <-ctx.Done():
		}
	}
}

// old says that something has been as it is for a moment.
func (h *haste) old(as string) bool {
	first, known := h.since[as]
	if !known {
		h.since[as] = time.Now()
	}
	return known && time.Since(first) > moment
}

// deadlines moves deadlines to now: of orders that were recorded and not made, of hosts that are not announced, of tenants, and of their ways out. Of
// all that is under way only these may be nobody's until their deadline. Tries are not counted: whoever
// fails more often than anybody ever did needs more of them than there are.
func (h *haste) deadlines(ctx context.Context) error {
	until := h.s.Clock.Now().Add(24 * time.Hour)
	hosts, err := h.s.ledger.OverdueHosts(ctx, until, 100)
	if err != nil {
		return err
	}
	for _, id := range hosts {
		if err := h.host(ctx, id); err != nil {
			return err
		}
	}
	tenants, err := h.s.ledger.OverdueTenants(ctx, until, 100)
	if err != nil {
		return err
	}
	for _, id := range tenants {
		if err := h.tenant(ctx, id); err != nil {
			return err
		}
	}
	return h.waysOut(ctx, until)
}

// waysOut moves the deadlines of departures and of clearances. What rests ends when it is to, and not before.
func (h *haste) waysOut(ctx context.Context, until time.Time) error {
	departures, err := h.s.ledger.OverdueDepartures(ctx, until, 100)
	if err != nil {
		return err
	}
	for _, id := range departures {
		d, err := h.s.ledger.Departure(ctx, id)
		if err != nil {
			return err
		}
		late := d.Clone()
		if h.late(string(id), &late.Progress) {
			if _, err := h.s.ledger.SaveDeparture(ctx, d, late); err != nil {
				return err
			}
		}
	}
	clearances, err := h.s.ledger.OverdueClearances(ctx, until, 100)
	if err != nil {
		return err
	}
	for _, id := range clearances {
		c, err := h.s.ledger.Clearance(ctx, id)
		if err != nil {
			return err
		}
		late := c.Clone()
		if h.late(string(id), &late.Progress) {
			if _, err := h.s.ledger.SaveClearance(ctx, c, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// late makes what is under way overdue, if it has been so for a moment.
func (h *haste) late(id string, p *pool.Progress) bool {
	now := h.s.Clock.Now()
	if p.Due.IsZero() || p.Step == pool.StepGrace || p.Step == pool.StepCool || !h.old(id+" "+p.Due.String()) || p.Due.Before(now) {
		return false
	}
	p.Due, p.Tries = now.Add(-time.Second), 0
	return true
}

func (h *haste) host(ctx context.Context, id pool.HostID) error {
	host, err := h.s.ledger.Host(ctx, id)
	if err != nil {
		return err
	}
	now := h.s.Clock.Now()
	if host.Step != pool.StepOrder && host.Step != pool.StepAnnounce || !h.old(string(id)+" "+host.Due.String()) || host.Due.Before(now) {
		return nil
	}
	late := host.Clone()
	late.Due, late.Tries = now.Add(-time.Second), 0
	return h.s.ledger.SaveHost(ctx, host, late, pool.Neutral, now)
}

func (h *haste) tenant(ctx context.Context, id pool.TenantID) error {
	tenant, err := h.s.ledger.Tenant(ctx, id)
	if err != nil {
		return err
	}
	now := h.s.Clock.Now()
	if tenant.Due.IsZero() || !h.old(string(id)+" "+tenant.Due.String()) || tenant.Due.Before(now) {
		return nil
	}
	late := tenant
	late.Due, late.Tries = now.Add(-time.Second), 0
	_, err = h.s.ledger.SaveTenant(ctx, tenant, late)
	return err
}

// liftLimits lets queues bring a message back as often as it takes: here one message fails more often
// than a queue would put up with.
func (s *system) liftLimits(tb testing.TB) {
	tb.Helper()
	client := sqs.NewFromConfig(s.AWS())
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		policy, ok := r.Properties["RedrivePolicy"].(map[string]any)
		if r.Type != "AWS::SQS::Queue" || !ok {
			continue
		}
		policy = maps.Clone(policy)
		policy["maxReceiveCount"] = 1000
		text, err := json.Marshal(policy)
		must(tb, err)
		_, err = client.SetQueueAttributes(tb.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl: &r.PhysicalID, Attributes: map[string]string{"RedrivePolicy": string(text)},
		})
		must(tb, err)
	}
}
