package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/pool"
)

// What the queues of requests about hosts are called in the stack's outputs.
const (
	hostEvents     = "HostEventsQueueUrl"
	repairRequests = "RepairRequestQueueUrl"
)

// Request is a message that is ready to be sent. What it asks for was possible when it was made; whether it still is, is
// decided by who takes it.
type Request struct {
	Output string   // of the stack, with the URL of the queue that it goes to
	Body   any      // of the contract
	Says   string   // what it asks for, in words
	Means  []string // what comes of it, in words
	Next   []string

	// Done looks whether it has come about; an error besides those of AWS is that it will not. nil: that can't be seen.
	Done func(ctx context.Context) (came string, done bool, err error)
}

// Sent is what became of a request.
type Sent struct {
	Asked   string   `json:"asked"`               // in words
	Means   []string `json:"means,omitempty"`     // what comes of it, in words
	Queue   string   `json:"queue"`               // URL
	Message any      `json:"message"`             // as it was sent
	ID      string   `json:"messageId,omitempty"` // left out: it was not sent
	Came    string   `json:"came,omitempty"`      // what has come of it, of one that was waited for
	Next    []string `json:"next,omitempty"`      // commands
}

// Send sends a request; dry only says what would be sent.
func (o *Operator) Send(ctx context.Context, r Request, dry bool) (Sent, error) {
	url, err := o.Output(r.Output)
	if err != nil {
		return Sent{}, err
	}
	sent := Sent{Asked: r.Says, Means: r.Means, Queue: url, Message: r.Body}
	if dry { // nothing came of it that there is something to look at, or to call off
		return sent, nil
	}
	sent.Next = r.Next
	body, err := json.Marshal(r.Body)
	if err != nil {
		return sent, fmt.Errorf("encode the message: %w", err)
	}
	// Commit point: it is asked for, and comes about without this command.
	out, err := o.Queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
	if err != nil {
		return sent, fmt.Errorf("ask to %s: %w", r.Says, err)
	}
	sent.ID = aws.ToString(out.MessageId)
	return sent, nil
}

// Came looks what has come of a request that was sent: in words, and whether that is all. That it was refused is a failure.
func (o *Operator) Came(ctx context.Context, r Request, sent Sent) (came string, done bool, err error) {
	if came, done, err = r.Done(ctx); done || err != nil {
		return came, done, err
	}
	rejected, err := o.Ledger.Rejection(ctx, sent.ID)
	if errors.Is(err, pool.ErrNotFound) {
		return came, false, nil
	}
	if err != nil {
		return came, false, err
	}
	why := "refused: " + rejected.Field + " " + rejected.Reason
	do := "Its message is kept: headroom dlq show " + strings.ToLower(strings.TrimSuffix(r.Output, "QueueUrl")) + " has it."
	if r.Output == hostEvents || r.Output == repairRequests { // what is refused of hosts is not kept, or only once it was tried some times
		do = r.Next[0] + " says how it is."
	}
	return why, true, refused(do, "the request to %s was %s", r.Says, why)
}

// valid makes a failure of what the contract has against a message: it is so of what was asked, whatever there is.
func valid(body any, parse func([]byte) error) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	var bad *events.FieldError
	if err := parse(text); errors.As(err, &bad) {
		return mistaken("", "%s %s", bad.Field, bad.Reason)
	}
	return nil
}

// record has something put on record that a person is about to do, and that is no message by itself.
func (o *Operator) record(ctx context.Context, action, of, reason string) error {
	body := events.DoneByHand{Version: events.Version, Type: events.TypeDoneByHand, Action: action, Of: of, RequestedBy: o.Caller.ARN, Reason: reason}
	if err := valid(body, func(text []byte) error { _, err := events.ParseDoneByHand(text); return err }); err != nil {
		return err
	}
	_, err := o.Send(ctx, Request{Output: hostEvents, Body: body, Says: "put " + action + " on record"}, false)
	return err
}

// wrong makes a failure of what is wrong with a message.
func wrong(do string, bad *events.FieldError) error {
	return refused(do, "%s %s", bad.Field, bad.Reason)
}

// graceWithin refuses a grace that is longer than the policy lets one be; an empty one is the policy's.
func (o *Operator) graceWithin(ctx context.Context, wanted string) error {
	if wanted == "" {
		return nil
	}
	grace, err := time.ParseDuration(wanted)
	if err != nil {
		return fmt.Errorf("read the grace %q: %w", wanted, err)
	}
	policy, err := o.Policy(ctx)
	if err != nil || policy.Invalid != nil && policy.InForce == 0 {
		return err
	}
	if bad := policy.Document.Terms.Refusal(grace); bad != nil {
		return wrong("", bad)
	}
	return nil
}

// Decommission asks that a tenant leaves; an empty grace is the policy's.
func (o *Operator) Decommission(ctx context.Context, tenant, reason, grace string) (Request, error) {
	body := events.DecommissionRequested{
		Version: events.Version, Type: events.TypeDecommissionRequested, TenantID: tenant, Reason: reason, RequestedBy: o.Caller.ARN, Grace: grace,
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseDecommissionRequested(text); return err }); err != nil {
		return Request{}, err
	}
	t, err := o.readTenant(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if t.State == pool.TenantLeft {
		return Request{}, refused("headroom tenant explain "+tenant+" says how it goes.", "tenant %s leaves, or has left", tenant)
	}
	if err := o.graceWithin(ctx, grace); err != nil {
		return Request{}, err
	}
	return Request{
		Output: "DecommissionQueueUrl", Body: body, Says: "have tenant " + tenant + " leave",
		Next: []string{"headroom tenant explain " + tenant, "headroom undo " + tenant + " --reason …"},
		Done: func(ctx context.Context) (string, bool, error) {
			departures, err := o.Ledger.Departures(ctx, pool.TenantID(tenant))
			for _, d := range departures {
				if d.Tenant.Mark == t.Mark && !d.State.Ended() {
					return "nobody reaches its storage any more", d.Done(pool.StepShut), err
				}
			}
			return "not heard of yet", false, err
		},
	}, nil
}

// Undo asks that a tenant which is leaving stays.
func (o *Operator) Undo(ctx context.Context, tenant, reason string) (Request, error) {
	body := events.UndoRequested{Version: events.Version, Type: events.TypeUndoRequested, TenantID: tenant, Reason: reason, RequestedBy: o.Caller.ARN}
	if err := valid(body, func(text []byte) error { _, err := events.ParseUndoRequested(text); return err }); err != nil {
		return Request{}, err
	}
	t, err := o.readTenant(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if t.State != pool.TenantLeft {
		return Request{}, refused("headroom tenant show "+tenant+" says how it is.", "tenant %s does not leave", tenant)
	}
	departures, err := o.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return Request{}, err
	}
	for _, d := range departures {
		if d.ID() == pool.DepartureIDOf(t) && (d.State == pool.DepartureScrubbing || d.State == pool.DepartureLeft) {
			return Request{}, refused("What it had is in the archive "+d.Archive.Key+".", "tenant %s can't stay any more: its departure is %s", tenant, d.State)
		}
	}
	return Request{
		Output: "DecommissionQueueUrl", Body: body, Says: "have tenant " + tenant + " stay", Next: []string{"headroom tenant show " + tenant},
		Done: func(ctx context.Context) (string, bool, error) {
			t, err := o.Ledger.Tenant(ctx, pool.TenantID(tenant))
			return "it is " + string(t.State), t.State == pool.TenantReady, err
		},
	}, nil
}

// isHeld says that a host may have what the ledger does not know, so that nobody lets it out, or go.
func isHeld(h pool.Host) error {
	return refused("headroom recover lets it out, once it is known what it has.", "host %s is held by a recovery: the ledger may not know what it has", h.ID)
}

// HostAction asks for something about a host: one of events.HostRelease and the like.
func (o *Operator) HostAction(ctx context.Context, host, action, reason string) (Request, error) {
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	explain := "headroom host explain " + host + " says why."
	switch serves := h.State == pool.HostInService || h.State == pool.HostCordoned; {
	case (action == events.HostRelease || action == events.HostDelete) && h.State != pool.HostQuarantined:
		return Request{}, refused(explain, "host %s is not quarantined: it is %s", host, h.State)
	case action == events.HostDelete && h.Stuck.OfRetirement():
		return Request{}, refused("headroom host release "+host+" --reason … goes on with it, under its guard.", "host %s got stuck while it was retired", host)
	case (action == events.HostCordon || action == events.HostUncordon) && !serves:
		return Request{}, refused(explain, "host %s is not in service: it is %s", host, h.State)
	case action == events.HostCordon && h.ByHand != "":
		return Request{}, refused(explain, "host %s is cordoned by a person's word already: %s", host, h.ByHand)
	case action == events.HostUncordon && h.HeldByRecovery():
		return Request{}, isHeld(h)
	case action == events.HostUncordon && h.ByHand == "":
		return Request{}, refused(explain, "host %s is not cordoned by a person's word", host)
	}
	r := o.hostRequest(h, action, reason)
	r.Done = func(ctx context.Context) (string, bool, error) {
		now, err := o.Ledger.Host(ctx, h.ID)
		return "it is " + string(now.State), now.Version > h.Version && (now.State != h.State || now.ByHand != h.ByHand), err
	}
	return r, nil
}

// repairWords say what a RepairRequest asks for; the host follows.
var repairWords = map[string]string{
	events.RepairProceed: "go on with the repair of", events.RepairDrop: "end the repair of", events.RepairReplace: "replace the machine of",
	events.RepairResize: "resize the machine of", events.RepairUpdate: "update the stack of",
	events.RepairDiscard: "let go of what a gateway left that was given up, of",
}

// Repair asks for something about a host's machine or stack: q has the action and what belongs to it.
func (o *Operator) Repair(ctx context.Context, host string, q events.RepairRequest) (Request, error) {
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	r, err := o.Ledger.Repair(ctx, h.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return Request{}, err
	}
	explain := "headroom host explain " + host + " says how it is."
	switch {
	case q.Action == events.RepairProceed && r.State != pool.RepairAsking:
		return Request{}, refused(explain, "the repair of host %s asks for nothing", host)
	case q.Action == events.RepairProceed && !r.Takes(pool.Way(q.Way)):
		return Request{}, refused(explain, "the word is for way %q, and the repair of host %s asks for way %q", q.Way, host, r.Way)
	case q.Action == events.RepairDiscard && len(r.Undecided()) == 0:
		return Request{}, refused(explain, "nothing of host %s is kept until somebody says that it may go", host)
	case q.Action == events.RepairDiscard:
	case q.Action == events.RepairDrop && r.Renewing():
		return Request{}, refused(explain, "the old gateway of host %s is fenced off from the buckets, and it is not left so", host)
	case q.Action == events.RepairDrop && !r.State.Ended() && r.Unopened():
		return Request{}, refused(explain, "the shares of the new gateway of host %s are not opened to their tenants again, and it is not left so", host)
	case q.Action == events.RepairDrop && (r.Number == 0 || r.State.Ended()):
		return Request{}, refused(explain, "host %s is in no repair", host)
	case q.Action == events.RepairDrop && r.State == pool.RepairMending:
		return Request{}, refused(explain, "the repair of host %s is under way, and is not ended half done", host)
	case q.Action == events.RepairProceed || q.Action == events.RepairDrop:
	case h.State != pool.HostInService && h.State != pool.HostCordoned:
		return Request{}, refused(explain, "host %s is %s", host, h.State)
	case h.Kind != pool.Share && q.Action != events.RepairUpdate:
		return Request{}, refused("Only share hosts have a machine of their own.", "host %s is a %s host", host, h.Kind)
	case r.Number > 0 && !r.State.Ended():
		return Request{}, refused(explain, "host %s is in repair %s already, which is %s", host, r.ID(), r.State)
	}
	var means []string
	if q.Action == events.RepairReplace {
		if means, err = o.judgeImage(ctx, h, q.Image); err != nil {
			return Request{}, err
		}
	}
	q.Version, q.Type, q.HostID, q.RequestedBy = events.Version, events.TypeRepairRequest, host, o.Caller.ARN
	says := repairWords[q.Action] + " host " + host
	switch {
	case q.Action == events.RepairProceed && q.Way == string(pool.WayGateway):
		says += " by giving its gateway up for a new one. Lost may be: " + r.Loss(h)
	case q.Action == events.RepairDiscard:
		for _, k := range r.Undecided() {
			says += fmt.Sprintf("; %s of gateway %s goes, not before %s", k.Volume, k.Gateway, at(k.Until))
		}
	}
	return Request{
		Output: repairRequests, Body: q, Says: says, Means: means, Next: []string{"headroom host explain " + host, "headroom host show " + host + " --watch"},
		Done: func(ctx context.Context) (string, bool, error) {
			now, err := o.Ledger.Repair(ctx, h.ID)
			if errors.Is(err, pool.ErrNotFound) {
				return "not heard of yet", false, nil
			}
			return "repair " + now.ID() + " is " + string(now.State), now.Version > r.Version, err
		},
	}, nil
}

// judgeImage refuses an image that is known to be older than the one that a gateway runs from, and says what is not known.
func (o *Operator) judgeImage(ctx context.Context, h pool.Host, id string) (means []string, err error) {
	to, err := o.Images.Image(ctx, id)
	if err != nil {
		return nil, err
	}
	from, err := o.Images.Image(ctx, h.Image)
	if err != nil {
		return nil, err
	}
	if why := pool.RefuseImage(to, from); why != "" {
		return nil, refused("aws ssm get-parameter --name /aws/service/storagegateway/ami/FILE_S3/latest names the newest.", "%s", why)
	}
	if undated := from.Undated(); undated != "" {
		means = append(means, undated)
	}
	return means, nil
}

// DepartureAction asks for something about a departure that does not come on: events.DepartureResume and the like; slot
// is "database" or "share", and empty for resume.
func (o *Operator) DepartureAction(ctx context.Context, departure, action, slot, reason string) (Request, error) {
	body := events.DepartureRequest{
		Version: events.Version, Type: events.TypeDepartureRequest, DepartureID: departure, Action: action, Slot: slot, RequestedBy: o.Caller.ARN, Reason: reason,
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseDepartureRequest(text); return err }); err != nil {
		return Request{}, err
	}
	id := pool.DepartureID(departure)
	all, err := o.Ledger.Departures(ctx, id.Tenant())
	if err != nil {
		return Request{}, err
	}
	if !slices.ContainsFunc(all, func(d pool.Departure) bool { return d.ID() == id }) {
		return Request{}, missing("headroom tenant show "+string(id.Tenant())+" names the departures of the tenant.", "there is no departure %s", departure)
	}
	says := action + " departure " + departure
	if slot != "" {
		c, err := o.Ledger.Clearance(ctx, pool.Clearance{Departure: id, Kind: pool.Kind(slot)}.ID())
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return Request{}, err
		}
		if c.State != pool.ClearanceQuarantined {
			return Request{}, refused("headroom tenant explain "+string(id.Tenant())+" says how it is.", "the %s of departure %s is not quarantined", slot, departure)
		}
		says = action + " the " + slot + " of departure " + departure
	}
	return Request{Output: "DecommissionQueueUrl", Body: body, Says: says, Next: []string{"headroom tenant explain " + string(id.Tenant())}}, nil
}
