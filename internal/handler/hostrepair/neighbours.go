package hostrepair

import (
	"context"
	"slices"

	"headroom/events"
	"headroom/internal/pool"
)

// neighbourLooks is at how many hosts of a zone is looked before one of it is mended: where a zone fails, any of them tells.
const neighbourLooks = 6

// zoneFell reports whether the zone of a host that would be admitted now seems to fail, by what is known and by a look at its
// neighbours there: alarms ring minutes after one another for what fell at once, and the first that is noticed would be repaired
// into its zone meanwhile. Those that are ill have their round at once, by which they are put in doubt.
func (h *Handler) zoneFell(ctx context.Context, host pool.Host, r pool.Repair, record pool.Record, storm pool.Storm) (bool, error) {
	if slices.Contains(storm.FailingZones(h.Now()), host.Zone) {
		return true, nil
	}
	w, err := h.Ledger.Ward(ctx, host.Key())
	if err != nil || w.Admitted(host.ID) {
		return false, err
	}
	w, why := w.Enter(patient(host, r), record.Counters.Hosts, h.Now())
	if why != "" {
		return false, nil // it waits for that
	}
	ids := make([]pool.HostID, 0, record.Seq)
	for n := range record.Seq {
		ids = append(ids, host.Key().Host(n+1))
	}
	hosts, err := h.Ledger.Hosts(ctx, ids)
	if err != nil {
		return false, err
	}
	looks := 0
	for _, id := range ids {
		n := hosts[id]
		known := slices.ContainsFunc(w.Patients, func(p pool.Patient) bool { return p.Host == id })
		if id == host.ID || known || n.Zone != host.Zone || n.State != pool.HostInService && n.State != pool.HostCordoned {
			continue
		}
		if looks++; looks > neighbourLooks {
			break
		}
		f, err := h.look(ctx, n, n.Access.Machine)
		if err != nil { // it says nothing of the neighbour, and keeps nobody from being mended
			h.Log.WarnContext(ctx, "a neighbour can't be looked at", "host", id, "error", err)
			continue
		}
		d := pool.Diagnose(f)
		if d.Well || d.Wait {
			continue
		}
		if n.State == pool.HostInService {
			if err := h.Steps.Send(ctx, events.NewHostRound(string(id), roundLooks), 0); err != nil {
				return false, err
			}
		}
		if d.Cut { // it serves: that says nothing of its zone
			continue
		}
		if w = w.Note(pool.Patient{Host: id, Zone: n.Zone}, h.Now()); slices.Contains(w.FailingZones(h.Now()), host.Zone) {
			return true, nil
		}
	}
	return false, nil
}
