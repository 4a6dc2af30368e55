package recovery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// Look is what was looked at beyond an inventory.
type Look struct {
	Databases map[pool.HostID][]pool.FoundDatabase // of the database hosts that answered
	Blind     map[pool.HostID]string               // why a host's databases could not be looked at
	Full      map[string]string                    // what is in the buckets of shares, by their ARNs; empty: nothing
}

// complete are the statuses of a stack that is whole, and that nothing is done to.
var complete = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}

// Hosts are the hosts that bear a stage's marks, by an inventory: what has to be looked into. Of a name that is foreign, or that
// is deleted, there is none. One that is not whole, as while it is deleted, or when that failed, is not gone, and not empty.
func Hosts(stage string, seen inventory.Seen) map[pool.HostID]Host {
	hosts := map[pool.HostID]Host{}
	for _, s := range seen.Stacks {
		id := pool.HostID(s.Marks.Host)
		key, _, err := id.Parse()
		if s.Marks.Stage != stage || s.Marks.Order == "" || err != nil || s.Status == "DELETE_COMPLETE" {
			continue
		}
		if _, another := hosts[id]; another && strings.HasPrefix(s.Status, "DELETE_") {
			continue
		}
		port, _ := strconv.Atoi(s.Outputs["Port"])
		h := Host{Order: s.Marks.Order, Stack: pool.Stack{Name: s.Name, ID: s.ID}, Whole: slices.Contains(complete, s.Status)}
		if key.Kind == pool.Database {
			h.Access = pool.Access{Address: s.Outputs["Address"], Port: port, MasterSecret: s.Outputs["MasterSecretArn"]}
			h.Whole = h.Whole && h.Access.Address != "" && h.Access.MasterSecret != ""
		} else {
			h.Access = pool.Access{
				Address: s.Outputs["DnsName"], Appliance: s.Outputs["ApplianceAddress"], SecurityGroup: s.Outputs["SecurityGroupId"],
				Machine: s.Outputs["MachineId"], Cache: s.Sided("CacheVolumeId"),
			}
			h.gateway(s, seen)
			h.shares(s, seen)
		}
		if !h.Whole && h.Blind == "" {
			h.Blind = "its stack is " + s.Status + ", or not all that it names could be found"
		}
		hosts[id] = h
	}
	return hosts
}

// gateway finds the gateway that a host's stack names, or the only one that bears its marks.
func (h *Host) gateway(s inventory.Stack, seen inventory.Seen) {
	var marked []string
	for _, g := range seen.Gateways {
		if g.Marks.Host == s.Marks.Host && g.Marks.Order == s.Marks.Order {
			marked = append(marked, g.ARN)
		}
	}
	for _, arn := range marked {
		if len(marked) == 1 || (pool.Access{Gateway: arn}).GatewayID() == s.Parameters["GatewayId"] {
			h.Access.Gateway = arn
		}
	}
	h.Whole = h.Whole && h.Access.Gateway != "" && h.Access.Machine != "" && h.Access.Cache != ""
	for _, u := range seen.Unseen {
		if u.Of != "" && u.Of == h.Access.Gateway {
			h.Blind = "its gateway could not be looked at: " + u.Why
		}
	}
}

// shares finds the slots of a share host: the shares of its gateway over its buckets.
func (h *Host) shares(s inventory.Stack, seen inventory.Seen) {
	marks, unseen := map[string]string{}, map[string]string{}
	for _, b := range seen.Buckets {
		marks[b.Name] = b.Slot
	}
	for _, u := range seen.Unseen {
		if u.Sort == inventory.Buckets {
			unseen[u.Of] = u.Why
		}
	}
	for index := 1; ; index++ {
		bucket := s.Outputs[fmt.Sprintf("Bucket%02d", index)]
		if bucket == "" {
			return
		}
		if why := unseen[pool.BucketName(bucket)]; why != "" && h.Blind == "" {
			h.Blind = "bucket " + pool.BucketName(bucket) + " could not be looked at: " + why
		}
		h.Whole = h.Whole && s.Sided(fmt.Sprintf("Role%02d", index)) != ""
		for _, share := range seen.Shares {
			generation, err := strconv.Atoi(share.Generation)
			if share.Goes() || share.Gateway != h.Access.Gateway || share.Bucket != bucket || share.Marks.Order != s.Marks.Order || err != nil {
				continue
			}
			is := Slot{
				Index: index, Generation: generation, Name: share.Name, Bucket: bucket, Role: s.Sided(fmt.Sprintf("Role%02d", index)), Share: share.ID,
				Tenant: pool.TenantID(share.Tenant), Clients: share.Clients,
				Open: !slices.Equal(share.Clients, []string{pool.Nobody}),
			}
			// While one is made anew, its bucket bears the next generation's mark.
			of := pool.Host{ID: pool.HostID(s.Marks.Host), Mark: s.Marks.Order}
			is.Holds = is.Open || marks[pool.BucketName(bucket)] != of.SlotMark(pool.Slot{Index: index, Generation: generation})
			h.Slots = append(h.Slots, is)
		}
	}
}

// Gather puts together what was found.
func Gather(b inventory.Books, seen inventory.Seen, look Look) Found {
	f := Found{At: seen.At, Nobody: b.Nobody, Hosts: Hosts(b.Stage, seen)}
	for _, u := range seen.Unseen {
		if u.Of == "" && u.Sort != inventory.Alarms && u.Sort != inventory.Groups {
			f.Blind = append(f.Blind, fmt.Sprintf("could not look at %s: %s", u.Sort, u.Why))
		}
	}
	for id, h := range f.Hosts {
		if why := look.Blind[id]; why != "" {
			h.Blind = why
		}
		for _, d := range look.Databases[id] {
			if h.Blind != "" {
				break
			}
			host, order, index, generation, ok := pool.ParseSlotMark(d.Mark)
			if ok && host == id && order == h.Order {
				h.Slots = append(h.Slots, Slot{Index: index, Generation: generation, Name: d.Name, Open: d.Open, Holds: d.Holds})
			}
		}
		for i := range h.Slots {
			if s := &h.Slots[i]; s.Bucket != "" && look.Full[s.Bucket] != "" {
				s.Holds, s.Full = true, true
			}
		}
		f.Hosts[id] = h
	}
	for _, s := range seen.Secrets {
		if tenant, mark, ok := b.SecretOf(s.Name); ok {
			f.Secrets = append(f.Secrets, Secret{Tenant: tenant, Mark: mark, ARN: s.ARN, Database: s.Tags["headroom:database"], Made: s.Made})
		}
	}
	slices.SortFunc(f.Secrets, func(a, b Secret) int {
		return slices.Compare([]string{string(a.Tenant), a.Mark}, []string{string(b.Tenant), b.Mark})
	})
	return f
}
