package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// abandoned reads what was given up and lies still, so that no deadline names it: departures and clearances. notes are
// restorations and moves that came to nothing.
func (o *Operator) abandoned(ctx context.Context) (needs, notes []Need, err error) {
	departures, clearances, failed, err := o.Ledger.GivenUp(ctx)
	return stuckLeaving(departures, clearances), failedRestorations(failed), err
}

// stuckLeaving are the departures and clearances that do not come on.
func stuckLeaving(departures []pool.Departure, clearances []pool.Clearance) []Need {
	var needs []Need
	for _, d := range departures {
		if !d.State.Ended() {
			needs = append(needs, Need{
				What: fmt.Sprintf("step %s of departure %s was given up: %s", d.Stuck, d.ID(), d.Error), Do: "headroom departure resume " + string(d.ID()) + " --reason …",
			})
		}
	}
	for _, c := range clearances {
		switch {
		case c.State == pool.ClearanceQuarantined:
			needs = append(needs, Need{
				What: fmt.Sprintf("the %s of departure %s, slot %s, is quarantined since step %s: %s", c.Kind, c.Departure, slotName(c.Holding), c.Stuck, because(c)),
				Do:   fmt.Sprintf("headroom departure again %s %s --reason …", c.Departure, c.Kind),
			})
		case !c.State.Ended():
			needs = append(needs, Need{
				What: fmt.Sprintf("step %s of the %s of departure %s was given up: %s", c.Stuck, c.Kind, c.Departure, c.Error),
				Do:   "headroom departure resume " + string(c.Departure) + " --reason …",
			})
		}
	}
	slices.SortFunc(needs, func(a, b Need) int { return strings.Compare(a.What, b.What) })
	return needs
}

// because is why a clearance was quarantined: its last error, or what was found.
func because(c pool.Clearance) string {
	if c.Error != "" || len(c.History) == 0 {
		return c.Error
	}
	return c.History[len(c.History)-1].Why
}

// unclean are the hosts with slots that are quarantined. Doctor names the departures that they wait for.
func unclean(hosts []pool.Host) []Need {
	var needs []Need
	for _, h := range hosts {
		if n := h.GivenUp(); n > 0 && h.State.Live() {
			needs = append(needs, Need{
				What: fmt.Sprintf("%s of host %s %s in quarantine", count(n, "slot"), h.ID, be(n, "is", "are")), Do: "headroom host show " + string(h.ID),
			})
		}
	}
	return needs
}

// unfinished are the repairs, restorations and moves that do not come on: they have a deadline until they are ended.
func (o *Operator) unfinished(ctx context.Context) ([]Need, error) {
	repairs, err := o.repairNeeds(ctx)
	if err != nil {
		return nil, err
	}
	restorations, err := o.restorationNeeds(ctx)
	return append(repairs, restorations...), err
}

// repairNeeds are the repairs that ask, or whose step is tried over and over.
func (o *Operator) repairNeeds(ctx context.Context) ([]Need, error) {
	ids, err := o.Ledger.OverdueRepairs(ctx, forever, dueSeen)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	var needs []Need
	for _, id := range ids {
		r, err := o.Ledger.Repair(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch {
		case r.State == pool.RepairAsking:
			needs = append(needs, Need{What: fmt.Sprintf("repair %s asks for a person's word: %s", r.ID(), r.Asked), Do: "headroom host explain " + string(id)})
		case !r.State.Ended() && r.Tries > pool.MaxTries:
			needs = append(needs, Need{What: tried("repair "+r.ID(), r.Progress), Do: "headroom host explain " + string(id)})
		}
	}
	return needs, nil
}

// restorationNeeds are the restorations and moves with a step that is not given up, and tried over and over.
func (o *Operator) restorationNeeds(ctx context.Context) ([]Need, error) {
	ids, err := o.Ledger.OverdueRestorations(ctx, forever, dueSeen)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	var needs []Need
	for _, id := range ids {
		r, err := o.Ledger.Restoration(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !r.State.Ended() && r.Tries > pool.MaxTries {
			needs = append(needs, Need{What: tried("restoration "+string(r.ID()), r.Progress), Do: "headroom tenant explain " + string(id)})
		}
	}
	return needs, nil
}

func tried(what string, p pool.Progress) string {
	return fmt.Sprintf("step %s of %s was tried %d times: %s", p.Step, what, p.Tries, p.Error)
}

// failedRestorations are those that came to nothing, which nobody wished. Their tenants are as they were before.
func failedRestorations(failed []pool.Restoration) []Need {
	var notes []Need
	for _, r := range failed {
		if r.State.Ended() {
			notes = append(notes, Need{What: fmt.Sprintf("restoration %s came to nothing: %s", r.ID(), r.Why), Do: "headroom tenant explain " + string(r.Tenant)})
		}
	}
	slices.SortFunc(notes, func(a, b Need) int { return strings.Compare(a.What, b.What) })
	return notes
}

// lostNeeds are the hosts that are lost, by their tenants' own records, of whoever still has a slot there: nothing brings that
// back by itself.
func (o *Operator) lostNeeds(ctx context.Context, hosts []pool.Host) ([]Need, error) {
	var needs []Need
	for _, h := range hosts {
		if h.State != pool.HostLost {
			continue
		}
		had := map[pool.TenantID]bool{}
		for _, s := range h.Slots {
			if s.Tenant != "" && s.State == pool.SlotAssigned {
				had[s.Tenant] = true
			}
		}
		tenants, err := o.Ledger.Tenants(ctx, slices.Sorted(maps.Keys(had)))
		if err != nil {
			return nil, err
		}
		var have []string
		for _, id := range slices.Sorted(maps.Keys(tenants)) {
			if t := tenants[id]; t.State != pool.TenantLeft && (t.Database.Host == h.ID || t.Share.Host == h.ID) {
				have = append(have, string(id))
			}
		}
		if len(have) > 0 {
			needs = append(needs, Need{
				What: fmt.Sprintf("host %s is lost since %s, and %s had what is theirs there: %s", h.ID, h.Since.UTC().Format(time.RFC3339), count(len(have), "tenant"), strings.Join(have, ", ")),
				Do:   "headroom host show " + string(h.ID), Severity: "page",
			})
		}
	}
	return needs, nil
}
