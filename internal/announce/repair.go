package announce

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// RepairWaits announces that a host needs mending, and waits for others, or for its zone.
func (a *Announcer) RepairWaits(ctx context.Context, h pool.Host, r pool.Repair, why string) error {
	err := a.Events.Publish(ctx, events.HostRepairWaits{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier), Cause: r.Cause, Reason: why,
	})
	if err != nil {
		return fmt.Errorf("publish that the repair of %s waits: %w", h.ID, err)
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
	})
	if err != nil {
		return fmt.Errorf("publish that the repair of %s asks: %w", h.ID, err)
	}
	ask, message := a.asked(h, r)
	lines := append([]string{
		fmt.Sprintf("Host %s does not serve, and what is left to be tried is not done without a person's word.", h.ID),
		"",
	}, a.repairState(h, r)...)
	lines = append(lines, "Asked:    way "+string(r.Way)+": "+why, "")
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

// asked words what is asked of a person, and returns the message that answers it, as JSON.
func (a *Announcer) asked(h pool.Host, r pool.Repair) (words []string, message string) {
	request := events.RepairRequest{
		Version: events.Version, Type: events.TypeRepairRequest, HostID: string(h.ID), Action: events.RepairProceed, Way: string(r.Way),
		RequestedBy: "YOU", Reason: "WHY",
	}
	switch {
	case r.Way == pool.WayGateway:
		words = []string{
			"What to do: save what can be saved of the cache disk first. Headroom never makes a new gateway over the same buckets by",
			"itself: what was acknowledged and not uploaded would be lost, and two gateways must never write one bucket. The",
			"handbook says what there is left to do (docs/operations.md, \"A share host fails\"). Once you have mended it, this has",
			"it looked at again:",
		}
	case r.Next != "":
		words = []string{
			"What to do: look at the new machine, " + r.Next + ", and its disks. The old root and the cache are kept, and nothing",
			"more is tried by itself. This has it looked at again, and go on if it is well:",
		}
	default:
		words = []string{"What to do: look at what was tried, and decide. This gives the word for it:"}
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
	return "; they can't write, since " + r.Quiet.UTC().Format(time.RFC3339) + " at the latest"
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

// HostRepaired announces a host that was mended, or changed as somebody wanted it. unwritable is how long its tenants could
// not write, at most.
func (a *Announcer) HostRepaired(ctx context.Context, h pool.Host, r pool.Repair, unwritable time.Duration) error {
	a.Metrics.Way(string(r.Way)).Count(telemetry.HostsRepaired, 1)
	a.Metrics.Duration(telemetry.UnwritableTime, unwritable)
	err := a.Events.Publish(ctx, events.HostRepaired{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier), Cause: r.Cause, Way: string(r.Way), Tried: tried(r),
		Proven: r.Evidence(), Planned: r.Planned(), BeganAt: events.At(r.Began), UnwritableSeconds: int(unwritable.Seconds()),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s is repaired: %w", h.ID, err)
	}
	outcome, what := "is repaired", "was repaired"
	if r.Planned() {
		outcome, what = "is changed", "was changed as "+r.Wanted.By+" wanted"
	}
	lines := append([]string{
		fmt.Sprintf("Host %s %s, by way %s, and serves.", h.ID, what, r.Way),
		"",
	}, a.repairState(h, r)...)
	for _, seen := range r.Evidence() {
		lines = append(lines, "Proven:   "+seen)
	}
	lines = append(lines, fmt.Sprintf("Writes:   not taken for %s, at most; what was acknowledged before is there", unwritable.Round(time.Second)))
	if barred := h.Barriers(); barred != "" {
		lines = append(lines, "", "It takes no new tenants yet: "+barred+".")
	}
	return a.tell(ctx, note{
		what: "HostRepaired", host: h.ID, reason: r.Cause, next: showHost(h.ID), subject: fmt.Sprintf("host %s %s", h.ID, outcome), lines: lines,
	})
}
