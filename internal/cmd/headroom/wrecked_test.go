package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// seldomVerbs are verbs for what is seldom so: each is asked once that was made so.
var seldomVerbs = []struct{ args, output string }{
	{"address remove acme 10.40.1.22 --reason gone --yes", "InstanceChangeQueueUrl"},
	{"host uncordon share-standard-1 --reason over", "HostEventsQueueUrl"},
	{"host drain share-standard-1 --off --reason over", "HostEventsQueueUrl"},
	{"host protect share-standard-1 --off --reason over", "HostEventsQueueUrl"},
	{"host retire database-standard-2 --reason old --yes", "HostEventsQueueUrl"},
	{"departure again vandelay.m4rkvandelay share --reason cleared", "DecommissionQueueUrl"},
	{"departure retire vandelay.m4rkvandelay share --reason beyond --yes", "DecommissionQueueUrl"},
}

func TestWhatIsSeldomSoCanBeAskedFor(t *testing.T) {
	d := cloud(t)
	d.wreck(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	for _, test := range seldomVerbs {
		status, stdout, stderr := execute(newRoot(), append(strings.Fields(test.args), "--endpoint", d.Endpoint)...)
		if status != 0 || stderr != "" {
			t.Errorf("%s: status %d, said %s", test.args, status, stderr)
			continue
		}
		golden(t, goldenName(test.args)+".txt", stdout)
		goldenOnTerminal(t, test.args, append(strings.Fields(test.args), "--endpoint", d.Endpoint))
		if sent := d.sentTo(t, test.output); len(sent) != 2 {
			t.Errorf("%s: sent %v", test.args, sent)
		}
	}
	status, stdout, _ := execute(newRoot(), "doctor", "--endpoint", d.Endpoint)
	if status != notWell || !strings.Contains(stdout, "headroom departure again vandelay.m4rkvandelay share") {
		t.Errorf("status %d: the doctor does not say what to do about the slot:\n%s", status, stdout)
	}
}

// wreck has a tenant with two addresses, a host that is cordoned by hand, drained and protected, one that is empty, and a departure with a slot in
// quarantine. Of the hosts that is taken back.
func (d *deployed) wreck(t *testing.T) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	until := func(id pool.HostID, change func(h *pool.Host)) {
		before, err := d.ledger.Host(t.Context(), id)
		must(err)
		changed := before.Clone()
		change(&changed)
		must(d.ledger.SaveHost(t.Context(), before, changed, pool.Neutral, began))
		t.Cleanup(func() {
			now, err := d.ledger.Host(context.Background(), id)
			if err == nil {
				err = d.ledger.SaveHost(context.Background(), now, before, pool.Neutral, began)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	until("share-standard-1", func(h *pool.Host) { h.ByHand, h.Drained, h.Protected = "jo: a drill", "jo: it is old", "jo: the audit" })
	until("database-standard-2", func(h *pool.Host) {
		h.State, h.Since, h.Progress = pool.HostInService, began, pool.Progress{}
		h.Slots = []pool.Slot{{Index: 1, Generation: 1, Name: "dm4n7p2", State: pool.SlotFree}}
	})
	acme, err := d.ledger.Tenant(t.Context(), "acme")
	must(err)
	two := acme.Clone()
	two.Addresses = append(slices.Clone(acme.Addresses), "10.40.1.22")
	_, err = d.ledger.SaveTenant(t.Context(), acme, two)
	must(err)

	at := began.Add(3 * time.Hour)
	stored, _, err := d.ledger.Request(t.Context(), pool.Tenant{
		ID: "vandelay", Tier: "standard", Mark: "m4rkvandelay", Addresses: []string{"10.40.1.23"}, State: pool.TenantRequested, RequestedAt: at,
	})
	must(err)
	tombstone, departure, err := pool.Leave(stored, pool.Departure{Reason: "it imports no more", RequestedBy: "billing", Message: "m-9", RequestedAt: at}, pool.DefaultTerms, at)
	must(err)
	must(d.ledger.Depart(t.Context(), stored, tombstone, departure))
	departure, err = d.ledger.Departure(t.Context(), departure.ID())
	must(err)
	scrubbing, clearance := departure.Clone(), pool.Clear(departure, pool.Share, "next", at)
	scrubbing.State, scrubbing.Progress = pool.DepartureScrubbing, pool.Progress{}
	clearance, err = pool.MoveClearance(clearance, pool.ClearanceQuarantined, "", at, "2 objects were found in it")
	must(err)
	must(d.ledger.BeginScrub(t.Context(), departure, scrubbing, []pool.Clearance{clearance}))
}
