package hostrepair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/adapter/queue"
	"headroom/internal/pool"
)

// errUpdating is what Storage Gateway says of a share that is being changed.
var errUpdating = errors.New("the share is being updated")

const (
	nobody    = "192.0.2.1/32"
	taskTime  = 25 * time.Second // that a task takes to start
	reportGap = 15 * time.Second // between its reports
	taskLife  = 15 * time.Minute // after which it gives up
	listTime  = 8 * time.Second  // that a share takes to change its list
)

// job is a task that looks into a share, once it is let in.
type job struct {
	order           pool.TaskOrder
	arn, address    string
	began, reported time.Time
	share, path     string
	ended           time.Time
}

// doors say who is let in where.
type doors struct {
	lists  map[string][]string        // of clients, by share
	coming map[string][]string        // likewise, once it has changed
	due    map[string]time.Time       // when that is
	rules  map[string]map[string]bool // addresses, by group
	jobs   []*job
	deaf   bool   // tasks can't mount anything
	dies   int    // tasks that end without a report next
	found  string // what lies in shares that are nobody's
	full   bool   // there is no room for tasks
}

func newDoors() *doors {
	return &doors{lists: map[string][]string{}, coming: map[string][]string{}, due: map[string]time.Time{}, rules: map[string]map[string]bool{}}
}

// list is who a share serves just now.
func (w *world) list(share string) []string {
	d := w.doors
	if at, changing := d.due[share]; changing && !at.After(w.now) {
		d.lists[share] = d.coming[share]
		delete(d.due, share)
	}
	if d.lists[share] == nil {
		return []string{nobody}
	}
	return d.lists[share]
}

// slotOf is the host and the slot of a share.
func (w *world) slotOf(share string) (pool.Host, pool.Slot) {
	for _, id := range w.ids {
		h := w.host(id)
		for _, s := range h.Slots {
			if s.Share == share {
				return h, s
			}
		}
	}
	return pool.Host{}, pool.Slot{}
}

// work has tasks go on.
func (w *world) work() {
	for _, j := range w.doors.jobs {
		if !j.ended.IsZero() || w.now.Sub(j.began) < taskTime || w.now.Sub(j.reported) < reportGap {
			continue
		}
		j.reported = w.now
		var said events.ArchivistJob
		if err := json.Unmarshal([]byte(j.order.Job), &said); err != nil {
			w.t.Fatal(err)
		}
		report := events.TaskReport{
			Version: events.Version, Type: events.TypeTaskReport, Job: said.Job, Of: said.Of, ID: said.ID, Attempt: said.Attempt, Address: j.address,
		}
		h, _ := w.slotOf(j.share)
		if w.doors.dies > 0 {
			w.doors.dies--
			j.ended = w.now
			continue
		}
		switch {
		case !w.doors.deaf && w.doors.rules[h.Access.SecurityGroup][j.address] && slices.Equal(w.list(j.share), []string{j.address + "/32"}) && w.serves(h.ID):
			report.Done, report.Proof, j.ended = true, "mounted", w.now
			if w.doors.found != "" {
				report.Proof, report.Found = "", []string{w.doors.found}
			}
		case w.now.Sub(j.began) > taskLife:
			report.Done, report.Failure, j.ended = true, "it could not be mounted", w.now
		}
		if err := (&queue.Sender{Client: w.repairs, URL: "url"}).Send(context.Background(), report, 0); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (o outside) Run(_ context.Context, order pool.TaskOrder) (string, error) {
	return ask(o, "Run", func() (string, error) {
		d := o.w.doors
		for _, j := range d.jobs {
			if j.order.Token == order.Token {
				return j.arn, nil
			}
		}
		if d.full {
			return "", pool.ErrNoCapacity
		}
		var said events.ArchivistJob
		if err := json.Unmarshal([]byte(order.Job), &said); err != nil {
			return "", err
		}
		j := &job{order: order, arn: fmt.Sprint("task-", len(d.jobs)+1), address: fmt.Sprint("10.9.0.", len(d.jobs)+1), began: o.w.now}
		for _, id := range o.w.ids {
			h := o.w.host(id)
			for _, s := range h.Slots {
				if h.Access.Appliance == said.Share.Host && "/"+s.Name == said.Share.Path {
					j.share, j.path = s.Share, said.Share.Path
				}
			}
		}
		if j.share == "" {
			return "", fmt.Errorf("there is no share %+v", said.Share)
		}
		d.jobs = append(d.jobs, j)
		return j.arn, nil
	})
}

// taskCalls are the calls about tasks whose names machines and stacks have, too.
type taskCalls struct{ outside }

func (o taskCalls) Stop(_ context.Context, arn, _ string) error {
	return o.call("StopTask", func() error {
		for _, j := range o.w.doors.jobs {
			if j.arn == arn && j.ended.IsZero() {
				j.ended = o.w.now
			}
		}
		return nil
	})
}

func (o taskCalls) Describe(_ context.Context, arn string) (pool.TaskStatus, error) {
	return ask(o.outside, "DescribeTask", func() (pool.TaskStatus, error) {
		for _, j := range o.w.doors.jobs {
			switch {
			case j.arn != arn:
			case j.ended.IsZero():
				return pool.TaskStatus{ARN: arn, Status: "RUNNING"}, nil
			case o.w.now.Sub(j.ended) < time.Hour:
				return pool.TaskStatus{ARN: arn, Status: events.TaskStopped, Reason: "it ended"}, nil
			}
		}
		return pool.TaskStatus{}, pool.ErrNotFound
	})
}

func (o outside) Served(_ context.Context, ref pool.ShareRef, clients []string) error {
	return o.call("Served", func() error {
		if err := o.w.center.running(o.w.center.gatewayOfShare(ref)); err != nil {
			return err
		}
		if _, changing := o.w.doors.due[ref.ID]; !slices.Equal(o.w.list(ref.ID), clients) || changing {
			return access.ErrNotServing
		}
		return nil
	})
}

func (o outside) Shut(_ context.Context, ref pool.ShareRef, to string) error {
	return o.call("Shut", func() error {
		d := o.w.doors
		if err := o.w.center.running(o.w.center.gatewayOfShare(ref)); err != nil {
			return err
		}
		h, s := o.w.slotOf(ref.ID)
		if s.Tenant != "" || s.State != pool.SlotFree || h.State != pool.HostCordoned {
			o.w.center.fault("share %s, %s of tenant %q, of a host that is %s, is set to %s", ref.ID, s.State, s.Tenant, h.State, to)
		}
		o.w.list(ref.ID)
		if _, changing := d.due[ref.ID]; changing {
			return errUpdating
		}
		d.coming[ref.ID], d.due[ref.ID] = []string{to}, o.w.now.Add(listTime)
		return nil
	})
}

func (o outside) Admit(_ context.Context, group, address, _ string) error {
	return o.call("Admit", func() error {
		if o.w.doors.rules[group] == nil {
			o.w.doors.rules[group] = map[string]bool{}
		}
		o.w.doors.rules[group][address] = true
		return nil
	})
}

func (o outside) Evict(_ context.Context, group, address string) error {
	return o.call("Evict", func() error { delete(o.w.doors.rules[group], address); return nil })
}

// closed fails unless no share and no network of a host is open to a task.
func (w *world) closed(id pool.HostID) {
	w.t.Helper()
	h := w.host(id)
	for _, s := range h.Slots {
		if s.State == pool.SlotAssigned {
			continue // whom it serves its tenant's record says
		}
		_, changing := w.doors.due[s.Share]
		if list := w.list(s.Share); changing && w.doors.due[s.Share].After(w.now) || !slices.Equal(list, []string{nobody}) {
			w.t.Fatalf("share %s of %s, which is %s, is open to %v", s.Share, id, h.State, list)
		}
	}
	if rules := w.doors.rules[h.Access.SecurityGroup]; len(rules) > 0 {
		w.t.Fatalf("the network of %s lets in %v", id, rules)
	}
}
