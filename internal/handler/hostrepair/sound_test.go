package hostrepair

import (
	"slices"
	"strings"

	"headroom/internal/pool"
)

// made are the calls that change something, so far, repeats left out.
func (w *world) made() string {
	var made []string
	for _, c := range w.calls {
		switch c {
		case "Reboot", "Stop", "Start", "Keep", "Attach", "Detach", "TagVolume", "DeleteVolume", "Update", "Import", "Execute":
			made = append(made, c)
		}
	}
	return strings.Join(slices.Compact(made), " ")
}

// sound fails when anything was that must never be.
func (w *world) sound() {
	w.t.Helper()
	w.center.tick()
	if len(w.center.wrong) > 0 {
		w.t.Fatalf("%s\n%v", strings.Join(w.center.wrong, "\n"), w.center)
	}
}

// inService fails unless a host serves all that was ever acknowledged, with nothing of a repair left over.
func (w *world) inService(id pool.HostID) {
	w.t.Helper()
	w.sound()
	h, r := w.host(id), w.repair(id)
	if h.State != pool.HostInService || h.Repair != 0 || r.Number > 0 && !r.State.Ended() {
		w.t.Fatalf("%s is %s (%s), its repair %+v; said %q\n%v", id, h.State, h.Barriers(), r, w.said, w.center)
	}
	if lost := w.center.unreadable(h.Access.GatewayID()); len(lost) > 0 {
		w.t.Fatalf("%s can't read %v: %v", id, lost, w.center)
	}
	if m := w.machine(id); h.Access.Machine != m.id || h.Image != m.image || len(m.disks) != 2 {
		w.t.Fatalf("%s is by the books on %s of %s, and is on %s of %s with %d disks", id, h.Access.Machine, h.Image, m.id, m.image, len(m.disks))
	}
	w.closed(id)
	w.disksKnown(id)
	for _, p := range w.ward().Patients {
		if p.Host == id {
			w.t.Fatalf("%s is on the ward still: %+v", id, p)
		}
	}
}

// disksKnown fails unless each disk that bears a host's marks is at its machine, or is known to be kept for a term, and marked so.
func (w *world) disksKnown(id pool.HostID) {
	w.t.Helper()
	r, m := w.repair(id), w.machine(id)
	for _, v := range w.center.findVolumes(map[string]string{"headroom:host": string(id)}) {
		at, _ := w.center.holder(v.ID)
		i := slices.IndexFunc(r.Kept, func(k pool.KeptDisk) bool { return k.Volume == v.ID })
		switch {
		case at == m && i < 0:
		case i < 0:
			w.t.Fatalf("%s has disk %s, and nobody knows of it: kept are %+v\n%v", id, v.ID, r.Kept, w.center)
		case v.Tags[rootOfTag] == "" || r.Kept[i].Until.IsZero():
			w.t.Fatalf("disk %s is kept as %+v, and bears %v", v.ID, r.Kept[i], v.Tags)
		}
	}
}

// asks fails unless a repair asks for a way, and holds no place meanwhile.
func (w *world) asks(id pool.HostID, way pool.Way) {
	w.t.Helper()
	w.sound()
	h, r := w.host(id), w.repair(id)
	if r.State != pool.RepairAsking || r.Way != way || h.State != pool.HostCordoned {
		w.t.Fatalf("%s is %s, its repair %+v; said %q\n%v", id, h.State, r, w.said, w.center)
	}
	if slices.ContainsFunc(w.ward().Patients, func(p pool.Patient) bool { return p.Host == id }) {
		w.t.Fatalf("%s asks, and holds a place", id)
	}
}
