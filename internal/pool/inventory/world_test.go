package inventory

import (
	"fmt"
	"time"

	"headroom/internal/pool"
)

// now is long after everything in the tests' world came to rest.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a stage with a database and a share host, of which one tenant has a slot each, and all that AWS has of it.
func world() (Books, Seen) {
	then := now.Add(-24 * time.Hour)
	host := func(kind pool.Kind) pool.Host {
		id := pool.Key{Kind: kind, Tier: "standard"}.Host(1)
		h := pool.Host{ID: id, Kind: kind, Tier: "standard", State: pool.HostInService, Since: then, Mark: "m" + string(kind), Stack: pool.Stack{Name: "headroom-dev-" + string(id)}}
		for i := 1; i <= 2; i++ {
			slot := pool.Slot{Index: i, Generation: 1, Name: fmt.Sprintf("%s%d", kind, i), State: pool.SlotFree, Since: then}
			if i == 1 {
				slot.State, slot.Tenant = pool.SlotAssigned, "acme"
			}
			if kind == pool.Share {
				slot.Share, slot.Bucket = fmt.Sprintf("share-%d", i), fmt.Sprintf("arn:aws:s3:::bucket-%d", i)
				slot.Role = fmt.Sprintf("arn:aws:iam::1:role/%d", i)
			}
			h.Slots = append(h.Slots, slot)
		}
		return h
	}
	databases, shares := host(pool.Database), host(pool.Share)
	databases.Access = pool.Access{Address: "db.internal", MasterSecret: "arn:master"}
	shares.Access = pool.Access{
		Address: "gw.internal", Gateway: "arn:aws:storagegateway:eu-west-1:1:gateway/sgw-1", SecurityGroup: "sg-1", Machine: "i-1", Cache: "vol-cache",
	}
	acme := pool.Tenant{
		ID: "acme", Mark: "signup", State: pool.TenantReady, ReadyAt: then, Addresses: []string{"10.0.0.7"}, Secret: "arn:secret",
		Database: pool.Holding{Host: databases.ID, Index: 1, Generation: 1}, Share: pool.Holding{Host: shares.ID, Index: 1, Generation: 1},
	}
	b := Books{
		Stage: "dev", Nobody: "192.0.2.1/32", Protected: true,
		Hosts: map[pool.HostID]pool.Host{databases.ID: databases, shares.ID: shares}, Tenants: map[pool.TenantID]pool.Tenant{"acme": acme},
	}
	mark := func(h pool.Host) Marks { return Marks{Stage: "dev", Host: string(h.ID), Order: h.Mark} }
	seen := Seen{
		At: now,
		Stacks: []Stack{
			{Name: databases.Stack.Name, Status: "CREATE_COMPLETE", Marks: mark(databases), Outputs: map[string]string{"Address": "db.internal", "MasterSecretArn": "arn:master"}},
			{
				Name: shares.Stack.Name, Status: "UPDATE_COMPLETE", Marks: mark(shares),
				Parameters: map[string]string{"HasMachine": "true", "GatewayId": "sgw-1"},
				Outputs: map[string]string{
					"MachineId": "i-1", "SecurityGroupId": "sg-1", "DnsName": "gw.internal", "Bucket01": "arn:aws:s3:::bucket-1", "Bucket02": "arn:aws:s3:::bucket-2",
					"CacheVolumeId": "vol-cache", "Role01": "arn:aws:iam::1:role/1", "Role02": "arn:aws:iam::1:role/2",
				},
			},
			{Name: "Headroom-dev", Status: "CREATE_COMPLETE"},
			{Name: "somebody-elses", Status: "ROLLBACK_COMPLETE"},
		},
		Instances: []Instance{
			{Name: "headroom-dev-" + string(databases.ID), Status: "available", Marks: mark(databases), Protected: true, Encrypted: true, BackupDays: 7, Groups: []string{"sg-db"}},
			{Name: "somebody-elses", Public: true},
		},
		Machines: []Machine{{ID: "i-1", State: "running", Marks: mark(shares)}},
		Volumes:  []Volume{{ID: "vol-cache", Machine: "i-1", Marks: mark(shares)}, {ID: "vol-root", Machine: "i-1", Marks: mark(shares)}},
		Gateways: []Gateway{{ARN: shares.Access.Gateway, Name: shares.Stack.Name, Marks: mark(shares)}, {ARN: "arn:other", Name: "other"}},
		Shares: []Share{
			{ID: "share-1", Gateway: shares.Access.Gateway, Bucket: "arn:aws:s3:::bucket-1", Clients: []string{"10.0.0.7/32"}, Marks: mark(shares)},
			{ID: "share-2", Gateway: shares.Access.Gateway, Bucket: "arn:aws:s3:::bucket-2", Clients: []string{"192.0.2.1/32"}, Marks: mark(shares)},
		},
		Groups:  []Group{{ID: "sg-1", Marks: mark(shares), Lets: []string{"10.0.0.7/32"}}, {ID: "sg-db", Marks: mark(databases)}},
		Buckets: []Bucket{{Name: "bucket-1", Slot: shares.SlotMark(shares.Slots[0]), Marks: mark(shares)}, {Name: "bucket-2", Slot: shares.SlotMark(shares.Slots[1]), Marks: mark(shares)}},
		Secrets: []Secret{{Name: "headroom/dev/tenant/acme/signup", ARN: "arn:secret", Tags: map[string]string{"headroom:database": pool.DatabaseName(databases.Slots[0].Name)}}},
	}
	for _, h := range []pool.Host{databases, shares} {
		for _, end := range alarmNames[h.Kind] {
			seen.Alarms = append(seen.Alarms, h.Stack.Name+"-"+end)
		}
	}
	return b, seen
}
