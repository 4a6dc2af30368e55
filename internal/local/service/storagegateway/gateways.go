package storagegateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// onGateway is the input of the operations that are about one gateway.
type onGateway struct {
	GatewayARN string   `json:"GatewayARN"`
	DiskIDs    []string `json:"DiskIds"`
}

func decodeOnGateway(call endpoint.Call) (onGateway, error) {
	var input onGateway
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, invalid(err.Error())
	}
	if input.GatewayARN == "" {
		return input, invalid("1 validation error detected: Value null at 'gatewayARN' failed to satisfy constraint: Member must not be null")
	}
	return input, nil
}

func (g *Gateway) activateGateway(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		ActivationKey   string         `json:"ActivationKey"`
		GatewayName     string         `json:"GatewayName"`
		GatewayRegion   string         `json:"GatewayRegion"`
		GatewayTimezone string         `json:"GatewayTimezone"`
		GatewayType     string         `json:"GatewayType"`
		Tags            []weakjson.Tag `json:"Tags"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	text := func(member string) *string { return constraint.Text(call.Params, member) }
	r := constraint.Activation(text("ActivationKey"), text("GatewayName"), text("GatewayTimezone"), text("GatewayRegion"), tagForm(call.Params))
	if r != nil {
		return nil, endpoint.Refused(r)
	}
	if input.GatewayType != "FILE_S3" { // the default is CACHED, which this appliance is not
		return nil, refusal("ActivationKeyInvalid", "The specified activation key is not valid for the gateway type.")
	}
	device, ok := g.cfg.Fleet.ByKey(input.ActivationKey)
	if !ok {
		return nil, refusal("ActivationKeyNotFound", "The specified activation key was not found.")
	}
	id := newID("sgw")
	through, err := device.Activate(input.ActivationKey, input.GatewayRegion, id)
	if err != nil {
		return nil, deviceError(err)
	}
	gw := &gateway{
		arn: fmt.Sprintf("arn:aws:storagegateway:%s:%s:gateway/%s", g.cfg.Region, g.cfg.Account, id),
		id:  id, name: input.GatewayName, timezone: input.GatewayTimezone, kind: input.GatewayType,
		instance: device.InstanceID(), endpoint: through, tags: weakjson.Tags(nil, input.Tags),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gateways[gw.arn] = gw
	return map[string]any{"GatewayARN": gw.arn}, nil
}

func (g *Gateway) listGateways(_ context.Context, call endpoint.Call) (any, error) {
	var page page
	if err := weakjson.Decode(call.Params, &page); err != nil {
		return nil, invalid(err.Error())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	arns, next := page.cut(slices.Sorted(maps.Keys(g.gateways)))
	list := []any{}
	for _, arn := range arns {
		gw := g.gateways[arn]
		list = append(list, map[string]any{
			"GatewayARN": gw.arn, "GatewayId": gw.id, "GatewayName": gw.name, "GatewayType": gw.kind,
			"GatewayOperationalState": "ACTIVE", "Ec2InstanceId": gw.instance, "Ec2InstanceRegion": g.cfg.Region,
			"HostEnvironment": "EC2",
		})
	}
	output := map[string]any{"Gateways": list}
	if next != "" {
		output["Marker"] = next
	}
	return output, nil
}

// describeGateway tells of a gateway that is connected. Its instance is the one that it was launched on, as the
// reference says; whether AWS says another one once the gateway was taken over is not documented.
func (g *Gateway) describeGateway(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeOnGateway(call)
	if err != nil {
		return nil, err
	}
	gw, device, err := g.device(input.GatewayARN)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	shown := map[string]any{
		"GatewayARN": gw.arn, "GatewayId": gw.id, "GatewayName": gw.name, "GatewayType": gw.kind,
		"GatewayTimezone": gw.timezone, "GatewayState": "RUNNING", "GatewayCapacity": "Small",
		"Ec2InstanceId": gw.instance, "Ec2InstanceRegion": g.cfg.Region, "HostEnvironment": "EC2",
		"EndpointType":             "STANDARD",
		"SoftwareVersion":          device.Version(),
		"GatewayNetworkInterfaces": []any{map[string]any{"Ipv4Address": device.Address().String()}},
		"Tags":                     tagList(gw.tags),
	}
	if gw.endpoint != "" {
		shown["VPCEndpoint"] = gw.endpoint
	}
	if deprecated := deprecation(device.Version()); deprecated != "" {
		shown["DeprecationDate"] = deprecated
	}
	return shown, nil
}

// deprecation is when appliances of a version get their last updates; empty: that is not known. Those on Amazon
// Linux 2 got theirs in June 2026.
func deprecation(version string) string {
	if strings.HasPrefix(version, "1.") {
		return "2026-06-30"
	}
	return ""
}

// deleteGateway takes a gateway out of the account. Its appliance serves no longer; its buckets, and
// what its disks hold, stay.
func (g *Gateway) deleteGateway(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeOnGateway(call)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	gw, ok := g.gateways[input.GatewayARN]
	if !ok {
		return nil, errGatewayNotFound
	}
	device, reachable := g.cfg.Fleet.ByGateway(gw.id)
	for arn, s := range g.shares {
		if s.gateway != gw.arn {
			continue
		}
		delete(g.shares, arn)
		if reachable {
			if err := device.Unexport(s.id); err != nil {
				return nil, err
			}
		}
	}
	delete(g.gateways, gw.arn)
	return map[string]any{"GatewayARN": gw.arn}, nil
}

func (g *Gateway) listLocalDisks(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeOnGateway(call)
	if err != nil {
		return nil, err
	}
	_, device, err := g.device(input.GatewayARN)
	if err != nil {
		return nil, err
	}
	disks := []any{}
	for _, d := range device.Disks() {
		use := "AVAILABLE"
		if d.AsCache {
			use = "CACHE STORAGE" // AWS's reference has an underscore there, too
		}
		disks = append(disks, map[string]any{
			"DiskId": d.ID, "DiskNode": d.Node, "DiskPath": d.Path, "DiskStatus": "present",
			"DiskAllocationType": use, "DiskSizeInBytes": int64(d.SizeGiB) << 30, "DiskAttributeList": []any{},
		})
	}
	return map[string]any{"GatewayARN": input.GatewayARN, "Disks": disks}, nil
}

func (g *Gateway) addCache(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeOnGateway(call)
	if err != nil {
		return nil, err
	}
	if len(input.DiskIDs) == 0 {
		return nil, invalid("1 validation error detected: Value null at 'diskIds' failed to satisfy constraint: Member must not be null")
	}
	_, device, err := g.device(input.GatewayARN)
	if err != nil {
		return nil, err
	}
	if err := device.AddCache(input.DiskIDs); err != nil {
		return nil, deviceError(err)
	}
	return map[string]any{"GatewayARN": input.GatewayARN}, nil
}

func (g *Gateway) describeCache(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeOnGateway(call)
	if err != nil {
		return nil, err
	}
	_, device, err := g.device(input.GatewayARN)
	if err != nil {
		return nil, err
	}
	cache := device.Cache()
	allocated := int64(0)
	for _, d := range device.Disks() {
		if d.AsCache {
			allocated += int64(d.SizeGiB) << 30
		}
	}
	return map[string]any{
		"GatewayARN": input.GatewayARN, "DiskIds": cache, "CacheAllocatedInBytes": allocated,
		"CacheDirtyPercentage": g.dirtyPercent(input.GatewayARN, device), "CacheUsedPercentage": 0.0,
		"CacheHitPercentage": 0.0, "CacheMissPercentage": 0.0,
	}, nil
}

// page is the part of a List operation's input that says where to go on.
type page struct {
	Limit  int    `json:"Limit"`
	Marker string `json:"Marker"`
}

// cut takes a page of sorted keys; next is "" after the last one.
func (p page) cut(keys []string) (cut []string, next string) {
	if p.Marker != "" {
		at, _ := slices.BinarySearch(keys, p.Marker)
		keys = keys[at:]
	}
	limit := p.Limit
	if limit <= 0 {
		limit = 100
	}
	if len(keys) <= limit {
		return keys, ""
	}
	return keys[:limit], keys[limit]
}
