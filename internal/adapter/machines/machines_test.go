package machines_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/machines"
	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/pool"
)

const zone = "eu-west-1a"

func TestAVolumeIsAttachedAndLookedAt(t *testing.T) {
	cloud := &machinestest.Cloud{Late: 1}
	m := &machines.Machines{Client: cloud}
	volume, machine := cloud.AddVolume(zone), cloud.AddMachine(zone, true)
	if err := m.Attach(t.Context(), volume, machine, "/dev/sdf"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []pool.Attachment{{Machine: machine}, {Machine: machine, Done: true}} {
		if got, err := m.Attachment(t.Context(), volume); err != nil || got != want {
			t.Errorf("look %d: %+v, %v", i+1, got, err)
		}
	}
	if err := m.Attach(t.Context(), volume, machine, "/dev/sdf"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("attach it again: %v", err)
	}
}

func TestAVolumesStateIsToldApart(t *testing.T) {
	for state, want := range map[types.VolumeState]error{
		types.VolumeStateAvailable: nil,
		types.VolumeStateCreating:  pool.ErrInTransit,
		types.VolumeStateInUse:     pool.ErrInTransit, // by no machine: seen between two states
		types.VolumeStateDeleting:  pool.ErrNotFound,
		types.VolumeStateDeleted:   pool.ErrNotFound,
	} {
		cloud := &machinestest.Cloud{}
		volume := cloud.AddVolume(zone)
		cloud.Put(volume, state)
		got, err := (&machines.Machines{Client: cloud}).Attachment(t.Context(), volume)
		if !errors.Is(err, want) || got != (pool.Attachment{}) {
			t.Errorf("%s: %+v, %v", state, got, err)
		}
	}
	cloud := &machinestest.Cloud{}
	volume := cloud.AddVolume(zone)
	cloud.Put(volume, types.VolumeStateError)
	if _, err := (&machines.Machines{Client: cloud}).Attachment(t.Context(), volume); err == nil || errors.Is(err, pool.ErrInTransit) || errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a broken volume: %v", err)
	}
}

func TestWhyAVolumeIsNotAttachedIsToldApart(t *testing.T) {
	cloud := &machinestest.Cloud{}
	m := &machines.Machines{Client: cloud}
	volume, far, running, pending := cloud.AddVolume(zone), cloud.AddVolume("eu-west-1b"), cloud.AddMachine(zone, true), cloud.AddMachine(zone, false)
	if _, err := m.Attachment(t.Context(), "vol-none"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("look at no volume: %v", err)
	}
	for name, test := range map[string]struct {
		volume, machine string
		want            error
	}{
		"no volume":                       {"vol-none", running, pool.ErrNotFound},
		"no machine":                      {volume, "i-none", pool.ErrNotFound},
		"a machine that is not there yet": {volume, pending, pool.ErrInTransit},
	} {
		if err := m.Attach(t.Context(), test.volume, test.machine, "/dev/sdf"); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := m.Attach(t.Context(), far, running, "/dev/sdf"); err == nil || errors.Is(err, pool.ErrInTransit) || errors.Is(err, pool.ErrNotFound) {
		t.Errorf("another zone: %v", err)
	}
}

func TestAVolumeIsAsLargeAsItIs(t *testing.T) {
	cloud := &machinestest.Cloud{}
	m := &machines.Machines{Client: cloud}
	if size, err := m.Size(t.Context(), cloud.AddVolume("eu-west-1a")); err != nil || size != machinestest.SizeGiB {
		t.Errorf("%d GiB, %v", size, err)
	}
	if _, err := m.Size(t.Context(), "vol-none"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of no volume: %v", err)
	}
}
