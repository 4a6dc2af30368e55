package pool

import (
	"fmt"
	"time"
)

// releasedTo says in which state a host's step is done, for those that a host can be given up at.
var releasedTo = map[Step]HostState{
	StepBuild: HostBuilding, StepDelete: HostDeleting,
	StepAttach: HostPreparing, StepBoot: HostPreparing, StepActivate: HostPreparing, StepStabilize: HostPreparing, StepAlarms: HostPreparing, StepCache: HostPreparing,
	StepShares: HostPreparing, StepAvailable: HostPreparing, StepHarden: HostPreparing, StepSlots: HostPreparing,
	StepSettle:  HostPreparing,
	StepInspect: HostRetiring, StepUnprotect: HostRetiring, StepUnshare: HostRetiring, StepDeregister: HostRetiring,
	StepDismantle: HostRetiring, StepDisks: HostRetiring, StepBuckets: HostRetiring, StepDate: HostRetiring,
}

// Release lets a host go on that was given up, with all tries of the step that it was given up at.
func Release(h Host, now time.Time, why string) (Host, error) {
	step := h.Stuck
	to, ok := releasedTo[step]
	if !ok {
		return h, fmt.Errorf("release host %s: it was given up at step %q, which can't be gone on with", h.ID, step)
	}
	released, err := MoveHost(h, to, now, why)
	if err != nil {
		return h, err
	}
	released.Stuck = ""
	released.DecidedAt = h.DecidedAt.Add(now.Sub(h.Since)) // what it stood given up is no lead time
	return Begin(released, step, now), nil
}
