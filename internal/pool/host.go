package pool

import (
	"fmt"
	"slices"
	"time"
)

// HostState is where a host stands in its life.
type HostState string

const (
	// Ordered: the order is recorded; the stack may or may not have been asked for yet.
	Ordered HostState = "ordered"
	// Building: CloudFormation accepted the stack.
	Building HostState = "building"
	// Preparing: the stack is complete; the host is made ready step by step.
	Preparing HostState = "preparing"
	// InService: its slots can be set out and taken.
	InService HostState = "in-service"
	// Cordoned: it keeps its tenants and takes no more, because an alarm is on.
	Cordoned HostState = "cordoned"
	// Deleting: its making failed; the stack is being deleted.
	Deleting HostState = "deleting"
	// Deleted: nothing is left of it but this record.
	Deleted HostState = "deleted"
	// Quarantined: given up after too many tries; nothing touches it until a person does.
	Quarantined HostState = "quarantined"
)

// Making says whether the host is on its way into service.
func (s HostState) Making() bool { return s == Ordered || s == Building || s == Preparing }

// Live says whether the host exists, or may exist, in the cloud and so counts against the ceiling.
func (s HostState) Live() bool { return s != Deleted }

// Step is what is to be done next for a host that is not at rest. The empty step means nothing.
type Step string

const (
	// StepOrder asks CloudFormation for the stack.
	StepOrder Step = "order"
	// StepBuild waits for CloudFormation to say that the stack is complete.
	StepBuild Step = "build"
	// StepActivate fetches the appliance's activation key and activates the gateway.
	StepActivate Step = "activate"
	// StepStabilize waits for the gateway to answer several times in a row: it may reboot once activated.
	StepStabilize Step = "stabilize"
	// StepCache gives the gateway its cache disk.
	StepCache Step = "cache"
	// StepShares creates the shares, closed to everyone.
	StepShares Step = "shares"
	// StepAvailable waits for every share to be available.
	StepAvailable Step = "available"
	// StepHarden takes from PUBLIC what a database instance grants it.
	StepHarden Step = "harden"
	// StepSlots makes the databases and roles.
	StepSlots Step = "slots"
	// StepAnnounce says what state the host has come to.
	StepAnnounce Step = "announce"
	// StepDelete deletes the stack of a host whose making failed.
	StepDelete Step = "delete"
)

// FirstStep is the first step after a host's stack is complete.
func FirstStep(k Kind) Step {
	if k == Share {
		return StepActivate
	}
	return StepHarden
}

// SlotState is where a slot stands.
type SlotState string

const (
	// SlotPlanned: its name is chosen; it is being made.
	SlotPlanned SlotState = "planned"
	// SlotFree: made, closed to everyone, and not set out yet.
	SlotFree SlotState = "free"
	// SlotOffered: set out on the shelf, or taken from it by a claim that is not settled yet.
	SlotOffered SlotState = "offered"
	// SlotAssigned: a tenant holds it.
	SlotAssigned SlotState = "assigned"
)

// Slot is what one tenant gets of a host.
type Slot struct {
	Index  int       `dynamodbav:"index"` // from 1
	Name   string    `dynamodbav:"name"`  // opaque and random: the database's and role's name, the share's path
	State  SlotState `dynamodbav:"state"`
	Since  time.Time `dynamodbav:"since"`
	Bucket string    `dynamodbav:"bucket,omitempty"` // ARN of the share's bucket
	Role   string    `dynamodbav:"role,omitempty"`   // ARN of the role by which the gateway reaches the bucket
	Share  string    `dynamodbav:"share,omitempty"`  // ID of the share, "share-…"
	Refill int64     `dynamodbav:"refill,omitempty"` // the refill that set it out
	Tenant TenantID  `dynamodbav:"tenant,omitempty"`
}

// Access is how Headroom reaches a host, and what a tenant is told of it.
type Access struct {
	Address       string `dynamodbav:"a"`           // DNS name: of the database, or of the gateway in the private zone
	Port          int    `dynamodbav:"p,omitempty"` // of the database
	MasterSecret  string `dynamodbav:"m,omitempty"` // ARN of the secret of the database's master user
	Gateway       string `dynamodbav:"g,omitempty"` // ARN of the gateway
	Appliance     string `dynamodbav:"i,omitempty"` // private IP address of the gateway's machine
	SecurityGroup string `dynamodbav:"s,omitempty"` // ID of the gateway's security group
}

// Stack is a host's CloudFormation stack.
type Stack struct {
	Name  string `dynamodbav:"name"`
	ID    string `dynamodbav:"id,omitempty"`
	Token string `dynamodbav:"token"` // client request token of the order
}

// Host is the record of one host.
type Host struct {
	ID        HostID    `dynamodbav:"id"`
	Kind      Kind      `dynamodbav:"kind"`
	Tier      Tier      `dynamodbav:"tier"`
	State     HostState `dynamodbav:"state"`
	Since     time.Time `dynamodbav:"since"` // of the state
	Why       string    `dynamodbav:"why"`   // reason of the state
	OrderedAt time.Time `dynamodbav:"orderedAt"`
	Size      int       `dynamodbav:"size"` // slots it will have

	Step  Step      `dynamodbav:"step,omitempty"`
	Tries int       `dynamodbav:"tries"`           // of the step, past its deadline or failed
	Count int       `dynamodbav:"count"`           // progress within the step
	Due   time.Time `dynamodbav:"-"`               // deadline of the step; zero when there is none
	Stuck Step      `dynamodbav:"stuck,omitempty"` // the step at which the host was quarantined

	Stack   Stack                `dynamodbav:"stack"`
	Access  Access               `dynamodbav:"access"`
	Slots   []Slot               `dynamodbav:"slots"`
	Alarms  map[string]AlarmMark `dynamodbav:"alarms,omitempty"` // last known state of each of its alarms
	History []Entry              `dynamodbav:"history"`
	Version int64                `dynamodbav:"version"` // of the record; 0 when it is not written yet
}

// AlarmMark is the last state that was heard of an alarm.
type AlarmMark struct {
	On bool      `dynamodbav:"on"`
	At time.Time `dynamodbav:"at"` // as the alarm says; older news is ignored
}

// Key names the host's pool.
func (h Host) Key() Key { return Key{Kind: h.Kind, Tier: h.Tier} }

// Used counts the slots that are set out or taken.
func (h Host) Used() int {
	n := 0
	for _, s := range h.Slots {
		if s.State == SlotOffered || s.State == SlotAssigned {
			n++
		}
	}
	return n
}

// Free counts the slots in reserve: made and not set out.
func (h Host) Free() int {
	n := 0
	for _, s := range h.Slots {
		if s.State == SlotFree {
			n++
		}
	}
	return n
}

// Alarmed names the alarms that are on, sorted.
func (h Host) Alarmed() []string {
	var on []string
	for name, mark := range h.Alarms {
		if mark.On {
			on = append(on, name)
		}
	}
	slices.Sort(on)
	return on
}

// Slot gives the slot with an index, nil when there is none. It points into h.Slots.
func (h *Host) Slot(index int) *Slot {
	for i := range h.Slots {
		if h.Slots[i].Index == index {
			return &h.Slots[i]
		}
	}
	return nil
}

// Clone copies a host so that the copy can be changed without changing h.
func (h Host) Clone() Host {
	h.Slots = slices.Clone(h.Slots)
	h.History = slices.Clone(h.History)
	if h.Alarms != nil {
		alarms := make(map[string]AlarmMark, len(h.Alarms))
		for name, mark := range h.Alarms {
			alarms[name] = mark
		}
		h.Alarms = alarms
	}
	return h
}

// moves lists the states that each state may be left for.
var moves = map[HostState][]HostState{
	Ordered:     {Building, Preparing, Deleting, Quarantined},
	Building:    {Preparing, Deleting, Quarantined},
	Preparing:   {InService, Cordoned, Deleting, Quarantined},
	InService:   {Cordoned},
	Cordoned:    {InService},
	Deleting:    {Deleted, Quarantined},
	Quarantined: {Deleting},
}

// Move takes a host to another state. Being there already is no error and changes nothing, so that
// a redelivered event succeeds; a move that the life of a host does not have is an error.
func Move(h Host, to HostState, now time.Time, why string) (Host, error) {
	if h.State == to {
		return h, nil
	}
	if !slices.Contains(moves[h.State], to) {
		return h, fmt.Errorf("host %s cannot go from %s to %s", h.ID, h.State, to)
	}
	h = Rest(h)
	h.State, h.Since, h.Why = to, now, why
	h.History = Append(h.History, Entry{At: now, What: string(to), Why: why})
	return h, nil
}

// Rest ends a host's step; nothing is to be done next.
func Rest(h Host) Host {
	h = h.Clone()
	h.Step, h.Tries, h.Count, h.Due = "", 0, 0, time.Time{}
	return h
}

// Begin sets a host's step with its deadline. Progress and tries start anew.
func Begin(h Host, step Step, now time.Time) Host {
	h = h.Clone()
	h.Step, h.Tries, h.Count = step, 0, 0
	h.Due = now.Add(Deadline(step))
	return h
}
