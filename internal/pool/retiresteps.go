package pool

import (
	"slices"
	"time"
)

// The steps of hosts that are retired.
const (
	// StepRecall has the offers of a host that is to be retired taken off the shelf, and looks once more whether it is needed.
	StepRecall Step = "recall"
	// StepInspect looks for whatever of a tenant's a host may have that is to be retired.
	StepInspect Step = "inspect"
	// StepUnprotect lifts an instance's protection from deletion.
	StepUnprotect Step = "unprotect"
	// StepUnshare deletes a gateway's shares, which are gone once all that they acknowledged is uploaded.
	StepUnshare Step = "unshare"
	// StepDeregister takes a gateway without shares out of the account.
	StepDeregister Step = "deregister"
	// StepDismantle deletes the stack of a host that is retired.
	StepDismantle Step = "dismantle"
	// StepDisks deletes the disks that outlived a gateway's machine.
	StepDisks Step = "disks"
	// StepBuckets deletes the buckets of a gateway that is gone, each proven empty.
	StepBuckets Step = "buckets"
	// StepDate gives each snapshot that is left of an instance its date of deletion.
	StepDate Step = "date"
)

var retireDeadlines = map[Step]time.Duration{
	StepRecall:     time.Minute, // looks again then
	StepInspect:    15 * time.Minute,
	StepUnprotect:  15 * time.Minute,
	StepUnshare:    time.Hour,
	StepDeregister: 15 * time.Minute,
	StepDismantle:  time.Hour,
	StepDisks:      15 * time.Minute,
	StepBuckets:    15 * time.Minute,
	StepDate:       15 * time.Minute,
}

// retireSteps are what is done to retire a host of each kind, in order.
var retireSteps = map[Kind][]Step{
	Database: {StepRecall, StepInspect, StepUnprotect, StepDismantle, StepDate},
	Share:    {StepRecall, StepInspect, StepUnshare, StepDeregister, StepDismantle, StepDisks, StepBuckets},
}

// NextRetireStep is the step of a retirement after the host's; false after the last.
func NextRetireStep(h Host) (Step, bool) {
	steps := retireSteps[h.Kind]
	i := slices.Index(steps, h.Step)
	if i < 0 || i == len(steps)-1 {
		return "", false
	}
	return steps[i+1], true
}

// OfRetirement reports whether a step is one of retirements, past the recall.
func (s Step) OfRetirement() bool {
	return s != StepRecall && (slices.Contains(retireSteps[Database], s) || slices.Contains(retireSteps[Share], s))
}
