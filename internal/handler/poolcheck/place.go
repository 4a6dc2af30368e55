package poolcheck

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"headroom/internal/pool"
)

// images knows what a gateway's machine is made from.
type images interface {
	Newest(ctx context.Context) (id string, err error)
}

// place completes an order by what the host is made of and where. That is recorded before anything is
// made: an order that is repeated later makes the same, whatever is newest then. Hosts are not placed where others fell ill
// together.
func (h *Handler) place(ctx context.Context, host pool.Host) (pool.Host, error) {
	_, seq, err := host.ID.Parse()
	if err != nil {
		return host, fmt.Errorf("place the next host: %w", err)
	}
	failing, err := h.failingZones(ctx, host.Tier)
	if err != nil {
		return host, fmt.Errorf("look which zones are well for %s, which is not ordered: %w", host.ID, err)
	}
	hosts, err := h.zones(ctx, host.Key(), seq)
	if err != nil {
		return host, fmt.Errorf("look where the hosts of %s are, which is not ordered: %w", host.Key(), err)
	}
	zone, avoided := pool.ZoneBut(seq, h.Templates[host.Kind].Zones, hosts, failing)
	if host.Zone = zone.Name; avoided != "" {
		host = pool.ForReason(host, host.Why+"; "+avoided)
	}
	if host.Kind != pool.Share {
		return host, nil
	}
	if host.Image, err = h.Images.Newest(ctx); err != nil {
		return host, fmt.Errorf("choose the image of %s, which is not ordered: %w", host.ID, err)
	}
	return host, nil
}

// zonesOf is how many of the hosts that were ordered last are looked at for where a pool's hosts are: as many as one request to
// DynamoDB reads (BatchGetItem's limit), however many a pool has had in its life.
const zonesOf = 100

// zones are how many live hosts of a pool are in each zone, of the zonesOf before number seq.
func (h *Handler) zones(ctx context.Context, key pool.Key, seq int) (map[string]int, error) {
	var ids []pool.HostID
	for n := max(1, seq-zonesOf); n < seq; n++ {
		ids = append(ids, key.Host(n))
	}
	hosts, err := h.Ledger.Hosts(ctx, ids)
	if err != nil {
		return nil, err
	}
	in := map[string]int{}
	for _, host := range hosts {
		if host.State.Live() && host.State != pool.HostRetiring {
			in[host.Zone]++
		}
	}
	return in, nil
}

// failingZones are the zones that seem to fail, as a tier sees it. What its gateways tell of a zone holds for its databases, too.
func (h *Handler) failingZones(ctx context.Context, tier pool.Tier) ([]string, error) {
	storm, err := h.Ledger.Storm(ctx)
	if err != nil {
		return nil, err
	}
	ward, err := h.Ledger.Ward(ctx, pool.Key{Kind: pool.Share, Tier: tier}) // databases have none
	return pool.FailingZones(storm, ward, h.Now()), err
}

// parameters are those of a host's stack that differ from host to host.
func (h *Handler) parameters(host pool.Host) (map[string]string, error) {
	own := map[string]string{"HostId": string(host.ID), "Tier": string(host.Tier), "OrderMark": host.Mark}
	if host.Zone != "" {
		own["AvailabilityZone"] = host.Zone
	}
	if host.Kind != pool.Share {
		return own, nil
	}
	zones := h.Templates[host.Kind].Zones
	at := slices.IndexFunc(zones, func(z pool.Zone) bool { return z.Name == host.Zone })
	if at < 0 {
		return nil, fmt.Errorf("host %s was to be placed in zone %q, which there is not any more", host.ID, host.Zone)
	}
	own["SubnetId"], own["ImageId"], own["Slots"] = zones[at].Subnet, host.Image, strconv.Itoa(host.Size)
	return own, nil
}
