package announce

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// RepairWaits announces that a host needs mending, and waits for others, or for its zone. Of one that is told of among several
// (pool.Storm) nobody is told once more.
func (a *Announcer) RepairWaits(ctx context.Context, h pool.Host, r pool.Repair, why string, gathered bool) error {
	err := a.Events.Publish(ctx, events.HostRepairWaits{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier), Cause: r.Cause, Reason: why,
	})
	if err != nil {
		return fmt.Errorf("publish that the repair of %s waits: %w", h.ID, err)
	}
	if gathered {
		return nil
	}
	lines := append([]string{
		fmt.Sprintf("Host %s needs mending, and nothing is done about it yet: %s.", h.ID, why),
		"",
	}, a.repairState(h, r)...)
	return a.tell(ctx, note{
		what: "HostRepairWaits", host: h.ID, reason: why, section: "gateway-status", next: explainHost(h.ID),
		subject: fmt.Sprintf("the repair of host %s waits", h.ID),
		lines: append(lines,
			"",
			"It is begun by itself once that is over, and ends if the host is well by then. It is said once, whatever it waits for",
			"afterwards. If a zone seems to fail, look at AWS's Health Dashboard: hosts are ordered in other zones meanwhile."),
	})
}

// RepairAsks announces that a repair goes on with a person's word only, and how that is given.
func (a *Announcer) RepairAsks(ctx context.Context, h pool.Host, r pool.Repair, why string) error {
	a.Metrics.Count(telemetry.RepairsAsking, 1)
	err := a.Events.Publish(ctx, events.HostRepairAsks{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier), Cause: r.Cause, Way: string(r.Way), Reason: why,
		MayLose: mayLose(h, r),
	})
	if err != nil {
		return fmt.Errorf("publish that the repair of %s asks: %w", h.ID, err)
	}
	ask, message := a.asked(h, r)
	lines := append([]string{
		fmt.Sprintf("Host %s does not serve, and what is left to be tried is not done without a person's word.", h.ID),
		"",
	}, a.repairState(h, r)...)
	lines = append(lines, folded("Asked:    ", "way "+string(r.Way)+": "+why)...)
	if lost := mayLose(h, r); lost != "" {
		lines = append(lines, folded("May lose: ", "if the gateway is given up (way gateway), "+lost)...)
	}
	lines = append(lines, "")
	lines = append(lines, a.links(h)...)
	lines = append(append(lines, ""), ask...)
	lines = append(lines,
		"",
		"aws sqs send-message --queue-url \"$(aws cloudformation describe-stacks --stack-name Headroom-"+a.Stage+" \\",
		"  --query \"Stacks[0].Outputs[?OutputKey=='RepairRequestQueueUrl'].OutputValue\" --output text)\" \\",
		"  --message-body '"+message+"'",
		"",
		"Until then the host is looked at every few minutes, and goes back into service by itself if it is well. Nothing of it is",
		"deleted meanwhile, neither its machine's disks nor its gateway.")
	return a.tell(ctx, note{
		what: "HostRepairAsks", page: true, host: h.ID, reason: why, section: "repair-asks", next: explainHost(h.ID),
		subject: fmt.Sprintf("host %s needs a word to be repaired", h.ID), lines: lines,
	})
}

// mayLose words what may be lost if a person has the gateway given up; empty: that is not to be chosen.
func mayLose(h pool.Host, r pool.Repair) string {
	if !r.MayGiveUp() {
		return ""
	}
	return r.Loss(h)
}

// notWider is how wide a line of what may be long is.
const notWider = 118

// folded breaks what a heading is followed by into lines, below which nothing else stands.
func folded(heading, text string) []string {
	lines, line := []string{}, heading
	for i, word := range strings.Fields(text) {
		switch {
		case i > 0 && len(line)+1+len(word) > notWider:
			lines, line = append(lines, line), strings.Repeat(" ", len(heading))+word
		case i > 0:
			line += " " + word
		default:
			line += word
		}
	}
	return append(lines, line)
}

// asked words what is asked of a person, and returns the message that answers it, as JSON.
func (a *Announcer) asked(h pool.Host, r pool.Repair) (words []string, message string) {
	request := events.RepairRequest{
		Version: events.Version, Type: events.TypeRepairRequest, HostID: string(h.ID), Action: events.RepairProceed, Way: string(r.Way),
		RequestedBy: "YOU", Reason: "WHY",
	}
	switch {
	case r.Renewing():
		words = []string{
			"What to do: look at the new machine and its appliance. The old gateway reaches no bucket any more, and its disks are kept;",
			"there is no way back to it by itself. If the new machine is good for nothing, terminate it: another one is made with this,",
			"and otherwise it is gone on with:",
		}
	case r.Way == pool.WayGateway:
		words = []string{
			"What to do: save what can be saved of the cache disk first. With your word the gateway is given up for a new one over the",
			"same buckets, under the same names and for the same clients, and lost may be what is said above.",
			"The old one is fenced off from the buckets before, for two gateways must never write one bucket. This gives the word:",
		}
	case r.Next != "":
		words = []string{
			"What to do: look at the new machine, " + r.Next + ", and its disks. The old root and the cache are kept, and nothing",
			"more is tried by itself. This has it looked at again, and go on if it is well:",
		}
	default:
		words = []string{
			"What to do: look at what was tried, and decide. If you are sure that this gateway is beyond help, the word for way gateway",
			"instead of machine gives it up for a new one over the same buckets: lost may be then what is said above",
			"(the handbook, \"A share host fails\"). This gives the word for what is asked:",
		}
	}
	body, err := json.Marshal(request)
	if err != nil {
		panic(err) // not of strings
	}
	return words, string(body)
}

// repairState are the lines of what a repair is about, and what was tried.
func (a *Announcer) repairState(h pool.Host, r pool.Repair) []string {
	lines := []string{"Stack:    " + h.Stack.Name}
	if r.Seat() != "" {
		lines = append(lines, "Machine:  "+r.Seat())
	}
	lines = append(lines,
		"Began:    "+r.Began.UTC().Format(time.RFC3339),
		"Cause:    "+r.Cause,
		fmt.Sprintf("Tenants:  %d of %d slots%s", len(tenantsOf(h)), len(h.Slots), quiet(r)),
	)
	if seen := lastSeen(r); seen != "" {
		lines = append(lines, "Seen:     "+seen)
	}
	if len(r.Tried) == 0 {
		return append(lines, "Tried:    nothing yet")
	}
	for _, way := range tried(r) {
		lines = append(lines, "Tried:    "+way)
	}
	return lines
}

func quiet(r pool.Repair) string {
	if r.Quiet.IsZero() {
		return ""
	}
	return "; they can't write, which was noticed at " + r.Quiet.UTC().Format(time.RFC3339)
}

// lastSeen is what a repair's looks found when it moved last by what they found.
func lastSeen(r pool.Repair) string {
	for i := len(r.History) - 1; i >= 0; i-- {
		if r.History[i].What == string(pool.RepairWaiting) {
			return r.History[i].Why
		}
	}
	return ""
}

// tried words every way that was tried, in order, with what came of it.
func tried(r pool.Repair) []string {
	ways := []string{}
	for _, t := range r.Tried {
		way := string(t.Way)
		if t.Came != "" {
			way += ": " + t.Came
		}
		ways = append(ways, way)
	}
	return ways
}

// keptOf lists the disks that wait for a person's word.
func keptOf(r pool.Repair) []string {
	var lines []string
	for _, k := range r.Undecided() {
		lines = append(lines, fmt.Sprintf("Kept:     %s of gateway %s, until headroom host repair %s --discard, and not less than to %s", k.Volume, k.Gateway, r.Host, k.Until.UTC().Format(time.RFC3339)))
	}
	return lines
}

// HostRepaired announces a host that was mended, or changed as somebody wanted it. unwritable is how long its tenants could
// not write, from the first sign of it.
func (a *Announcer) HostRepaired(ctx context.Context, h pool.Host, r pool.Repair, unwritable time.Duration) error {
	a.Metrics.Way(string(r.Way)).Count(telemetry.HostsRepaired, 1)
	a.Metrics.Duration(telemetry.UnwritableTime, unwritable)
	err := a.Events.Publish(ctx, events.HostRepaired{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier), Cause: r.Cause, Way: string(r.Way), Tried: tried(r),
		Proven: r.Evidence(), Planned: r.Planned(), BeganAt: events.At(r.Began), UnwritableSeconds: int(unwritable.Seconds()), Lost: r.Renewal.Lost,
	})
	if err != nil {
		return fmt.Errorf("publish that host %s is repaired: %w", h.ID, err)
	}
	outcome, what := "is repaired", "was repaired"
	if r.Planned() {
		outcome, what = "is changed", "was changed as "+r.Wanted.By+" wanted"
	}
	done := fmt.Sprintf("Host %s %s, by way %s, and serves.", h.ID, what, r.Way)
	if why := r.Refused(); why != "" {
		outcome = "is left as it was"
		done = fmt.Sprintf("Host %s is left as it was, and serves: what %s wanted is refused. %s.", h.ID, r.Wanted.By, why)
	}
	lines := append([]string{
		done,
		"",
	}, a.repairState(h, r)...)
	for _, seen := range r.Evidence() {
		lines = append(lines, "Proven:   "+seen)
	}
	acknowledged := "what was acknowledged before is there"
	if r.Renewal.Lost != "" {
		acknowledged = "what was uploaded before is there, and clients may have to mount anew"
		lines = append(lines, folded("Lost:     ", "maybe, "+r.Renewal.Lost)...)
		lines = append(lines, keptOf(r)...)
	}
	lines = append(lines, fmt.Sprintf("Writes:   not taken for %s, from the first sign of it; %s", unwritable.Round(time.Second), acknowledged))
	if barred := h.Barriers(); barred != "" {
		lines = append(lines, "", "It takes no new tenants yet: "+barred+".")
	}
	return a.tell(ctx, note{
		what: "HostRepaired", host: h.ID, reason: r.Cause, next: showHost(h.ID), subject: fmt.Sprintf("host %s %s", h.ID, outcome), lines: lines,
	})
}
