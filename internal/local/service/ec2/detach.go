package ec2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/weakjson"
)

func (e *EC2) detachVolume(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Device     string        `json:"Device"`
		InstanceID string        `json:"InstanceId"`
		VolumeID   string        `json:"VolumeId"`
		Force      weakjson.Bool `json:"Force"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.detachable(input.VolumeID, input.InstanceID, input.Device, bool(input.Force)); err != nil {
		return nil, err
	}
	v := e.volumes[input.VolumeID]
	a := v.at
	a.state = detaching
	if e.instances[a.instance].state == running && bool(input.Force) {
		e.forced = append(e.forced, v.id)
	}
	time.AfterFunc(e.cfg.Attach, func() { e.finishDetaching(v, a, bool(input.Force)) })
	return a.set(v.id), nil
}

// detachable says why a volume can't be detached, in EC2's words where they are known. The caller holds the lock.
func (e *EC2) detachable(volumeID, instanceID, device string, force bool) error {
	v := e.volumes[volumeID]
	refuse := func(code, format string, args ...any) error {
		return &endpoint.Error{Code: code, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case v == nil:
		return noVolume(volumeID)
	case instanceID != "" && e.known(instanceID) == nil:
		return noInstance(instanceID)
	case v.at == nil:
		return refuse("IncorrectState", "Volume '%s' is in the 'available' state.", v.id)
	case instanceID != "" && v.at.instance != instanceID || device != "" && v.at.device != device:
		return refuse("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'.", v.id, instanceID, device)
	}
	i := e.instances[v.at.instance]
	switch {
	case i.state == running && v.at.device == i.rootDevice:
		return refuse("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", v.id, i.id)
	case i.state != running && i.state != stopped:
		return refuse("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", i.id)
	case v.at.state != attached && !force:
		return refuse("IncorrectState", "Volume '%s' is in the '%s' state.", v.id, v.at.state)
	}
	return nil
}

// finishDetaching takes the disk from its machine, if that has one. A disk that the machine uses is busy, and is
// let go of when the machine stops.
func (e *EC2) finishDetaching(v *volume, a *attachment, force bool) {
	e.mu.Lock()
	i := e.instances[a.instance]
	there, runs := v.at == a, i != nil && i.state == running
	e.mu.Unlock()
	if !there {
		return
	}
	var err error
	if runs {
		err = e.cfg.Machines.Detach(context.Background(), a.instance, v.id, force)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case v.at != a:
	case errors.Is(err, machine.ErrBusy):
		a.state = busy
	default:
		v.at = nil
	}
}

// letGo ends the attachments that a machine held on to until it stopped. The caller holds the lock.
func (e *EC2) letGo(instanceID string) {
	for _, v := range e.volumes {
		if v.at != nil && v.at.instance == instanceID && v.at.state == busy {
			v.at = nil
		}
	}
}

// Forced lists the volumes that were taken from running machines by force, in order: Headroom never may.
func (e *EC2) Forced() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.forced)
}

func (e *EC2) deleteVolumeCall(_ context.Context, call endpoint.Call) (any, error) {
	id, _ := call.Params["VolumeId"].(string)
	e.mu.Lock()
	there := e.volumes[id] != nil
	e.mu.Unlock()
	if !there {
		return nil, noVolume(id)
	}
	if err := e.deleteVolume(id); err != nil {
		return nil, err
	}
	return map[string]any{"return": true}, nil
}

func (e *EC2) deleteVolume(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.volumes[id]; v != nil && v.at != nil {
		return &endpoint.Error{Code: "VolumeInUse", Message: fmt.Sprintf("Volume %s is currently attached to %s", id, v.at.instance)}
	}
	e.erase(id)
	return nil
}

// erase ends a volume, with what is on it. The caller holds the lock.
func (e *EC2) erase(id string) {
	if e.volumes[id] != nil {
		delete(e.volumes, id)
		e.cfg.Machines.Erase(id)
	}
}
