package faults

import (
	"slices"
	"time"

	"headroom/internal/pool"
)

// breaks has a function fail for a while whatever it is given, as one that was deployed badly does. What it was to handle
// comes to the queue of dead letters in time, and what depends on that goes on by its deadlines.
func (w *world) breaks() {
	broken := w.chances[Broken]
	if !broken.comes() {
		return
	}
	function := w.queues[broken.draw.IntN(len(w.queues))].function
	w.broken[function] = w.now.Add(broken.between(time.Minute, 40*time.Minute))
	w.trace("%s fails until %s", function, w.broken[function].Sub(w.begun))
}

// opening are the calls by which somebody is let in, and by which what is made for somebody is.
var opening = []string{"Open", "SetClients", "Reopen", "MakeSlot", "Swap"}

// faints has a host answer nobody any more once it has done something. Who asked for that does not hear that it was done.
func (w *world) faints(operation string) bool {
	if !slices.Contains(opening, operation) || !w.chances[Fainting].comes() {
		return false
	}
	w.trace("%s faints after %s", w.cloud.last, operation)
	w.cloud.down[w.cloud.last] = ailment{until: w.now.Add(w.chances[Fainting].between(10*time.Minute, 3*time.Hour)), helps: "time"}
	return true
}

// forbidden are functions' calls that each level of the stop switch forbids. A swap of databases that was begun comes to its end
// all the same: its tenant is shut out meanwhile.
var forbidden = map[pool.StopLevel][]string{
	pool.StopOrder:   {"poolcheck Create", "restore Restore"},
	pool.StopRepair:  {"hostrepair Reboot", "hostrepair Stop", "hostrepair Start", "hostrepair Update"},
	pool.StopDestroy: {"decommission DeleteObjects", "decommission Drop", "decommission DeleteShare", "decommission DeleteSecret", "stackcomplete Delete"},
}

// mayCall holds functions' calls to the stop switch.
func (w *world) mayCall(call string) {
	for level, calls := range forbidden {
		if slices.Contains(calls, call) && w.stopped(func(s pool.Stops) bool { return s.On(level) }) {
			w.found("nothing is done that is stopped", "%s, and %s is stopped", call, level)
		}
	}
}

// ambush has operators throw the stop switch when a call that it forbids is about to be made, which fails. Only who looks
// at the switch each time keeps to it.
func (t *town) ambush() {
	w := t.w
	ambush := w.chances[Ambush]
	if w.ambush != nil || !ambush.comes() {
		return
	}
	level := pool.StopLevels[ambush.draw.IntN(len(pool.StopLevels))]
	lasts := ambush.between(10*time.Minute, 2*time.Hour)
	w.ambush = func(call string) bool {
		if !slices.Contains(forbidden[level], call) {
			return false
		}
		w.trace("operators stop %s before %s", level, call)
		t.stop(pool.Stops{Order: level == pool.StopOrder, Repair: level == pool.StopRepair, Destroy: level == pool.StopDestroy, By: "ops", Why: "it looks odd", At: w.now})
		w.after(lasts, func() { t.stop(pool.Stops{}) })
		return true
	}
}
