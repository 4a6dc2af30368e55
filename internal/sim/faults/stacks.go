package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/adapter/stacks"
	"headroom/internal/adapter/stacks/stackstest"
	"headroom/internal/pool"
)

const (
	templateURL = "https://s3/share"
	plainURL    = "https://s3/database"
	sharesMost  = 10
)

// templates are what the stacks of gateways are made of: with their alarms, which an update makes.
var templates = map[string]string{templateURL: `{
	"Parameters": {
		"GatewayId": {"Default": ""}, "HasMachine": {"Default": "true"}, "InstanceType": {"Default": "m6i.xlarge"},
		"Fence": {"Default": "off"}, "Side": {"Default": "A"}, "AvailabilityZone": {}, "HostId": {}, "ImageId": {}, "OrderMark": {}, "Slots": {}, "SubnetId": {}, "Tier": {}
	},
	"Resources": {
		"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Of": {"Ref": "GatewayId"}}},
		"Machine": {"Type": "AWS::EC2::Instance", "Properties": {"Has": {"Ref": "HasMachine"}, "Image": {"Ref": "ImageId"}, "Type": {"Ref": "InstanceType"}}},
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"Fence": {"Ref": "Fence"}, "Side": {"Ref": "Side"}}}
	}
}`}

// host is what a stack makes.
type host struct {
	name, stack, token string
	zone               string
	side               string // of a gateway's stack; empty: A
	id                 pool.HostID
	kind               pool.Kind
	mark               string
	made               bool
	gone               bool
	failed             bool // its stack could not be made
	taken              bool // it has what is scarce of the account
	outputs            map[string]string
}

// formation is CloudFormation: what it is asked for is done minutes later, or fails.
type formation struct {
	c      *cloud
	api    *stackstest.CloudFormation
	client *stacks.Client
	hosts  map[string]*host // by the stack's ID
	live   map[string]*host // by name
	made   int
}

func newFormation(c *cloud) *formation {
	api := &stackstest.CloudFormation{Templates: templates}
	return &formation{c: c, api: api, client: &stacks.Client{API: api}, hosts: map[string]*host{}, live: map[string]*host{}}
}

// sorted are the hosts that there are, by name.
func (f *formation) sorted() []*host {
	var all []*host
	for _, name := range slices.Sorted(maps.Keys(f.live)) {
		all = append(all, f.live[name])
	}
	return all
}

func addressOf(name string) string { return name + ".internal" }

// Create begins to make a stack; the same order again makes nothing new.
func (f *formation) Create(ctx context.Context, order pool.StackOrder) (string, error) {
	return answered(f.c.w, "Create", func() (string, error) {
		if _, there := f.api.Stack(order.Name); !there {
			if why := f.c.w.quotas.refuses(f.kindOf(order), true); why != "" {
				return "", errors.New(why)
			}
		}
		before := f.api.Count()
		id, err := f.client.Create(ctx, order)
		if err != nil || f.api.Count() == before {
			return id, err
		}
		f.c.w.wrote = true
		f.begin(id, order)
		return id, nil
	})
}

// kindOf is of which kind the host of a stack is.
func (f *formation) kindOf(order pool.StackOrder) pool.Kind {
	key, _, _ := pool.HostID(order.Tags["headroom:host"]).Parse() // what is none is found where the stack is begun
	return key.Kind
}

func (f *formation) begin(id string, order pool.StackOrder) {
	w := f.c.w
	hostID := pool.HostID(order.Tags["headroom:host"])
	key, _, err := hostID.Parse()
	if err != nil {
		w.found("stacks are hosts'", "stack %s: %v", order.Name, err)
		return
	}
	if w.stopped(func(s pool.Stops) bool { return s.Order }) {
		w.found("nothing is ordered while that is stopped", "stack %s is", order.Name)
	}
	h := &host{name: order.Name, stack: id, token: order.Token, id: hostID, kind: key.Kind, mark: order.Tags["headroom:order"], zone: zoneOf(order)}
	f.hosts[id], f.live[h.name] = h, h
	f.tell(h, "CREATE_IN_PROGRESS", "User Initiated")
	takes := time.Duration(3+w.delays.IntN(25)) * time.Minute
	fail := func(why string) {
		if h.gone || h.failed {
			return
		}
		h.failed = true
		f.api.Fail(id, "Host", why)
		f.end(h, types.StackStatusRollbackInProgress, "The following resource(s) failed to create: [Host].")
		w.after(2*time.Minute, func() {
			h.taken = false
			f.end(h, types.StackStatusRollbackComplete, "")
		})
	}
	w.after(time.Duration(20+w.delays.IntN(60))*time.Second, func() {
		switch why := w.quotas.refuses(h.kind, false); {
		case h.gone || h.failed:
		case f.c.isDark(h.zone):
			fail("We currently do not have sufficient capacity in the Availability Zone you requested (" + h.zone + "). (Error Code: InsufficientInstanceCapacity)")
		case why != "":
			fail(why)
		default:
			h.taken = true
		}
	})
	failing := w.chances[Unstacked]
	if failing.comes() {
		hangs := failing.draw.IntN(4) == 0
		if hangs { // until long after its deadline
			takes = 3 * time.Hour
		}
		w.after(takes, func() {
			if h.gone || w.calmed && hangs {
				f.complete(h)
				return
			}
			fail("it was said to fail")
		})
		return
	}
	w.after(takes, func() { f.complete(h) })
}

// complete has a host be there, of which its machine or instance is ready.
func (f *formation) complete(h *host) {
	if h.gone || h.failed {
		return
	}
	f.made++
	h.made = true
	h.outputs = map[string]string{}
	if h.kind == pool.Database {
		f.c.databases.add(h)
	} else {
		f.c.addGateway(h, f.made)
	}
	f.c.w.wrote = true
	f.api.Finish(h.stack, types.StackStatusCreateComplete, "", h.outputs)
	f.tell(h, "CREATE_COMPLETE", "")
	if h.kind == pool.Share {
		f.c.w.after(time.Minute, func() { f.c.ring(h, false) })
	}
}

// addGateway makes a gateway's machine, its disk, group and buckets.
func (c *cloud) addGateway(h *host, n int) {
	group := fmt.Sprintf("sg-%d", n)
	c.groups.Add(group)
	h.outputs["ApplianceAddress"], h.outputs["DnsName"], h.outputs["SecurityGroupId"] = fmt.Sprintf("10.200.0.%d", n), addressOf(h.name), group
	if failure := c.launch(h, "ami-00000000000000001"); failure != "" {
		c.w.found("the simulation is sound", "%s", failure)
	}
	for i := 1; i <= sharesMost; i++ {
		bucket := fmt.Sprintf("%s-%02d", h.name, i)
		c.tags.Add(bucket, nil)
		c.s3.Add(bucket, false)
		h.outputs[fmt.Sprintf("Bucket%02d", i)] = "arn:aws:s3:::" + bucket
	}
	c.give(h)
}

// end brings a stack to a status, and has it told.
func (f *formation) end(h *host, status types.StackStatus, reason string) {
	if h.gone {
		return
	}
	f.api.Finish(h.stack, status, reason, nil)
	f.tell(h, string(status), reason)
}

func (f *formation) tell(h *host, status, reason string) {
	f.c.w.trace("stack %s is %s", h.name, status)
	f.c.w.send(f.c.w.hostEvents, events.Envelope[events.StackStatusChange]{
		Version: "0", DetailType: events.TypeStackStatusChange, Source: "aws.cloudformation", Resources: []string{h.stack},
		Detail: events.StackStatusChange{StackID: h.stack, ClientRequestToken: h.token, StatusDetails: events.StatusDetails{Status: status, Reason: reason}},
	})
}

// Describe says how a stack is.
func (f *formation) Describe(ctx context.Context, nameOrID string) (pool.StackStatus, error) {
	return answered(f.c.w, "Describe", func() (pool.StackStatus, error) { return f.client.Describe(ctx, nameOrID) })
}

// Failure says why a stack failed.
func (f *formation) Failure(ctx context.Context, nameOrID string) (string, error) {
	return answered(f.c.w, "Failure", func() (string, error) { return f.client.Failure(ctx, nameOrID) })
}

// Update begins to change a stack.
func (f *formation) Update(ctx context.Context, change pool.StackChange) (bool, error) {
	return answered(f.c.w, "Update", func() (bool, error) {
		before, _ := f.api.Stack(change.Name)
		changed, err := f.client.Update(ctx, change)
		if after, _ := f.api.Stack(change.Name); err == nil && after.Updates != before.Updates {
			h, w := f.hosts[after.ID], f.c.w
			failing := w.chances[Unstacked]
			fails := failing.comes()
			w.after(time.Duration(10+w.delays.IntN(100))*time.Second, func() {
				why := "it was said to fail"
				if !fails && !h.gone {
					why = f.c.rebuild(h, after.Parameters)
				}
				w.wrote = true
				if why != "" {
					f.end(h, types.StackStatusUpdateRollbackComplete, why)
				} else {
					f.end(h, types.StackStatusUpdateComplete, "as it was asked for")
				}
			})
		}
		return changed, err
	})
}

// Delete begins to delete a stack: what it made is gone at once, or it says minutes later that it could not be deleted.
func (f *formation) Delete(ctx context.Context, nameOrID, token string) error {
	return f.c.w.changed("Delete", func() error {
		before, there := f.api.Stack(nameOrID)
		if err := f.client.Delete(ctx, nameOrID, token); err != nil || !there {
			return err
		}
		after, _ := f.api.Stack(before.ID)
		if after.Status == before.Status {
			return nil
		}
		h, w := f.hosts[before.ID], f.c.w
		w.mayDelete(h)
		if w.chances[Unstacked].comes() || !f.c.retired(h) {
			w.after(5*time.Minute, func() {
				f.end(h, types.StackStatusDeleteFailed, "The following resource(s) failed to delete: [Group].")
			})
			return nil
		}
		f.tell(h, "DELETE_IN_PROGRESS", "")
		w.after(time.Duration(1+w.delays.IntN(10))*time.Minute, func() {
			f.end(h, types.StackStatusDeleteComplete, "")
			h.gone, h.taken = true, false
			delete(f.live, h.name)
			delete(f.c.databases.servers, addressOf(h.name))
			w.wrote = true
		})
		return nil
	})
}
