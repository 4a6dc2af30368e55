package pool

import "slices"

// waySteps are the steps of each way, up to those which all have in common.
var waySteps = map[Way][]Step{
	WayReboot:  {StepReboot, StepJudge},
	WayRestart: {StepStop, StepStart, StepJudge},
	WayMachine: {StepStop, StepDetach, StepUnseat, StepSeat, StepReunite, StepImport, StepTakeOver, StepPart, StepStart, StepJudge},
	WayResize:  {StepResize, StepJudge},
	WayUpdate:  {StepPreview, StepApply, StepJudge},
	WayGateway: {
		StepStop, StepDetach, StepFence, StepRefit, StepAttach, StepBoot, StepActivate, StepStabilize, StepCache, StepShares,
		StepAvailable, StepAlarms, StepMove, StepReadmit, StepJudge,
	},
}

// After is the step of the repair's way that follows the one that is done; StepProve after the last.
func (r Repair) After() Step {
	steps := waySteps[r.Way]
	if r.Step == StepClean {
		return steps[0]
	}
	if i := slices.Index(steps, r.Step); i >= 0 && i+1 < len(steps) {
		return steps[i+1]
	}
	return StepProve
}

// first is the step that a way begins with.
func (r Repair) first(w Way) Step {
	if w == WayGateway {
		return r.firstOfRenewal()
	}
	if w != WayMachine || r.Next == "" {
		if r.Planned() && (w == WayMachine || w == WayResize) {
			return StepClean
		}
		return waySteps[w][0]
	}
	if r.TookOver() {
		return StepPart
	}
	return StepReunite
}
