package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/nfs"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/pool"
)

// soon does a step until it is done.
func soon(t *testing.T, what string, step func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = step(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

var errNotYet = errors.New("not yet")

// is wants a machine to be in a state.
func is(ctx context.Context, m *machines.Machines, id string, state pool.MachineState) error {
	look, err := m.Look(ctx, id)
	if err == nil && look.State != state {
		return errNotYet
	}
	return err
}

// at wants a volume to be somewhere.
func at(ctx context.Context, m *machines.Machines, volume string, want pool.Attachment) error {
	got, err := m.Attachment(ctx, volume)
	if err == nil && got != want {
		return errNotYet
	}
	return err
}

// A gateway goes to a new machine by the adapters alone, as AWS's user guide has it, in the local cloud.
func TestAGatewayIsTakenOverInTheLocalCloud(t *testing.T) {
	ctx := t.Context()
	l := newLocal(t, netip.MustParsePrefix("127.83.200.0/24"))
	m := &machines.Machines{Client: l.ec2}
	g := &gateway.Gateways{Client: l.client, Region: endpointtest.Region}
	appliances := &gateway.Appliances{Region: endpointtest.Region, Port: activationPort}
	id := l.arn[strings.LastIndex(l.arn, "/")+1:]

	var root string
	soon(t, "it runs with two disks", func() error {
		look, err := m.Look(ctx, l.instance)
		if err != nil || look.State != pool.MachineRunning || len(look.Disks) != 2 || !look.Disks[0].Root || look.Disks[1].Volume != l.cache {
			return fmt.Errorf("the machine is %+v: %w", look, errors.Join(errNotYet, err))
		}
		root = look.Disks[0].Volume
		return nil
	})
	if err := g.Running(ctx, l.arn); err != nil {
		t.Errorf("it is said not to run: %v", err)
	}
	soon(t, "stop", func() error { return m.Stop(ctx, l.instance) })
	soon(t, "it is stopped", func() error { return is(ctx, m, l.instance, pool.MachineStopped) })
	if err := g.Running(ctx, l.arn); !errors.Is(err, pool.ErrUnreachable) {
		t.Errorf("its machine is stopped: %v", err)
	}
	for _, volume := range []string{root, l.cache} {
		soon(t, "detach", func() error { return m.Detach(ctx, volume, l.instance) })
		soon(t, "it is detached", func() error { return at(ctx, m, volume, pool.Attachment{}) })
	}
	next := l.stack(t, "Next", "Instance", map[string]any{"SecurityGroupIds": []any{l.group}})
	address := next.Attributes["PrivateIp"].(string)
	soon(t, "it refuses", func() error {
		if err := appliances.Import(ctx, address, id); !errors.Is(err, pool.ErrRefused) {
			return errors.Join(errNotYet, err)
		}
		return nil
	})
	for device, volume := range map[string]string{"/dev/sdf": root, "/dev/sdg": l.cache} {
		soon(t, "attach", func() error { return m.Attach(ctx, volume, next.PhysicalID, device) })
		soon(t, "it is attached", func() error { return at(ctx, m, volume, pool.Attachment{Machine: next.PhysicalID, Done: true}) })
	}
	soon(t, "import", func() error { return appliances.Import(ctx, address, id) })
	soon(t, "it runs", func() error { return g.Running(ctx, l.arn) })
	if err := m.Stop(ctx, next.PhysicalID); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is stopped", func() error { return is(ctx, m, next.PhysicalID, pool.MachineStopped) })
	soon(t, "detach", func() error { return m.Detach(ctx, root, next.PhysicalID) })
	soon(t, "it is detached", func() error { return at(ctx, m, root, pool.Attachment{}) })
	soon(t, "start", func() error { return m.Start(ctx, next.PhysicalID) })
	soon(t, "it runs", func() error { return g.Running(ctx, l.arn) })
	soon(t, "it serves", func() error { return (&nfs.Client{Port: nfsPort}).Null(ctx, address) })
}
