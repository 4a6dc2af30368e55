package hostrepair

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outside is a handler's world, each call of which may be the last that the handler makes.
type outside struct {
	w    *world
	call killtest.Call
}

// ask makes a call that gives something; what a failed call gives is nothing.
func ask[T any](o outside, operation string, do func() (T, error)) (T, error) {
	var given T
	err := o.call(operation, func() (err error) {
		given, err = do()
		return err
	})
	if err != nil {
		var nothing T
		return nothing, err
	}
	return given, nil
}

func (o outside) Look(_ context.Context, id string) (pool.MachineLook, error) {
	return ask(o, "Look", func() (pool.MachineLook, error) { return o.w.center.look(id) })
}

func (o outside) Reboot(_ context.Context, id string) error {
	return o.call("Reboot", func() error { return o.w.center.reboot(id) })
}

func (o outside) Stop(_ context.Context, id string) error {
	return o.call("Stop", func() error { return o.w.center.stop(id) })
}

func (o outside) Start(_ context.Context, id string) error {
	return o.call("Start", func() error { return o.w.center.start(id) })
}

func (o outside) Keep(_ context.Context, id string, devices []string) error {
	return o.call("Keep", func() error { return o.w.center.keep(id, devices) })
}

func (o outside) Attachment(_ context.Context, id string) (pool.Attachment, error) {
	return ask(o, "Attachment", func() (pool.Attachment, error) { return o.w.center.attachment(id) })
}

func (o outside) Attach(_ context.Context, id, machine, device string) error {
	return o.call("Attach", func() error { return o.w.center.attach(id, machine, device) })
}

func (o outside) Detach(_ context.Context, id, machine string) error {
	return o.call("Detach", func() error { return o.w.center.detach(id, machine) })
}

func (o outside) TagVolume(_ context.Context, id string, tags map[string]string) error {
	return o.call("TagVolume", func() error { return o.w.center.tagVolume(id, tags) })
}

func (o outside) FindVolumes(_ context.Context, tags map[string]string) ([]pool.Volume, error) {
	return ask(o, "FindVolumes", func() ([]pool.Volume, error) { return o.w.center.findVolumes(tags), nil })
}

func (o outside) Size(_ context.Context, id string) (int, error) {
	return ask(o, "Size", func() (int, error) {
		if o.w.center.volumes[id] == nil {
			return 0, fmt.Errorf("look at %s: %w", id, pool.ErrNotFound)
		}
		return 150, nil
	})
}

func (o outside) Unuploaded(_ context.Context, id, name string) (pool.Unuploaded, error) {
	return ask(o, "Unuploaded", func() (pool.Unuploaded, error) {
		if g := o.w.center.gateways[id]; g != nil && g.name == name {
			return g.measured, nil
		}
		return pool.Unuploaded{}, nil
	})
}

func (o outside) DeleteVolume(_ context.Context, id string) error {
	return o.call("DeleteVolume", func() error { return o.w.center.deleteVolume(id) })
}

func (o outside) Describe(_ context.Context, id string) (pool.StackStatus, error) {
	return ask(o, "Describe", func() (pool.StackStatus, error) { return o.w.center.describe(id) })
}

func (o outside) Update(_ context.Context, change pool.StackChange) (bool, error) {
	return ask(o, "Update", func() (bool, error) { return o.w.center.update(change) })
}

func (o outside) Preview(_ context.Context, change pool.StackChange, name string) ([]pool.ResourceChange, error) {
	return ask(o, "Preview", func() ([]pool.ResourceChange, error) { return o.w.center.preview(change, name) })
}

func (o outside) Execute(_ context.Context, id, name, token string) error {
	return o.call("Execute", func() error { return o.w.center.execute(id, name, token) })
}

func (o outside) Discard(_ context.Context, id, name string) error {
	return o.call("Discard", func() error { return o.w.center.discard(id, name) })
}

func (o outside) Import(_ context.Context, address, gateway string) error {
	return o.call("Import", func() error { return o.w.center.take(address, gateway) })
}

func (o outside) Running(_ context.Context, arn string) error {
	return o.call("Running", func() error { return o.w.center.running(arn) })
}

func (o outside) Shares(_ context.Context, arn string, ids []string) (map[string]string, error) {
	return ask(o, "Shares", func() (map[string]string, error) { return o.w.center.statuses(arn, ids) })
}

func (o outside) Null(_ context.Context, address string) error {
	return o.call("Null", func() error { return o.w.center.null(address) })
}

func (o outside) Newest(context.Context) (string, error) {
	return ask(o, "Newest", func() (string, error) { return newest, nil })
}

func (o outside) Image(_ context.Context, id string) (pool.Image, error) {
	return ask(o, "Image", func() (pool.Image, error) {
		return pool.Image{ID: id, Name: o.w.images[id].Name, Made: o.w.images[id].Made}, nil
	})
}

func (o outside) Drills(context.Context) ([]pool.Drill, error) {
	return ask(o, "Drills", func() ([]pool.Drill, error) { return o.w.drills, nil })
}

func (o outside) Document(context.Context) (pool.Document, error) {
	return ask(o, "Document", func() (pool.Document, error) { return pool.Document{MoneyCap: o.w.moneyCap}, nil })
}

func (o outside) RepairWaits(_ context.Context, h pool.Host, _ pool.Repair, why string, gathered bool) error {
	if gathered {
		return nil
	}
	return o.call("RepairWaits", func() error { o.w.say("%s waits: %s", h.ID, why); return nil })
}

func (o outside) RepairAsks(_ context.Context, h pool.Host, r pool.Repair, why string) error {
	return o.call("RepairAsks", func() error { o.w.say("%s asks for way %s: %s", h.ID, r.Way, why); return nil })
}

func (o outside) HostRepaired(_ context.Context, h pool.Host, r pool.Repair, unwritable time.Duration) error {
	return o.call("HostRepaired", func() error {
		o.w.unwritable = append(o.w.unwritable, unwritable)
		o.w.say("%s is repaired by way %s", h.ID, r.Way)
		return nil
	})
}

func (w *world) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}
