package ec2

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// volume is an EBS volume.
type volume struct {
	id, zone, key string
	sizeGiB       int
	tags          map[string]string
	made          time.Time
	at            *attachment // nil: it is available
}

// volumeType is that of all volumes here, as of the two templates that make some.
const volumeType = "gp3"

// attachment is where a volume is. What was asked for a moment ago is under way.
type attachment struct {
	instance, device string
	since            time.Time
	state            attachmentState
	dies             bool // with its instance
}

// attachmentState is how far an attachment has come (Amazon EC2 API Reference, "VolumeAttachment").
type attachmentState string

const (
	attaching attachmentState = "attaching"
	attached  attachmentState = "attached"
	detaching attachmentState = "detaching"
	busy      attachmentState = "busy" // detaching, but its machine uses it
)

func (v *volume) status() string {
	if v.at != nil {
		return "in-use"
	}
	return "available"
}

// set is a volume as DescribeVolumes answers it.
func (v *volume) set() map[string]any {
	attachments := []any{}
	if v.at != nil {
		attachments = append(attachments, v.at.set(v.id))
	}
	set := map[string]any{
		"volumeId": v.id, "availabilityZone": v.zone, "size": v.sizeGiB, "status": v.status(), "encrypted": v.key != "", "volumeType": volumeType,
		"createTime": v.made.UTC().Format(time.RFC3339), "attachmentSet": attachments, "tagSet": tagSet(v.tags),
	}
	if v.key != "" {
		set["kmsKeyId"] = v.key
	}
	return set
}

func (a *attachment) set(volumeID string) map[string]any {
	return map[string]any{
		"volumeId": volumeID, "instanceId": a.instance, "device": a.device, "status": string(a.state),
		"attachTime": a.since.UTC().Format(time.RFC3339), "deleteOnTermination": a.dies,
	}
}

// volumeProperties is the part of AWS::EC2::Volume that makes a difference here.
type volumeProperties struct {
	AvailabilityZone string         `json:"AvailabilityZone"`
	Size             weakjson.Int   `json:"Size"`
	KmsKeyID         string         `json:"KmsKeyId"`
	Tags             []weakjson.Tag `json:"Tags"`
}

func (v *volume) created() resource.Created {
	return resource.Created{PhysicalID: v.id, Attributes: map[string]any{"VolumeId": v.id}}
}

func (e *EC2) createVolume(r resource.Resource) (resource.Created, error) {
	var properties volumeProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if !strings.HasPrefix(properties.AvailabilityZone, e.cfg.Region) {
		return resource.Created{}, fmt.Errorf("InvalidZone.NotFound: the zone '%s' does not exist", properties.AvailabilityZone)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.idLocked(r, "vol")
	if e.volumes[id] == nil {
		if err := e.mayStore(int(properties.Size)); err != nil {
			return resource.Created{}, err
		}
		e.volumes[id] = &volume{
			id: id, zone: properties.AvailabilityZone, key: properties.KmsKeyID, sizeGiB: int(properties.Size),
			tags: weakjson.Tags(r.Tags, properties.Tags), made: e.cfg.Now(),
		}
	}
	return e.volumes[id].created(), nil
}

func (e *EC2) attachVolume(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Device     string `json:"Device"`
		InstanceID string `json:"InstanceId"`
		VolumeID   string `json:"VolumeId"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v, i := e.volumes[input.VolumeID], e.known(input.InstanceID)
	if err := e.attachable(input.VolumeID, input.InstanceID, input.Device); err != nil {
		return nil, err
	}
	a := &attachment{instance: i.id, device: input.Device, since: e.cfg.Now(), state: attaching}
	v.at = a
	time.AfterFunc(e.cfg.Attach, func() { e.finishAttaching(v, a) })
	return a.set(v.id), nil
}

// attachable says why a volume can't be attached, in EC2's words. The caller holds the lock.
func (e *EC2) attachable(volumeID, instanceID, device string) error {
	v, i := e.volumes[volumeID], e.known(instanceID)
	refuse := func(code, format string, args ...any) error {
		return &endpoint.Error{Code: code, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case v == nil:
		return noVolume(volumeID)
	case i == nil:
		return noInstance(instanceID)
	case device == "":
		return refuse("MissingParameter", "The request must contain the parameter device")
	case v.at != nil:
		return refuse("VolumeInUse", "%s is already attached to an instance", v.id)
	case v.zone != i.nic.zone:
		return refuse("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.id, i.id)
	case i.state != running && i.state != stopped:
		return refuse("IncorrectState", "Instance '%s' is not 'running'.", i.id)
	}
	if e.at(i.id, device) != nil {
		return refuse("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
	}
	return nil
}

// on lists the volumes of an instance, in the order of their devices. The caller holds the lock.
func (e *EC2) on(instanceID string) []*volume {
	var found []*volume
	for _, v := range e.volumes {
		if v.at != nil && v.at.instance == instanceID {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b *volume) int { return strings.Compare(a.at.device, b.at.device) })
	return found
}

// at is the volume that an instance has as a device; nil if there is none. The caller holds the lock.
func (e *EC2) at(instanceID, device string) *volume {
	for _, v := range e.on(instanceID) {
		if v.at.device == device {
			return v
		}
	}
	return nil
}

// rootOf is the root volume of an instance, which may have been taken from one that is stopped. The caller holds the
// lock.
func (e *EC2) rootOf(i *instance) *volume { return e.at(i.id, i.rootDevice) }

// disk is a volume as its machine sees it. The caller holds the lock.
func (e *EC2) disk(i *instance, v *volume) machine.Disk {
	return machine.Disk{VolumeID: v.id, Device: v.at.device, SizeGiB: v.sizeGiB, Root: v.at.device == i.rootDevice}
}

// finishAttaching gives the machine its disk, unless the attachment has ended meanwhile. A machine that is not
// running finds it when it starts.
func (e *EC2) finishAttaching(v *volume, a *attachment) {
	e.mu.Lock()
	i := e.instances[a.instance]
	wanted, runs := v.at == a && a.state == attaching, i != nil && i.state == running
	var disk machine.Disk
	if wanted {
		disk = e.disk(i, v)
	}
	e.mu.Unlock()
	if !wanted || runs && e.cfg.Machines.Attach(context.Background(), a.instance, disk) != nil {
		return // the machine is gone: so it goes on attaching, until EC2 hears of that
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.state == attaching {
		a.state = attached
	}
}

// detachAll ends the attachments of an instance that ends. The caller holds the lock.
func (e *EC2) detachAll(instanceID string) {
	for _, v := range e.on(instanceID) {
		dies := v.at.dies
		v.at = nil
		if dies {
			e.erase(v.id)
		}
	}
}

func noVolume(id string) error {
	return &endpoint.Error{Code: "InvalidVolume.NotFound", Message: fmt.Sprintf("The volume '%s' does not exist.", id)}
}

func (e *EC2) describeVolumes(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	if _, paged := call.Params["MaxResults"]; paged && len(input.VolumeIDs) > 0 {
		return nil, &endpoint.Error{Code: "InvalidParameterCombination", Message: "The parameter volumeSet cannot be used with the parameter maxResults"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string(input.VolumeIDs)
	for _, id := range ids {
		if e.volumes[id] == nil {
			return nil, noVolume(id)
		}
	}
	if len(ids) == 0 {
		ids = slices.Sorted(maps.Keys(e.volumes))
	}
	found := []any{}
	for _, id := range ids {
		v := e.volumes[id]
		values := map[string][]string{
			"volume-id": {v.id}, "volume-type": {volumeType}, "status": {v.status()}, "availability-zone": {v.zone}, "tag-key": slices.Collect(maps.Keys(v.tags)),
			"attachment.instance-id": {}, "attachment.device": {}, "attachment.status": {},
		}
		if v.at != nil {
			values["attachment.instance-id"] = []string{v.at.instance}
			values["attachment.device"], values["attachment.status"] = []string{v.at.device}, []string{string(v.at.state)}
		}
		for key, value := range v.tags {
			values["tag:"+key] = []string{value}
		}
		ok, err := matches(input.Filters, values)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, v.set())
		}
	}
	return page(call, "volumeSet", found)
}

// Key finds the key that a volume is encrypted with by its ARN, or an instance's root volume; empty if there is
// none.
func (e *EC2) Key(arn string) string {
	id := arn[strings.LastIndex(arn, "/")+1:]
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.volumes[id]
	if i := e.known(id); i != nil {
		v = e.rootOf(i)
	}
	if v == nil {
		return ""
	}
	return v.key
}
