package pool

import (
	"fmt"
	"slices"
	"time"
)

// rootTerm is how long an old disk is kept.
const rootTerm = 14 * 24 * time.Hour

// Mended ends a repair that helped. Old disks are swept once their term is over.
func (r Repair) Mended(now time.Time) (Repair, error) {
	r, err := MoveRepair(r, RepairMended, "", now, fmt.Sprintf("mended by way %s", r.Way))
	if err != nil {
		return r, err
	}
	if r.Way != WayGateway { // the gateway goes on with its disk, which a way that came to nothing may have noted as kept
		r.Kept = slices.DeleteFunc(slices.Clone(r.Kept), func(k KeptDisk) bool { return k.Volume == r.Cache })
	}
	r.Ended = append(slices.DeleteFunc(r.Ended, func(at time.Time) bool { return now.Sub(at) >= flapWindow }), now.UTC())
	return r.Rest(now), nil
}

// Rest is a repair that has ended just now, with the sweep of old disks as its step when there are any that may go.
func (r Repair) Rest(now time.Time) Repair {
	r = r.Clone()
	if r.TookOver() {
		r = r.Keep(r.Root, "", false, now)
	}
	return r.sweeping(now)
}

// Remains says what remains of a host's last repair, so that the host is not taken down: something that is to be done, or a disk
// that is kept, of an earlier machine or of a gateway that was given up; empty: nothing does.
func (r Repair) Remains() string {
	switch n := len(r.Kept); {
	case n > 0 && len(r.Undecided()) > 0:
		return fmt.Sprintf("repair %s keeps disk %s until a person says that it may go", r.ID(), r.Undecided()[0].Volume)
	case n > 0:
		return fmt.Sprintf("repair %s keeps disk %s until %s", r.ID(), r.Kept[0].Volume, r.Kept[0].Until.Format(time.RFC3339))
	case r.Step != "":
		return fmt.Sprintf("step %s of repair %s is to be done", r.Step, r.ID())
	}
	return ""
}

// Swept is a repair that has ended, with an old disk that is gone.
func (r Repair) Swept(volume string, now time.Time) Repair {
	r = r.Clone()
	r.Kept = slices.DeleteFunc(r.Kept, func(k KeptDisk) bool { return k.Volume == volume })
	return r.sweeping(now)
}

func (r Repair) sweeping(now time.Time) Repair {
	r.Progress = Progress{}
	for _, k := range r.Kept {
		if !k.Doomed() {
			continue
		}
		if r.Step == "" || k.Until.Before(r.Due) {
			r.Progress = Started(StepSweep, now)
			r.Due = k.Until
		}
	}
	return r
}

// Keeps reports whether a volume is an old disk that is kept for a term.
func (r Repair) Keeps(volume string) bool {
	return slices.ContainsFunc(r.Kept, func(k KeptDisk) bool { return k.Volume == volume })
}
