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

// attachment is where a volume is. What was asked for a moment ago is under way.
type attachment struct {
	instance, device string
	since            time.Time
	done             bool
	dies             bool // with its instance
}

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
		"volumeId": v.id, "availabilityZone": v.zone, "size": v.sizeGiB, "status": v.status(), "encrypted": v.key != "",
		"createTime": v.made.UTC().Format(time.RFC3339), "attachmentSet": attachments, "tagSet": tagSet(v.tags),
	}
	if v.key != "" {
		set["kmsKeyId"] = v.key
	}
	return set
}

func (a *attachment) set(volumeID string) map[string]any {
	status := "attaching"
	if a.done {
		status = "attached"
	}
	return map[string]any{
		"volumeId": volumeID, "instanceId": a.instance, "device": a.device, "status": status,
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
		e.volumes[id] = &volume{
			id: id, zone: properties.AvailabilityZone, key: properties.KmsKeyID, sizeGiB: int(properties.Size),
			tags: weakjson.Tags(r.Tags, properties.Tags), made: e.cfg.Now(),
		}
	}
	return e.volumes[id].created(), nil
}

func (e *EC2) deleteVolume(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.volumes[id]; v != nil && v.at != nil {
		return &endpoint.Error{Code: "VolumeInUse", Message: fmt.Sprintf("Volume %s is currently attached to %s", id, v.at.instance)}
	}
	delete(e.volumes, id)
	return nil
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
	v, i := e.volumes[input.VolumeID], e.instances[input.InstanceID]
	if err := e.attachable(input.VolumeID, input.InstanceID, input.Device); err != nil {
		return nil, err
	}
	a := &attachment{instance: i.id, device: input.Device, since: e.cfg.Now()}
	v.at = a
	time.AfterFunc(e.cfg.Attach, func() { e.finishAttaching(v, a) })
	return a.set(v.id), nil
}

// attachable says why a volume can't be attached, in EC2's words. The caller holds the lock.
func (e *EC2) attachable(volumeID, instanceID, device string) error {
	v, i := e.volumes[volumeID], e.instances[instanceID]
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
	case !i.running:
		return refuse("IncorrectState", "Instance '%s' is not 'running'.", i.id)
	}
	for _, other := range e.volumes {
		if other.at != nil && other.at.instance == i.id && other.at.device == device {
			return refuse("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	return nil
}

// finishAttaching gives the machine its disk, unless the attachment has ended meanwhile.
func (e *EC2) finishAttaching(v *volume, a *attachment) {
	e.mu.Lock()
	wanted := v.at == a
	disk := machine.Disk{VolumeID: v.id, Device: a.device, SizeGiB: v.sizeGiB}
	e.mu.Unlock()
	if !wanted || e.cfg.Machines.Attach(context.Background(), a.instance, disk) != nil {
		return // the machine is gone: so it goes on attaching, until EC2 hears of that
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	a.done = true
}

// detachAll ends the attachments of an instance that ends. The caller holds the lock.
func (e *EC2) detachAll(instanceID string) {
	for id, v := range e.volumes {
		if v.at == nil || v.at.instance != instanceID {
			continue
		}
		if v.at.dies {
			delete(e.volumes, id)
		}
		v.at = nil
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
			"volume-id": {v.id}, "status": {v.status()}, "availability-zone": {v.zone}, "attachment.instance-id": {},
		}
		if v.at != nil {
			values["attachment.instance-id"] = []string{v.at.instance}
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
	return map[string]any{"volumeSet": found}, nil
}

// Tags finds the tags of an instance, a volume or an interface by its ARN; nil if there is none.
func (e *EC2) Tags(arn string) map[string]string {
	id := arn[strings.LastIndex(arn, "/")+1:]
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.volumes[id]; v != nil {
		return maps.Clone(v.tags)
	}
	if i := e.instances[id]; i != nil {
		return maps.Clone(i.tags)
	}
	if n := e.nics[id]; n != nil {
		return maps.Clone(n.tags)
	}
	return nil
}

// Key finds the key that a volume is encrypted with by its ARN; empty if there is none.
func (e *EC2) Key(arn string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.volumes[arn[strings.LastIndex(arn, "/")+1:]]; v != nil {
		return v.key
	}
	return ""
}
