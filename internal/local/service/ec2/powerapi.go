package ec2

import (
	"context"
	"fmt"
	"slices"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// named finds the instances that a call names; EC2 does what it is asked for to all of them or to none.
func (e *EC2) named(call endpoint.Call) ([]*instance, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	if len(input.InstanceIDs) == 0 {
		return nil, &endpoint.Error{Code: "MissingParameter", Message: "The request must contain the parameter InstanceId"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []*instance
	for _, id := range input.InstanceIDs {
		i := e.known(id)
		if i == nil {
			return nil, noInstance(id)
		}
		if !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	return found, nil
}

// move is what one of the calls does that move instances from state to state.
type move struct {
	refuses func(*instance) error
	already func(state) bool // in these it does nothing
	act     func(*instance)
}

// all moves all instances that a call names, and answers how each was and is.
func (e *EC2) all(call endpoint.Call, m move) (any, error) {
	instances, err := e.named(call)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range instances {
		if err := m.refuses(i); err != nil {
			return nil, err
		}
	}
	changes := []any{}
	for _, i := range instances {
		was := i.state
		if !m.already(was) {
			m.act(i)
		}
		changes = append(changes, map[string]any{"instanceId": i.id, "previousState": was.set(), "currentState": i.state.set()})
	}
	return map[string]any{"instancesSet": changes}, nil
}

func (e *EC2) stopInstances(_ context.Context, call endpoint.Call) (any, error) {
	return e.all(call, move{
		refuses: func(i *instance) error {
			if i.state == pending || i.state.over() {
				return wrongState("This instance '%s' is not in a state from which it can be stopped.", i.id)
			}
			return nil
		},
		already: func(s state) bool { return s == stopping || s == stopped },
		act:     e.stop,
	})
}

func (e *EC2) startInstances(_ context.Context, call endpoint.Call) (any, error) {
	return e.all(call, move{
		refuses: func(i *instance) error {
			switch {
			case i.state == stopping || i.state.over():
				return wrongState("The instance '%s' is not in a state from which it can be started.", i.id)
			case i.state == stopped && e.rootOf(i) == nil:
				return &endpoint.Error{Code: "InvalidParameterValue", Message: fmt.Sprintf(
					"Invalid value '%s' for instanceId. Instance does not have a volume attached at root (%s)", i.id, i.rootDevice,
				)}
			case i.state == stopped:
				return e.room(i.kind, i.nic.zone)
			}
			return nil
		},
		already: func(s state) bool { return s == pending || s == running },
		act:     e.start,
	})
}

func (e *EC2) terminateInstances(_ context.Context, call endpoint.Call) (any, error) {
	return e.all(call, move{refuses: (*instance).kept, already: state.over, act: e.terminate})
}

// kept refuses to end an instance that is protected from it.
func (i *instance) kept() error {
	if !i.protected {
		return nil
	}
	return &endpoint.Error{Code: "OperationNotPermitted", Message: fmt.Sprintf(
		"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i.id,
	)}
}

// rebootInstances does nothing to what has ended, as documented. How EC2 words its refusal of a stopped one is not.
func (e *EC2) rebootInstances(_ context.Context, call endpoint.Call) (any, error) {
	_, err := e.all(call, move{
		refuses: func(i *instance) error {
			if i.state == stopping || i.state == stopped {
				return wrongState("This instance '%s' is not in a state from which it can be rebooted.", i.id)
			}
			return nil
		},
		already: func(s state) bool { return s != running },
		act:     e.reboot,
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"return": true}, nil
}

func wrongState(format string, args ...any) error {
	return &endpoint.Error{Code: "IncorrectInstanceState", Message: fmt.Sprintf(format, args...)}
}

// value is how a call gives one attribute.
type value[T any] struct {
	Value T `json:"Value"`
}

// modifyInstance changes what ModifyInstanceAttribute changes and is in use: which volumes end with the instance,
// its type, its groups, and whether it may be terminated. One attribute a call.
func (e *EC2) modifyInstance(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		InstanceID string `json:"InstanceId"`
		Mappings   []struct {
			DeviceName string `json:"DeviceName"`
			Ebs        struct {
				DeleteOnTermination *weakjson.Bool `json:"DeleteOnTermination"`
				VolumeID            string         `json:"VolumeId"`
			} `json:"Ebs"`
		} `json:"BlockDeviceMapping"`
		InstanceType          *value[string]        `json:"InstanceType"`
		DisableAPITermination *value[weakjson.Bool] `json:"DisableApiTermination"`
		Groups                weakjson.Texts        `json:"GroupId"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.known(input.InstanceID)
	if i == nil {
		return nil, noInstance(input.InstanceID)
	}
	if i.state.over() {
		return nil, wrongState("This instance '%s' is not in a state from which its attributes can be modified.", i.id)
	}
	was := e.instanceSet(i)
	switch {
	case len(input.Mappings) > 0:
		for _, mapping := range input.Mappings {
			if e.at(i.id, mapping.DeviceName) == nil {
				return nil, &endpoint.Error{
					Code: "InvalidInstanceAttributeValue", Message: "No device is currently mapped at " + mapping.DeviceName,
				}
			}
		}
		for _, mapping := range input.Mappings {
			if dies := mapping.Ebs.DeleteOnTermination; dies != nil {
				e.at(i.id, mapping.DeviceName).at.dies = bool(*dies)
			}
		}
	case input.InstanceType != nil:
		if i.state != stopped {
			return nil, wrongState("The instance '%s' is not in the 'stopped' state.", i.id)
		}
		i.kind = input.InstanceType.Value
	case input.DisableAPITermination != nil:
		i.protected = bool(input.DisableAPITermination.Value)
	case len(input.Groups) > 0:
		if err := e.mayJoin(input.Groups); err != nil {
			return nil, err
		}
		i.nic.groups = input.Groups
	default:
		return nil, &endpoint.Error{Code: "InvalidParameterCombination", Message: "No attributes specified."}
	}
	i.told.keep(was, e.cfg.Lag)
	return map[string]any{"return": true}, nil
}
