package storagegateway

import (
	"maps"
	"slices"

	"headroom/internal/local/machine/appliance"
)

// Put takes a datum of a gateway's metric, in the namespace AWS/StorageGateway.
type Put func(gatewayID, gatewayName, metric, unit string, value float64)

// Measure publishes the metrics of all gateways (S3 File Gateway User Guide, "Understanding gateway metrics"). They
// come from the appliances: of a gateway that is away there are none, and it tells when it is back that it was
// started anew. Whether the real one says that there are no notifications is not documented: here it says nothing.
func (g *Gateway) Measure(put Put) {
	g.mu.Lock()
	arns := slices.Sorted(maps.Keys(g.gateways))
	g.mu.Unlock()
	for _, arn := range arns {
		gw, device, err := g.device(arn)
		if err != nil {
			continue
		}
		now := device.Vitals()
		put(gw.id, gw.name, "IoWaitPercent", "Percent", now.IoWait)
		put(gw.id, gw.name, "FilesFailingUpload", "Count", float64(device.FailingUpload()))
		put(gw.id, gw.name, "CloudBytesUploaded", "Bytes", float64(now.Uploaded))
		put(gw.id, gw.name, "ReadBytes", "Bytes", float64(now.Read))
		put(gw.id, gw.name, "WriteBytes", "Bytes", float64(now.Written))
		if len(device.Cache()) > 0 {
			put(gw.id, gw.name, "CachePercentDirty", "Percent", g.dirtyPercent(arn, device))
		}
		for metric, count := range map[string]int{"AvailabilityNotifications": now.Availability, "HealthNotifications": now.Health} {
			if count > 0 {
				put(gw.id, gw.name, metric, "Count", float64(count))
			}
		}
	}
}

// dirtyPercent is how much of a gateway's cache is not in its buckets. Sizes are too small to show here: each file
// that waits for its upload counts as a tenth of a percent.
func (g *Gateway) dirtyPercent(gatewayARN string, device *appliance.Appliance) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	dirty := 0
	for _, s := range g.shares {
		if s.gateway == gatewayARN {
			dirty += device.Dirty(s.id)
		}
	}
	return min(100, float64(dirty)/10)
}
