package main

import (
	"fmt"

	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Hosts come and go after the synthesis: CloudWatch finds them by the names of their instances and gateways, each time that
// somebody looks.

func (d *dashboard) addDatabaseHosts() {
	of := func(metric, statistic string) line {
		return found("AWS/RDS", metric, statistic, []string{"DBInstanceIdentifier"}, "headroom-"+d.stage.Name+"-"+string(pool.Database), "DBInstanceIdentifier", 60)
	}
	d.title("Database hosts")
	d.row(graphHeight,
		d.graph("Processor (%)", 60, of("CPUUtilization", "Average")),
		d.graph("Connections", 60, of("DatabaseConnections", "Maximum")),
		d.graph("Free storage (bytes)", 60, of("FreeStorageSpace", "Minimum")),
		d.graph("Free memory (bytes)", 60, of("FreeableMemory", "Minimum")),
	)
	d.row(graphHeight,
		d.graph("Reads and writes before the disk", 60, of("DiskQueueDepth", "Average")),
		d.graph("Balance of I/O (%)", 60, of("EBSIOBalance%", "Minimum")),
		d.tenantsAHost(pool.Database), d.fullest(pool.Database),
	)
}

func (d *dashboard) addGateways() {
	of := func(metric, statistic string) line {
		return found("AWS/StorageGateway", metric, statistic, []string{"GatewayId", "GatewayName"}, "headroom-"+d.stage.Name+"-"+string(pool.Share), "GatewayName", 300)
	}
	d.title("Gateways")
	d.row(graphHeight,
		d.graph("Cache that is not uploaded (%)", 300, of("CachePercentDirty", "Maximum")),
		d.graph("Not available (notifications)", 300, of("AvailabilityNotifications", "Sum")),
		d.graph("Not well (notifications)", 300, of("HealthNotifications", "Sum")),
		d.graph("Uploaded (bytes)", 300, of("CloudBytesUploaded", "Sum")),
	)
	d.row(graphHeight,
		d.graph("Waiting for disks (%)", 300, of("IoWaitPercent", "Average")),
		d.graph("Files that can't be uploaded", 300, of("FilesFailingUpload", "Maximum")),
		d.graph("Read by clients (bytes)", 300, of("ReadBytes", "Sum")),
		d.graph("Written by clients (bytes)", 300, of("WriteBytes", "Sum")),
	)
	d.row(graphHeight, d.tenantsAHost(pool.Share), d.fullest(pool.Share))
}

// fullest shows how many tenants the host has, of each pool, that has most of them: one that fills up does not show in the average.
func (d *dashboard) fullest(kind pool.Kind) widget {
	var lines []line
	for _, policy := range d.stage.Pools {
		if key := policy.Key(); key.Kind == kind {
			lines = append(lines, d.line(key, telemetry.TenantsOnFullest, "Maximum", string(key.Tier)))
		}
	}
	return d.graph("Tenants on the fullest host, by tier", reconcileEvery, lines...)
}

// tenantsAHost shows how many tenants a host in service has, on average: metrics are told apart by pools, and not by hosts.
func (d *dashboard) tenantsAHost(kind pool.Kind) widget {
	var lines []line
	for i, policy := range d.stage.Pools {
		key := policy.Key()
		if key.Kind != kind {
			continue
		}
		assigned, hosts := d.line(key, telemetry.SlotsAssigned, "Maximum", "assigned"), d.line(key, telemetry.HostsInService, "Maximum", "in service")
		assigned.id, hosts.id = fmt.Sprintf("a%d", i), fmt.Sprintf("h%d", i)
		assigned.hidden, hosts.hidden = true, true
		lines = append(lines, assigned, hosts, line{label: string(key.Tier), id: fmt.Sprintf("t%d", i), expression: assigned.id + " / " + hosts.id})
	}
	return d.graph("Tenants a host, by tier", 60, lines...)
}

func (d *dashboard) addLeaving() {
	var leaving, cooling []line
	for _, policy := range d.stage.Pools {
		key := policy.Key()
		leaving = append(leaving, d.line(key, telemetry.SlotsLeaving, "Maximum", plural(key)))
		cooling = append(cooling, d.line(key, telemetry.SlotsCooling, "Maximum", plural(key)))
	}
	all := pool.Key{}
	d.title("Leaving")
	d.row(graphHeight,
		d.graph("Oldest that is not archived, or not scrubbed (s)", 300,
			d.line(all, telemetry.ArchiveAge, "Maximum", "archive"), d.line(all, telemetry.ScrubAge, "Maximum", "scrub")),
		d.graph("Released", 300, d.line(all, telemetry.TenantsReleased, "Sum", "tenants")),
		d.graph("Slots that leave", 60, leaving...),
		d.graph("Slots that cool", 60, cooling...),
	)
}

// addMoney shows what costs: hosts, and the slots of them that nobody has.
func (d *dashboard) addMoney() {
	var idle []line
	for _, policy := range d.stage.Pools {
		key := policy.Key()
		idle = append(idle, d.line(key, telemetry.MoneyIdle, "Maximum", plural(key)))
	}
	var hosts []line
	for _, kind := range pool.Kinds {
		hosts = append(hosts, d.line(pool.Key{Kind: kind}, telemetry.HostsOfKind, "Maximum", string(kind)))
	}
	var quotas []line
	for _, name := range pool.QuotaNames {
		used := d.line(pool.Key{}, telemetry.QuotaUsed, "Maximum", name)
		used.dimensions[telemetry.Of] = jsii.String(name)
		quotas = append(quotas, used)
	}
	d.title("Money and quotas")
	all := pool.Key{}
	d.row(graphHeight,
		d.graph("Hosts, all tiers", 300, hosts...), d.graph("Idle slots ($ a month)", 300, idle...),
		d.graph("Spent ($ a month)", 300, d.line(all, telemetry.MoneySpent, "Maximum", "spent")),
		d.graph("Cap on money that is spent (%)", 300, d.line(all, telemetry.MoneyCapUsed, "Maximum", "used")))
	d.row(graphHeight,
		d.graph("Quotas that are used (%)", 300, quotas...),
		d.graph("Quotas that are not known", 300, d.line(all, telemetry.QuotasUnknown, "Maximum", "not known")))
}
