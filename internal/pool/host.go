package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// HostState is where a host stands in its life.
type HostState string

const (
	// HostOrdered: the order is recorded; the stack may or may not have been asked for yet.
	HostOrdered HostState = "ordered"
	// HostBuilding: CloudFormation accepted the stack.
	HostBuilding HostState = "building"
	// HostPreparing: the stack is complete; the host is made ready step by step.
	HostPreparing HostState = "preparing"
	// HostInService: its slots can be set out and taken.
	HostInService HostState = "in-service"
	// HostCordoned: it keeps its tenants and takes no more, because an alarm is on, or because it is in doubt.
	HostCordoned HostState = "cordoned"
	// HostLost: its stack was deleted by somebody else while it had tenants. It is no host any more, and its
	// record stays, for it says who was there.
	HostLost HostState = "lost"
	// HostDeleting: its making failed; the stack is being deleted.
	HostDeleting HostState = "deleting"
	// HostDeleted: nothing is left of it but this record.
	HostDeleted HostState = "deleted"
	// HostRetiring: it is empty and not needed, and is taken down, with all that is its own. It takes nobody.
	HostRetiring HostState = "retiring"
	// HostQuarantined: given up after too many tries; nothing touches it until a person does.
	HostQuarantined HostState = "quarantined"
)

// Provisioning reports whether the host is on its way into service.
func (s HostState) Provisioning() bool {
	return s == HostOrdered || s == HostBuilding || s == HostPreparing
}

// Live reports whether the host exists, or may exist, in the cloud and so counts against the ceiling.
func (s HostState) Live() bool { return s != HostDeleted && s != HostLost }

// FirstStep is the first step after a host's stack is complete.
func FirstStep(k Kind) Step {
	if k == Share {
		return StepAttach
	}
	return StepHarden
}

// Access is how Headroom reaches a host, and what a tenant is told of it.
type Access struct {
	Address       string // DNS name: of the database, or of the gateway in the private zone
	Port          int    // of the database
	MasterSecret  string // ARN of the secret of the database's master user
	Gateway       string // ARN of the gateway
	Appliance     string // private IP address of the gateway's machine
	SecurityGroup string // ID of the gateway's security group
	Machine       string // ID of the gateway's machine
	Cache         string // ID of the volume that is the gateway's cache
	CacheGiB      int    // its size, as it was seen; 0: not yet
}

// GatewayID is the ID of the gateway, "sgw-…", as its ARN ends.
func (a Access) GatewayID() string { return a.Gateway[strings.LastIndex(a.Gateway, "/")+1:] }

// Offered is what a signup needs of it. It lies on the shelf, where each byte is paid for by every
// claim, and where a machine that is replaced would stay.
func (a Access) Offered() Access {
	a.Appliance, a.Machine, a.Cache, a.CacheGiB = "", "", "", 0
	return a
}

// Stack is a host's CloudFormation stack.
type Stack struct {
	Name  string
	ID    string
	Token string // client request token of the order
}

// Host is the record of one host.
type Host struct {
	ID        HostID
	Kind      Kind
	Tier      Tier
	State     HostState
	Since     time.Time // of the state
	Why       string    // reason of the state
	DecidedAt time.Time // when a host was found to be missing: of a host that replaces a failed one, when that was
	OrderedAt time.Time
	Mark      string // random mark of the order: what lacks it is foreign, whatever its name
	Size      int    // slots it will have
	Zone      string // that it was ordered in; empty: AWS chose
	Image     string // ID of the image that a gateway's machine was ordered from
	Gateways  int    // how many gateways took the place of others over its buckets
	Losses    []Loss // the gateways that were given up so while tenants had shares of them, the oldest first
	Price     Cents  // what it costs a month, as its policy said when it was ordered
	Cap       Cents  // what all hosts might cost then, with this one; 0: there was no cap

	Progress
	Untold bool // that its making failed could not be announced, and is owed

	Stack     Stack
	Access    Access
	Slots     []Slot
	Alarms    map[string]AlarmMark // last known state of each of its alarms
	Rang      []time.Time          // when its alarms went on, or there was a first sign of what put it in doubt, lately, one after the other, the oldest first
	Calm      time.Time            // since when what kept it cordoned is over, and it is waited whether that lasts; zero: nothing is waited for
	Set       time.Time            // when it went into service first, or its last repair ended: what its alarms say soon after may be of before
	Doubt     string               // why it is doubted that it serves anybody; empty: it is not
	ByHand    string               // who cordoned it by hand, and why; empty: nobody has
	Drained   string               // who has it take no more and go once it is empty, and why; empty: nobody has
	Protected string               // who keeps it from being retired, and why; empty: nobody does
	Retire    Retirement           // of one that is being retired, or was
	Repair    int                  // number of the repair that it is in; 0: it is in none
	Trouble   string               // what RDS says of its instance that keeps it from serving; empty: nothing
	Strikes   []Strike             // failures against it in a row, the oldest first
	History   []Entry
	Version   int64 // of the record; 0 when it is not written yet
}

// AlarmMark is the last state that was heard of an alarm.
type AlarmMark struct {
	On bool
	At time.Time // as the alarm says; older news is ignored
}

// Key names the host's pool.
func (h Host) Key() Key { return Key{Kind: h.Kind, Tier: h.Tier} }

// Used counts the slots that are set out or taken.
func (h Host) Used() int { return h.count(SlotOffered) + h.Assigned() }

// Assigned counts the slots that tenants hold.
func (h Host) Assigned() int { return h.count(SlotAssigned) }

// Free counts the slots in reserve: made and not set out.
func (h Host) Free() int { return h.count(SlotFree) }

// Leaving counts the slots whose tenants leave. They are neither free nor used.
func (h Host) Leaving() int { return h.count(SlotLeaving) }

// Cooling counts the slots that rest before they are free again: those of tenants that left, and those that
// were returned. They are neither free nor used.
func (h Host) Cooling() int { return h.count(SlotCooling) + h.count(SlotReturned) }

// GivenUp counts the slots in quarantine, which are neither free nor used.
func (h Host) GivenUp() int { return h.count(SlotQuarantined) }

func (h Host) count(state SlotState) int {
	n := 0
	for _, s := range h.Slots {
		if s.State == state {
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

// Slot returns the slot with an index, nil when there is none. It points into h.Slots.
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
	h.Slots, h.Losses = slices.Clone(h.Slots), slices.Clone(h.Losses)
	h.History, h.Strikes = slices.Clone(h.History), slices.Clone(h.Strikes)
	h.Retire.Left, h.Rang = slices.Clone(h.Retire.Left), slices.Clone(h.Rang)
	if h.Alarms != nil {
		alarms := make(map[string]AlarmMark, len(h.Alarms))
		for name, mark := range h.Alarms {
			alarms[name] = mark
		}
		h.Alarms = alarms
	}
	return h
}

// hostMoves lists the states that each state may be left for.
var hostMoves = map[HostState][]HostState{
	HostOrdered:     {HostBuilding, HostPreparing, HostDeleting, HostDeleted, HostQuarantined},
	HostBuilding:    {HostPreparing, HostDeleting, HostQuarantined},
	HostPreparing:   {HostInService, HostCordoned, HostDeleting, HostQuarantined},
	HostInService:   {HostCordoned, HostLost, HostRetiring},
	HostCordoned:    {HostInService, HostLost, HostRetiring},
	HostRetiring:    {HostInService, HostCordoned, HostDeleted, HostLost, HostQuarantined},
	HostDeleting:    {HostDeleted, HostQuarantined},
	HostQuarantined: {HostBuilding, HostPreparing, HostDeleting, HostDeleted, HostRetiring},
}

// MoveHost takes a host to another state. Being there already is no error and changes nothing, so that
// a redelivered event succeeds; a move that the life of a host does not have is an error.
func MoveHost(h Host, to HostState, now time.Time, why string) (Host, error) {
	if h.State == to {
		return h, nil
	}
	if !slices.Contains(hostMoves[h.State], to) {
		return h, fmt.Errorf("host %s cannot go from %s to %s", h.ID, h.State, to)
	}
	h = Rest(h)
	h.State, h.Since, h.Why = to, now, why
	h.History = Append(h.History, Entry{At: now, What: string(to), Why: why})
	return h, nil
}

// Rest ends a host's step; nothing is to be done next. Where it was given up stays known.
func Rest(h Host) Host {
	h = h.Clone()
	h.Progress = Progress{Stuck: h.Stuck}
	return h
}

// Begin sets a host's step with its deadline. Where an earlier one was given up stays known.
func Begin(h Host, step Step, now time.Time) Host {
	h = h.Clone()
	stuck := h.Stuck
	h.Progress = Started(step, now)
	h.Stuck = stuck
	return h
}
