package operator

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// lookBack is what the alarms on the inventory look back for (the control plane's, by name): for so long they ring after what
// they told of is over.
const lookBack = 30 * time.Minute

// setAside says of alarms that are on, and that nobody has to do anything about, why that is so: their hosts are being made,
// or what they told of is over. lost tells whether something that tenants have is lost with its host.
func (o *Operator) setAside(ctx context.Context, on []Alarm, hosts []pool.Host, lost bool) error {
	states := map[pool.HostID]pool.HostState{}
	for _, h := range hosts {
		states[h.ID] = h.State
	}
	for i := range on {
		if host, is := pool.HostOfAlarm("headroom-"+o.Stage+"-", on[i].Alarm); is && states[host].Provisioning() {
			on[i].Aside = fmt.Sprintf("host %s is being made: it goes into service once its alarms are off", host)
			continue
		}
		over, err := o.over(ctx, on[i], hosts, lost)
		if err != nil {
			return err
		}
		on[i].Aside = over
	}
	return nil
}

// over says that what an alarm on the inventory told of is over, by the last look and by the hosts; empty: it is not, or the
// alarm is another.
func (o *Operator) over(ctx context.Context, a Alarm, hosts []pool.Host, lost bool) (string, error) {
	_, what := a.part(o.Stage)
	grave := what == "inventory-grave"
	if what != "inventory-differs" && !grave {
		return "", nil
	}
	s, err := o.Ledger.Sightings(ctx)
	if err != nil {
		return "", err
	}
	if s.Stands(grave) || grave && lost || !s.At.After(a.Since) {
		return "", nil
	}
	clear := s.At
	for _, h := range hosts {
		if !grave {
			break
		}
		// A host that is lost or down is measured without a look at AWS.
		if h.OutOfReach(o.Now()) {
			return "", nil
		}
		if (h.State == pool.HostInService || h.State == pool.HostLost) && h.Since.After(clear) {
			clear = h.Since
		}
	}
	return fmt.Sprintf("over: the look at %s found nothing more; the alarm clears by about %s", s.At.UTC().Format(time.RFC3339), clear.Add(lookBack).UTC().Format(time.RFC3339)), nil
}
