package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

const (
	// deletion is how long CloudFormation takes to delete a stack.
	deletion = 5 * time.Minute
	// readying is how long a host is prepared that has its stack, by what stackcomplete waits for at least: some looks in
	// a row at a gateway that is activated.
	readying = 5 * time.Second
)

// stack is one that was ordered.
type stack struct {
	id, token, status string
	order             pool.StackOrder
}

// formation stands for CloudFormation: stacks come after their lead times, or fail.
type formation struct {
	w      *world
	stacks map[string]*stack // by name
}

// Create begins to make a stack; the same order again makes nothing new.
func (f *formation) Create(_ context.Context, order pool.StackOrder) (string, error) {
	if s, there := f.stacks[order.Name]; there {
		return s.id, nil
	}
	key, n, err := pool.HostID(order.Tags["headroom:host"]).Parse()
	if err != nil {
		return "", fmt.Errorf("create stack %s: %w", order.Name, err)
	}
	s := &stack{
		id:    "arn:aws:cloudformation:eu-central-1:123456789012:stack/" + order.Name + "/" + order.Token,
		token: order.Token, status: "CREATE_IN_PROGRESS", order: order,
	}
	f.stacks[order.Name] = s
	f.w.measured.ordered(key.Kind)
	fate := fateOf(f.w.Seed, f.w.Leads[key.Kind], f.w.Fail, key.Kind, n)
	takes := fate.takes
	if key.Kind == pool.Share {
		takes = max(0, takes-readying)
	}
	f.w.line.after(takes, func() {
		if fate.fails {
			f.end(s, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Host].")
			f.end(s, "ROLLBACK_COMPLETE", "")
			return
		}
		f.end(s, "CREATE_COMPLETE", "")
		if key.Kind == pool.Share { // its machine sends metrics
			if err := f.w.alarms.Send(context.Background(), f.w.okAlarm(order.Name+"-status"), 0); err != nil {
				f.w.broken("alarms", err)
			}
		}
	})
	return s.id, nil
}

// end brings a stack to a status, and has it told.
func (f *formation) end(s *stack, status, reason string) {
	s.status = status
	err := f.w.hostEvents.Send(context.Background(), events.Envelope[events.StackStatusChange]{
		Version: "0", DetailType: events.TypeStackStatusChange, Source: "aws.cloudformation", Resources: []string{s.id},
		Detail: events.StackStatusChange{
			StackID: s.id, ClientRequestToken: s.token,
			StatusDetails: events.StatusDetails{Status: status, Reason: reason},
		},
	}, 0)
	if err != nil {
		f.w.broken("stacks", err)
	}
}

// find finds a stack by its name or ID.
func (f *formation) find(nameOrID string) (*stack, error) {
	name := nameOrID
	if parts := strings.Split(nameOrID, "/"); len(parts) == 3 { // an ARN
		name = parts[1]
	}
	s, there := f.stacks[name]
	if !there || name != nameOrID && s.id != nameOrID {
		return nil, fmt.Errorf("look for stack %s: %w", nameOrID, pool.ErrNotFound)
	}
	return s, nil
}

// Describe says how a stack is. Its template knows no alarms on its gateway, so that no update makes them.
func (f *formation) Describe(_ context.Context, nameOrID string) (pool.StackStatus, error) {
	s, err := f.find(nameOrID)
	if err != nil {
		return pool.StackStatus{}, err
	}
	name := s.order.Name
	outputs := map[string]string{
		"ApplianceAddress": "10.255.0.9", "DnsName": name + ".internal", "SecurityGroupId": "sg-" + name, "MachineId": "i-" + name, "CacheVolumeId": "vol-" + name,
		"Address": name + ".rds.internal", "Port": "5432", "MasterSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:" + name,
	}
	for i := 1; i <= mostShares; i++ {
		outputs[fmt.Sprintf("Bucket%02d", i)] = fmt.Sprintf("arn:aws:s3:::%s-%02d", name, i)
		outputs[fmt.Sprintf("Role%02d", i)] = fmt.Sprintf("arn:aws:iam::123456789012:role/%s-%02d", name, i)
	}
	return pool.StackStatus{ID: s.id, Name: name, Status: s.status, Outputs: outputs, Tags: s.order.Tags}, nil
}

// mostShares is how many shares a gateway has at most.
const mostShares = 10

// Failure says why a stack failed.
func (f *formation) Failure(context.Context, string) (string, error) {
	return "Host: it was said to fail", nil
}

// Delete begins to delete a stack.
func (f *formation) Delete(_ context.Context, nameOrID, _ string) error {
	s, err := f.find(nameOrID)
	if err != nil || s.status == "DELETE_IN_PROGRESS" || s.status == "DELETE_COMPLETE" {
		return err
	}
	s.status = "DELETE_IN_PROGRESS"
	f.w.line.after(deletion, func() { f.end(s, "DELETE_COMPLETE", "") })
	return nil
}

// Update is asked for by nobody: see Describe.
func (f *formation) Update(_ context.Context, change pool.StackChange) (bool, error) {
	return false, fmt.Errorf("stack %s is to be updated, which the simulation has no stack for", change.Name)
}
