package pool

import (
	"cmp"
	"strings"
	"time"
)

// Step is what is to be done next for a host or tenant that is not at rest. The empty step means
// nothing.
type Step string

// The steps of hosts.
const (
	// StepOrder asks CloudFormation for the stack.
	StepOrder Step = "order"
	// StepBuild waits for CloudFormation to say that the stack is complete.
	StepBuild Step = "build"
	// StepAttach attaches the cache disk to the gateway's machine.
	StepAttach Step = "attach"
	// StepBoot waits until the gateway's appliance gives an activation key.
	StepBoot Step = "boot"
	// StepActivate fetches the appliance's activation key and activates the gateway.
	StepActivate Step = "activate"
	// StepStabilize waits for the gateway to answer several times in a row: it may reboot once activated.
	StepStabilize Step = "stabilize"
	// StepAlarms has the gateway's alarms made, once its ID is known.
	StepAlarms Step = "alarms"
	// StepCache gives the gateway its cache disk.
	StepCache Step = "cache"
	// StepShares creates the shares, closed to everyone.
	StepShares Step = "shares"
	// StepAvailable waits for every share to be available.
	StepAvailable Step = "available"
	// StepHarden takes from PUBLIC what a database instance grants it.
	StepHarden Step = "harden"
	// StepSlots makes the databases and roles.
	StepSlots Step = "slots"
	// StepSettle waits for the alarms of a host that is ready to be over: while an instance or a machine is made it sends
	// no metrics, and the alarm for that rings until some minutes after it does.
	StepSettle Step = "settle"
	// StepDelete deletes the stack of a host whose making failed.
	StepDelete Step = "delete"
	// StepWatch looks after a host that is cordoned: whether what keeps it so is still true.
	StepWatch Step = "watch"
	// StepClose closes the slots of a host in service that were returned, once they have rested.
	StepClose Step = "close"
)

// The steps of tenants.
const (
	// StepOpen claims slots for a tenant and opens them.
	StepOpen Step = "open"
	// StepServe waits until a tenant's share serves its instances, and announces the tenant.
	StepServe Step = "serve"
	// StepReport tells people of a tenant whose step was given up.
	StepReport Step = "report"
	// StepAdmit lets the addresses of a tenant in that are coming, and waits until its share serves them.
	StepAdmit Step = "admit"
	// StepEvict puts the addresses out that are going, and waits until its share does not serve them any more.
	StepEvict Step = "evict"
	// StepChanged frees the addresses that are out for others, and says what was changed.
	StepChanged Step = "changed"
	// StepConfirm looks at the share once more, some time after a change, and sets right what was set by somebody late.
	StepConfirm Step = "confirm"
	// StepOverlap waits for the end of a change that is open: an address came, and none went, or the reverse.
	StepOverlap Step = "overlap"
)

// The steps of departures.
const (
	// StepShut takes a tenant's access away: its login, its sessions, its clients, its firewall rules.
	StepShut Step = "shut"
	// StepUpload waits until all that its share's gateway acknowledged is in the bucket.
	StepUpload Step = "upload"
	// StepArchive waits for a task that writes the tenant's data into an archive.
	StepArchive Step = "archive"
	// StepVerify waits for a task that reads the archive back, and compares it with its sources.
	StepVerify Step = "verify"
	// StepLock locks the archive that was verified, and has it moved to deep storage.
	StepLock Step = "lock"
	// StepGrace waits until the departure can't be undone any more.
	StepGrace Step = "grace"
	// StepScrub waits for the clearances of the tenant's slots.
	StepScrub Step = "scrub"
	// StepCertify stores the certificate, and announces that the tenant is released.
	StepCertify Step = "certify"
	// StepReopen lets a tenant in again whose departure is undone.
	StepReopen Step = "reopen"
)

// The steps of clearances.
const (
	// StepWithdraw deletes the share, or drops the database and its role.
	StepWithdraw Step = "withdraw"
	// StepCompare compares the bucket once more with the archive's manifest.
	StepCompare Step = "compare"
	// StepEmpty deletes all versions, delete markers and unfinished uploads of the bucket.
	StepEmpty Step = "empty"
	// StepRemake makes the slot's next generation.
	StepRemake Step = "remake"
	// StepProve looks into the next generation, several times.
	StepProve Step = "prove"
	// StepCool lets the slot rest.
	StepCool Step = "cool"
)

// The steps of repairs. Those that act on the machine come after StepChoose, as the repair's way has them.
const (
	// StepExamine looks at a host that seems to be ill, until that has passed or lasted.
	StepExamine Step = "examine"
	// StepEnter waits for a place among those that are mended at once.
	StepEnter Step = "enter"
	// StepChoose takes the host out of service and chooses a way.
	StepChoose Step = "choose"
	// StepAsk waits for a person's word.
	StepAsk Step = "ask"
	// StepReboot reboots the machine.
	StepReboot Step = "reboot"
	// StepStop stops the machine.
	StepStop Step = "stop"
	// StepStart starts the machine.
	StepStart Step = "start"
	// StepClean waits, before a change that a person wants stops the gateway, until nothing lies on its cache alone.
	StepClean Step = "clean"
	// StepResize gives the machine another size.
	StepResize Step = "resize"
	// StepPreview has CloudFormation say what an update of the stack would do, and refuses what it must not.
	StepPreview Step = "preview"
	// StepApply carries the update out.
	StepApply Step = "apply"
	// StepDetach takes the disks off a machine that is stopped, having seen that none dies with it.
	StepDetach Step = "detach"
	// StepUnseat updates the stack to have no machine.
	StepUnseat Step = "unseat"
	// StepSeat updates the stack to have a machine again.
	StepSeat Step = "seat"
	// StepReunite gives the new machine the old one's disks.
	StepReunite Step = "reunite"
	// StepImport has the new machine's appliance go on as the old gateway.
	StepImport Step = "import"
	// StepTakeOver waits until the gateway runs on the new machine.
	StepTakeOver Step = "take-over"
	// StepPart takes the old root disk off the new machine.
	StepPart Step = "part"
	// StepFence updates the stack to have no machine, and roles that may do nothing: the old gateway reaches no bucket. The
	// steps by which a new one is made are called like those of a host that is made.
	StepFence Step = "fence"
	// StepRefit updates the stack to have a machine, a cache disk and roles for a new gateway.
	StepRefit Step = "refit"
	// StepMove moves the host's record to the new gateway and its shares.
	StepMove Step = "move"
	// StepReadmit opens the new shares to whom the old ones were open.
	StepReadmit Step = "readmit"
	// StepJudge looks whether what was tried helped.
	StepJudge Step = "judge"
	// StepProbe has a task look into a share that is nobody's. What a repair proves before is StepProve.
	StepProbe Step = "probe"
	// StepDischarge puts the host back into service.
	StepDischarge Step = "discharge"
	// StepSweep deletes what was kept for a term that is over: old disks, snapshots of retired hosts.
	StepSweep Step = "sweep"
)

// The steps of restorations. Waiting for the gateway is StepUpload, waiting for a bay StepEnter, and dropping what is kept
// no longer StepSweep.
const (
	// StepFiles waits for a task that copies what a share's bucket held into a folder of it.
	StepFiles Step = "files"
	// StepRefresh has the gateway see the folder.
	StepRefresh Step = "refresh"
	// StepInstance makes a temporary instance of the database's host as it was.
	StepInstance Step = "instance"
	// StepMaster has RDS keep a new password of the temporary instance's master user.
	StepMaster Step = "master"
	// StepCopy waits for a task that copies the database from the temporary instance into a stand-in.
	StepCopy Step = "copy"
	// StepDismiss has the temporary instance deleted once it has been copied from. That it is gone is waited for at the end.
	StepDismiss Step = "dismiss"
	// StepSwap puts the stand-in into the place of the tenant's database.
	StepSwap Step = "swap"
	// StepPlace takes a slot of another host for a tenant that moves.
	StepPlace Step = "place"
	// StepSwitch makes the database on another host the tenant's. Closing the one that it has before is StepShut.
	StepSwitch Step = "switch"
	// StepTell says what a restoration has come to.
	StepTell Step = "tell"
	// StepRemove deletes the temporary instance, and waits until it is gone.
	StepRemove Step = "remove"
	// StepRetract takes away what was made for a restoration that comes to nothing.
	StepRetract Step = "retract"
	// StepSwapBack puts the database of before into its place again.
	StepSwapBack Step = "swap-back"
)

// StepAnnounce says what state a host has come to.
const StepAnnounce Step = "announce"

// MaxTries bounds how often a step is tried again past its deadline before it is given up.
const MaxTries = 5

// deadlines say how long each step may take before the pool check tries it again. They are several
// times what AWS documents or is seen to take: an RDS instance up to 40 minutes, an appliance 15.
var deadlines = map[Step]time.Duration{
	StepOrder:     2 * time.Minute,
	StepBuild:     60 * time.Minute,
	StepAttach:    10 * time.Minute,
	StepBoot:      20 * time.Minute,
	StepActivate:  10 * time.Minute,
	StepStabilize: 20 * time.Minute,
	StepAlarms:    20 * time.Minute,
	StepCache:     5 * time.Minute,
	StepShares:    10 * time.Minute,
	StepAvailable: 10 * time.Minute,
	StepHarden:    5 * time.Minute,
	StepSlots:     10 * time.Minute,
	StepSettle:    15 * time.Minute,
	StepDelete:    30 * time.Minute,
	StepWatch:     time.Minute,
	StepClose:     5 * time.Minute,
	StepAnnounce:  2 * time.Minute,
	StepOpen:      5 * time.Minute,
	StepServe:     5 * time.Minute,
	StepReport:    5 * time.Minute,
	StepAdmit:     5 * time.Minute,
	StepEvict:     5 * time.Minute,
	StepChanged:   5 * time.Minute,
	StepConfirm:   5 * time.Minute,
	StepShut:      5 * time.Minute,
	StepUpload:    15 * time.Minute, // asks again then
	StepArchive:   15 * time.Minute, // in which the task must be heard of
	StepVerify:    15 * time.Minute,
	StepLock:      5 * time.Minute,
	StepScrub:     30 * time.Minute, // looks again then
	StepCertify:   5 * time.Minute,
	StepReopen:    5 * time.Minute,
	StepWithdraw:  30 * time.Minute,
	StepCompare:   15 * time.Minute,
	StepEmpty:     15 * time.Minute,
	StepRemake:    10 * time.Minute,
	StepProve:     15 * time.Minute,
	StepExamine:   5 * time.Minute,
	StepEnter:     5 * time.Minute,
	StepChoose:    5 * time.Minute,
	StepAsk:       15 * time.Minute, // looks again then
	StepReboot:    5 * time.Minute,
	StepStop:      20 * time.Minute,
	StepStart:     20 * time.Minute,
	StepClean:     15 * time.Minute, // goes on then
	StepResize:    60 * time.Minute,
	StepPreview:   20 * time.Minute,
	StepApply:     60 * time.Minute,
	StepDetach:    20 * time.Minute,
	StepUnseat:    60 * time.Minute,
	StepSeat:      60 * time.Minute,
	StepReunite:   20 * time.Minute,
	StepImport:    30 * time.Minute,
	StepTakeOver:  30 * time.Minute, // AWS: up to 10 minutes
	StepPart:      20 * time.Minute,
	StepFence:     60 * time.Minute,
	StepRefit:     60 * time.Minute,
	StepMove:      20 * time.Minute, // claims that are not settled are waited for
	StepReadmit:   15 * time.Minute,
	StepJudge:     20 * time.Minute,
	StepProbe:     15 * time.Minute, // for each task
	StepDischarge: 5 * time.Minute,
	StepSweep:     time.Hour,        // looks again then
	StepFiles:     15 * time.Minute, // in which the task must be heard of
	StepRefresh:   5 * time.Minute,
	StepInstance:  2 * time.Hour, // RDS fetches the backup, and replays up to a day of changes
	StepMaster:    30 * time.Minute,
	StepCopy:      15 * time.Minute, // in which the task must be heard of
	StepDismiss:   10 * time.Minute,
	StepSwap:      10 * time.Minute,
	StepPlace:     10 * time.Minute,
	StepSwitch:    5 * time.Minute,
	StepTell:      5 * time.Minute,
	StepRemove:    time.Hour,
	StepRetract:   10 * time.Minute,
	StepSwapBack:  10 * time.Minute,
}

// Deadline is how long a step may take before it is tried again.
func Deadline(s Step) time.Duration { return cmp.Or(deadlines[s], retireDeadlines[s]) }

const (
	// errorLimit bounds a stored error, in bytes: a record is paid for by its size.
	errorLimit = 300
	// errorHead is how much is kept of the beginning of one that is longer, which says what was attempted.
	// The rest is its end: errors are wrapped from the outside in, so the cause comes last.
	errorHead = 80
	errorGap  = " … "
)

// Progress is how far the work on a host or tenant has come: one step, and how it goes. The zero
// value is a record at rest.
type Progress struct {
	Step  Step
	Tries int       // of the step, past its deadline
	Count int       // looks at the step so far, or progress within it
	Due   time.Time // deadline of the step; zero when there is none
	Error string    // the last error of the step; empty when there was none
	Stuck Step      // the step that was given up; empty when none was
}

// Started is the progress of a step that begins now: looks, tries and errors start anew.
func Started(step Step, now time.Time) Progress {
	return Progress{Step: step, Due: now.Add(Deadline(step))}
}

// Failed notes the last error of the step.
func (p Progress) Failed(err error) Progress {
	p.Error = err.Error()
	if long := p.Error; len(long) > errorLimit {
		end := long[len(long)-(errorLimit-errorHead-len(errorGap)):]
		p.Error = strings.ToValidUTF8(long[:errorHead], "") + errorGap + strings.ToValidUTF8(end, "")
	}
	return p
}

// Overdue reports whether the step is past its deadline.
func (p Progress) Overdue(now time.Time) bool {
	return p.Step != "" && !p.Due.IsZero() && !now.Before(p.Due)
}

// GivenUp is the progress of a step that is given up: people are to be told.
func (p Progress) GivenUp(now time.Time) Progress {
	given := Started(StepReport, now)
	given.Stuck, given.Error = p.Step, p.Error
	return given
}

// Reported is the progress of a step that was given up, once people were told: at rest.
func (p Progress) Reported() Progress { return Progress{Stuck: p.Stuck, Error: p.Error} }

// Retried is the progress after one more try, with a new deadline.
func (p Progress) Retried(now time.Time) Progress {
	p.Tries++
	p.Due = now.Add(Deadline(p.Step))
	return p
}
