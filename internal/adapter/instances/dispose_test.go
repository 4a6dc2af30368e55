package instances_test

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/instances/instancestest"
	"headroom/internal/pool"
)

func TestAnInstanceIsGivenUpWithADateOnWhatIsLeft(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	fake := &instancestest.RDS{Late: 1}
	d := &instances.Disposal{Client: fake}
	fake.Add("db", now, now)
	fake.Tag("db", map[string]string{"headroom:order": "m"})
	look := func() pool.InstanceLook {
		t.Helper()
		found, err := d.Look(t.Context(), "db")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := look(); !found.Protected || found.Mark != "m" || found.Status != "available" || found.Retention != 7 {
		t.Errorf("it is %+v", found)
	}
	if err := d.Unprotect(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	if !look().Protected || look().Protected {
		t.Error("that its protection is lifted is not seen one look later")
	}
	if !fake.Dispose("db", "db-snapshot-1", now) {
		t.Fatal("it is protected")
	}
	if _, err := d.Look(t.Context(), "db"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("gone it is %v", err)
	}
	snapshots := func() pool.Snapshot {
		t.Helper()
		all, err := d.Snapshots(t.Context(), "db")
		if err != nil || len(all) != 1 {
			t.Fatalf("snapshots are %v, %v", all, err)
		}
		return all[0]
	}
	s := snapshots()
	if s.Name != "db-snapshot-1" || s.Mark != "m" || !s.Until.IsZero() || s.Status != "creating" {
		t.Errorf("the snapshot is %+v", s)
	}
	if err := d.DeleteSnapshot(t.Context(), s, now); err == nil {
		t.Error("one without a date is deleted")
	}
	if err := d.Date(t.Context(), s, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s = snapshots(); !s.Until.Equal(now.Add(time.Hour)) || s.Status != "available" {
		t.Errorf("dated it is %+v", s)
	}
	if err := d.DeleteSnapshot(t.Context(), s, now); err == nil || len(fake.Snapshots()) != 1 {
		t.Errorf("it is deleted too early: %v", err)
	}
	for range 2 {
		if err := d.DeleteSnapshot(t.Context(), s, s.Until); err != nil {
			t.Error(err)
		}
	}
	if left := fake.Snapshots(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}
