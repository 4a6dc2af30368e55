package instances_test

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/instances/instancestest"
	"headroom/internal/pool"
)

var earliest = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func newRDS(late int) *instancestest.RDS {
	fake := &instancestest.RDS{Late: late}
	fake.Add("source", earliest, earliest.Add(6*24*time.Hour))
	return fake
}

func restored(t *testing.T, fake *instancestest.RDS) *instances.Restored {
	t.Helper()
	r, err := instances.NewRestored(instances.RestoredConfig{Client: fake, Stage: "dev", Group: "sg-1", Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var order = pool.InstanceOrder{Name: "back", Source: "source", At: earliest.Add(time.Hour), Mark: "acme.restore-1/k3v9x2m7qa"}

func TestTheFakeRestoresAsRDSDoes(t *testing.T) {
	for _, late := range []int{3, 8} {
		fake := newRDS(late)
		fake.Add("bare", earliest, earliest)
		fake.Bare("bare")
		instancestest.Suite(t, instancestest.World{Client: fake, Source: "source", Bare: "bare"})
	}
}

func TestWhatThereIsNoRoomForIsToldApart(t *testing.T) {
	fake := newRDS(0)
	fake.Quota = 1
	if err := restored(t, fake).Restore(t.Context(), order); !errors.Is(err, pool.ErrInstanceQuota) {
		t.Errorf("at the quota: %v", err)
	}
	fake.Quota, fake.Full = 0, true
	if err := restored(t, fake).Restore(t.Context(), order); !errors.Is(err, pool.ErrNoCapacity) {
		t.Errorf("without a machine: %v", err)
	}
	if names := fake.Names(); len(names) != 1 {
		t.Errorf("there are %v", names)
	}
}

func TestAnInstanceThatWasNotBackedUpYetHasNoRange(t *testing.T) {
	fake := newRDS(0)
	fake.Move("source", time.Time{}, time.Time{})
	if _, err := restored(t, fake).Restorable(t.Context(), "source"); !errors.Is(err, pool.ErrRestoreRange) {
		t.Errorf("its range: %v", err)
	}
	if err := restored(t, fake).Restore(t.Context(), order); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("a restore: %v", err)
	}
}

func TestInstancesOfAnotherStageAreNotOurs(t *testing.T) {
	fake := newRDS(0)
	if err := restored(t, fake).Restore(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	other, err := instances.NewRestored(instances.RestoredConfig{Client: fake, Stage: "prod", Group: "sg-1", Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := other.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("listed %+v, %v", all, err)
	}
	if err := other.Delete(t.Context(), order.Name, order.Mark); !errors.Is(err, pool.ErrForeignInstance) {
		t.Errorf("deleted: %v", err)
	}
	for name, c := range map[string]instances.RestoredConfig{
		"client": {Stage: "dev", Group: "sg-1", Key: "key"}, "stage": {Client: fake, Group: "sg-1", Key: "key"},
		"group": {Client: fake, Stage: "dev", Key: "key"}, "key": {Client: fake, Stage: "dev", Group: "sg-1"},
	} {
		if _, err := instances.NewRestored(c); err == nil {
			t.Errorf("made without a %s", name)
		}
	}
}
