package pool

import (
	"fmt"
	"slices"
	"time"
)

// Findings are what a look at a share host found.
type Findings struct {
	Machine MachineLook // State is empty when there is no such machine any more
	Silent  string      // why its gateway does not serve clients; empty: it does, or it was not asked, for its machine does not run
	Unseen  string      // why its region does not see its gateway; empty: it does, which may be an hour old
	Cache   string      // what is wrong with the cache disk; empty: it is there
	Stack   string      // status of the host's stack
}

// Diagnosis is what findings mean.
type Diagnosis struct {
	Well bool
	Wait bool   // something is on its way, by itself or by somebody: look again
	Cut  bool   // its gateway serves its clients from its cache, and can't be reached from its region: nothing that is done to its machine helps
	What string // what is seen, in words
}

// Diagnose says what findings mean.
func Diagnose(f Findings) Diagnosis {
	m := f.Machine
	switch {
	case f.Cache != "":
		return Diagnosis{What: f.Cache}
	case m.State == "", m.State == MachineTerminated, m.State == MachineShuttingDown:
		return Diagnosis{What: "its machine is gone"}
	case m.State == MachineStopped:
		return Diagnosis{What: "its machine is stopped"}
	case m.State == MachinePending, m.State == MachineStopping:
		return Diagnosis{Wait: true, What: "its machine is " + string(m.State)}
	case m.Checks == CheckImpaired && f.Silent != "":
		return Diagnosis{What: "its machine fails a status check, and its gateway is silent: " + f.Silent}
	case m.Checks == CheckImpaired:
		return Diagnosis{What: "its machine fails a status check"}
	case f.Silent != "":
		return Diagnosis{What: "its machine runs, and its gateway is silent: " + f.Silent}
	case f.Unseen != "":
		return Diagnosis{Cut: true, What: "it serves its clients, and uploads nothing: the region does not see it: " + f.Unseen}
	default:
		return Diagnosis{Well: true, What: "its machine runs, and its gateway answers"}
	}
}

// Choice is how a repair goes on.
type Choice struct {
	Way Way    // empty: there is none left
	Ask bool   // it is not gone without a person's word
	Why string // why it has to be asked, and what may be lost
}

// ChooseWay chooses the least harmful way that was not tried and can help. A way that needs a person's word is asked for
// first, and gone when that was given for it. A way that came to nothing is gone again with a person's word, when there is
// no other that loses nothing; and a host that is ill after somebody's wish is mended like any other.
func ChooseWay(r Repair, f Findings, drills []Drill, to string) Choice {
	m := f.Machine
	gone := m.State == "" || m.State == MachineTerminated || m.State == MachineShuttingDown
	well := Diagnose(f).Well
	switch {
	case r.Given(WayGateway):
		return Choice{Way: WayGateway}
	case r.Renewing():
		return r.ask(WayGateway, "the old gateway is fenced off from its buckets, its disks are kept, and the new one does not serve: "+r.came())
	case f.Cache != "":
		return r.ask(WayGateway, f.Cache+": what the gateway acknowledged and had not uploaded is lost, whatever is done")
	case r.Wanted.Update && !r.tried(WayUpdate):
		return Choice{Way: WayUpdate} // that is a person's word
	case r.Wanted.Update && well:
		return r.ask(WayUpdate, "the update came to nothing: "+r.came())
	case r.Wanted.Size != "" && !r.tried(WayResize):
		return Choice{Way: WayResize} // so is that
	case r.Wanted.Size != "" && well:
		return r.ask(WayResize, "the other size came to nothing: "+r.came())
	case r.TookOver() && r.parted(f) && !gone && r.Tried[len(r.Tried)-1].Way != WayRestart:
		return Choice{Way: WayRestart} // the new machine is one like any other
	case r.Next != "":
		return r.ask(WayMachine, fmt.Sprintf("the new machine %s does not go on as the gateway, and its disks are kept: %s", r.Next, r.came()))
	case r.Wanted.Image != "" && !r.tried(WayMachine):
		return Choice{Way: WayMachine} // that, too
	case r.tried(WayMachine):
		return r.ask(WayMachine, "no new machine could take the old one's place, and the disks are as they were: "+r.came())
	case !gone && m.State != MachineStopped && !r.tried(WayReboot):
		return Choice{Way: WayReboot}
	case !gone && !r.tried(WayRestart):
		return Choice{Way: WayRestart}
	case slices.Contains(drills, Drill{From: r.Image, To: to}):
		return Choice{Way: WayMachine}
	default:
		return r.ask(WayMachine, fmt.Sprintf("no drill is recorded in the policy of a move from image %s to %s; nothing is lost if it fails, for the old disks are kept", r.Image, to))
	}
}

// Spares reports whether nothing is to be done to a host for which a look found that its gateway is cut off from its region:
// what its clients write lies on its cache, and a reboot or another machine would only take it from them. Somebody's word is
// obeyed all the same, and so is the wish for an update, which leaves the machine alone.
func (r Repair) Spares(d Diagnosis) bool {
	return d.Cut && !r.Worded() && !r.Renewing() && (!r.Wanted.Update || r.tried(WayUpdate))
}

// came is what came of the way that was tried last.
func (r Repair) came() string {
	if len(r.Tried) == 0 {
		return ""
	}
	return r.Tried[len(r.Tried)-1].Came
}

// Settled reports whether what a look found is a gateway that serves, with nothing of a move left to be done.
func (r Repair) Settled(f Findings) bool {
	return Diagnose(f).Well && r.parted(f) && !r.Renewing()
}

// parted reports whether no machine has both roots.
func (r Repair) parted(f Findings) bool {
	return r.Next == "" || !slices.ContainsFunc(f.Machine.Disks, func(d MachineDisk) bool { return d.Volume == r.Root })
}

func (r Repair) ask(w Way, why string) Choice {
	return Choice{Way: w, Ask: !r.Given(w), Why: why}
}

// Takes reports whether a person's word for a way is an answer to what a repair asks. Where another machine for the same gateway
// is asked for, a person may choose a new gateway instead, and give the old one up.
func (r Repair) Takes(w Way) bool {
	return w != "" && (w == r.Way || w == WayGateway && r.Way == WayMachine)
}

// MayGiveUp reports whether a repair asks for a word by which its host's gateway is given up, or that could be given instead.
func (r Repair) MayGiveUp() bool {
	return r.State == RepairAsking && r.Takes(WayGateway) && !r.Renewing()
}

const (
	// RepairMoment is how long something must be wrong before anything is done: EC2's own recovery may be at work.
	RepairMoment = 2 * time.Minute
	// WellLooks is how many good looks in a row say that a host is well.
	WellLooks = 3
	// flapWindow and flapsMost damp what comes and goes: a host that was mended so often in so long is asked about.
	flapWindow = 6 * time.Hour
	flapsMost  = 3
)

// Flapping reports whether the host was mended so often lately that mending it once more is no help.
func (r Repair) Flapping(now time.Time) bool {
	n := 0
	for _, at := range r.Ended {
		if now.Sub(at) < flapWindow {
			n++
		}
	}
	return n >= flapsMost
}
