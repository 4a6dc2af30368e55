package announce_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/announce"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

var shares = pool.Key{Kind: pool.Share, Tier: "standard"}

// mending is a host whose machine was rebooted in vain.
func mending() (pool.Host, pool.Repair) {
	h := ledgertest.Host(shares, 3, 2)
	h.State, h.Stack.Name, h.Repair = pool.HostCordoned, "headroom-dev-share-standard-3", 1
	h.Access.Gateway, h.Slots[0].State, h.Slots[0].Tenant = "arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-12A3456B", pool.SlotAssigned, "acme"
	return h, pool.Repair{
		Host: h.ID, Number: 1, Cause: "alarm headroom-dev-share-standard-3-status is on", Began: start, State: pool.RepairAsking, Way: pool.WayMachine,
		Machine: "i-0123456789abcdef0", Quiet: start.Add(time.Minute),
		Tried:   []pool.Try{{Way: pool.WayReboot, At: start, Came: "it did not help: its machine fails a status check"}},
		Proofs:  []pool.Proof{{Step: pool.StepProve, At: start, What: "all 2 shares are available"}},
		History: []pool.Entry{{At: start, What: "waiting", Why: "its machine fails a status check"}},
	}
}

// speaking is an announcer, with what it says.
func speaking(t *testing.T) (*announce.Announcer, *bustest.Bus, *notifytest.Topic, *bytes.Buffer) {
	t.Helper()
	told, topic, metrics := &bustest.Bus{}, &notifytest.Topic{}, &bytes.Buffer{}
	clock := func() time.Time { return start }
	a, err := announce.New(announce.Config{
		Events: &bus.Publisher{Client: told, Bus: "bus"}, Notify: &notify.Topic{Client: topic, ARN: "topic"},
		Ledger: memory.New(memory.Options{}), Metrics: telemetry.Recorder{Out: metrics, Now: clock, Stage: "dev"}, Now: clock, Stage: "dev", Region: "eu-west-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, told, topic, metrics
}

func TestWhatBecomesOfARepairIsSaidWithWhatToDo(t *testing.T) {
	host, repair := mending()
	lost, moved, planned := repair.Clone(), repair.Clone(), repair.Clone()
	lost.Way, lost.Cache = pool.WayGateway, "vol-0123456789abcdef0"
	lost.Seen = pool.LastLook{
		Gateway: host.Access.GatewayID(), CacheGiB: 150, Unuploaded: pool.Unuploaded{Dirty: 1.2, DirtyAt: start.Add(-5 * time.Minute), FailingAt: start.Add(-5 * time.Minute)},
	}
	renewed := lost.Keep("vol-0123456789abcdef0", host.Access.GatewayID(), true, start).Fenced(host, pool.SideA)
	stuck := renewed.Clone()
	renewed.Renewal.Moved = true
	moved.Next = "i-0fedcba9876543210"
	planned.Way, planned.Wanted = pool.WayResize, pool.Wanted{By: "jo", Why: "slow", Size: "m5.2xlarge"}
	for name, test := range map[string]struct {
		say   func(context.Context, *announce.Announcer) error
		kind  string
		event []string
		note  []string
	}{
		"it waits": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.RepairWaits(ctx, host, repair, "zone a seems to fail", false)
			},
			"HostRepairWaits",
			[]string{`"reason":"zone a seems to fail"`, `"cause":"alarm headroom-dev-share-standard-3-status is on"`},
			[]string{"the repair of host share-standard-3 waits", "zone a seems to fail", "Health Dashboard"},
		},
		"it asks": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.RepairAsks(ctx, host, repair, "no drill is recorded")
			},
			"HostRepairAsks",
			[]string{`"way":"machine"`, `"reason":"no drill is recorded"`},
			[]string{
				"needs a word", "no drill is recorded", "reboot: it did not help", "Seen:     its machine fails a status check", "1 of 2 slots", "which was noticed at 2026-11-02T09:01:00Z",
				`"action":"proceed","way":"machine"`, "OutputKey=='RepairRequestQueueUrl'", "Headroom-dev", "gateways/sgw-12A3456B",
				"May lose: if the gateway is given up (way gateway), what gateway sgw-12A3456B", "how much is not known",
			},
		},
		"it asks for what may lose data": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.RepairAsks(ctx, host, lost, "what was not uploaded is lost")
			},
			"HostRepairAsks",
			[]string{`"way":"gateway"`, `"mayLose":"what gateway sgw-12A3456B acknowledged and had not uploaded is not in the buckets: up to 1.8 GiB`},
			[]string{"what was not uploaded is lost", `"action":"proceed","way":"gateway"`, "never write one bucket", `
May lose: if the gateway is given up (way gateway), what gateway sgw-12A3456B acknowledged and had not uploaded is not
          in the buckets: up to 1.8 GiB, 1.2% of its cache of 150 GiB, when it was last measured, at
          2026-11-02T08:55:00Z, 6m before it was found not to serve, and what was written since, which nobody knows;
          that may be the last writes of acme; no file failed to upload at 2026-11-02T08:55:00Z; the cache disk
          vol-0123456789abcdef0 has it, and is kept until a person says that it may go

`},
		},
		"its new gateway does not serve": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.RepairAsks(ctx, host, stuck, "the new one does not serve")
			},
			"HostRepairAsks",
			[]string{`"way":"gateway"`},
			[]string{"no way back", `"action":"proceed","way":"gateway"`}, // what it may lose was said, and is done
		},
		"its gateway was given up": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.HostRepaired(ctx, host, renewed, 270*time.Second)
			},
			"HostRepaired",
			[]string{`"lost":"what gateway sgw-12A3456B acknowledged and had not uploaded is not in the buckets: up to 1.8 GiB, 1.2% of its cache of 150 GiB, when it was last measured`},
			[]string{"Lost:     maybe, what gateway sgw-12A3456B", "Kept:     vol-0123456789abcdef0 of gateway sgw-12A3456B", "mount anew"},
		},
		"its new machine does not serve": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.RepairAsks(ctx, host, moved, "it does not go on")
			},
			"HostRepairAsks",
			[]string{`"way":"machine"`},
			[]string{"i-0fedcba9876543210", "looked at again", `"action":"proceed"`},
		},
		"it is done": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.HostRepaired(ctx, host, repair, 270*time.Second)
			},
			"HostRepaired",
			[]string{`"unwritableSeconds":270`, `"proven":["all 2 shares are available"]`, `"planned":false`, `"tried":["reboot: it did not help: its machine fails a status check"]`},
			[]string{"host share-standard-3 is repaired", "by way machine", "Proven:   all 2 shares are available", "4m30s", "takes no new tenants yet"},
		},
		"it was wanted": {
			func(ctx context.Context, a *announce.Announcer) error {
				return a.HostRepaired(ctx, host, planned, 0)
			},
			"HostRepaired",
			[]string{`"planned":true`, `"way":"resize"`},
			[]string{"is changed", "as jo wanted"},
		},
		"it was wanted, and refused": {
			func(ctx context.Context, a *announce.Announcer) error {
				r := planned.Clone()
				r.Way, r.Tried = pool.WayUpdate, []pool.Try{{Way: pool.WayUpdate}}
				return a.HostRepaired(ctx, host, r.Refuse([]string{"Cache (AWS::EC2::Volume) would be replaced (True)"}), 0)
			},
			"HostRepaired",
			[]string{`"planned":true`, `"tried":["update: refused: Cache`},
			[]string{"host share-standard-3 is left as it was\n", "what jo wanted is refused. Cache (AWS::EC2::Volume) would be replaced (True)."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, told, topic, _ := speaking(t)
			if err := test.say(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			said, notes := told.Of(test.kind), topic.Notes()
			if len(said) != 1 || len(told.Published()) != 1 || len(notes) != 1 {
				t.Fatalf("published %d of %d, told %d", len(said), len(told.Published()), len(notes))
			}
			for _, want := range test.event {
				if !strings.Contains(string(said[0]), want) {
					t.Errorf("said %s, not %s", said[0], want)
				}
			}
			note := notes[0].Subject + "\n" + notes[0].Message
			for _, want := range test.note {
				if !strings.Contains(note, want) {
					t.Errorf("told\n%s\nnot %s", note, want)
				}
			}
		})
	}
}

// What a person is told to send is what the function takes.
func TestTheMessageThatIsAskedForCanBeSent(t *testing.T) {
	host, repair := mending()
	a, _, topic, _ := speaking(t)
	if err := a.RepairAsks(t.Context(), host, repair, "no drill is recorded"); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(topic.Notes()[0].Message, "--message-body '")
	body, _, _ := strings.Cut(after, "'")
	var request events.RepairRequest
	if err := events.Decode([]byte(body), &request); err != nil || events.TypeOf([]byte(body)) != events.TypeRepairRequest ||
		request.HostID != string(host.ID) || request.Way != string(repair.Way) {
		t.Errorf("%s is %+v, %v", body, request, err)
	}
}

func TestRepairsAreCountedByTheirWays(t *testing.T) {
	host, repair := mending()
	a, _, _, metrics := speaking(t)
	if err := a.HostRepaired(t.Context(), host, repair, 270*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := a.RepairAsks(t.Context(), host, repair, "no drill is recorded"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"HostsRepaired":1`, `"Way":"machine"`, `"UnwritableTime":270`, `"RepairsAsking":1`} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("there is no %s in %s", want, metrics)
		}
	}
}

func TestACordonedGatewaysAlarmsAreExplained(t *testing.T) {
	host, _ := mending()
	host.Repair, host.Alarms = 0, map[string]pool.AlarmMark{}
	for name, want := range map[string]string{
		"status": "Headroom repairs it", "availability": "if it does not come back", "health": "not well", "dirty": "refuses writes", "iowait": "another size",
		"uploads": "never evict", "made-by-hand": "none that Headroom made",
	} {
		h := host.Clone()
		h.Alarms["headroom-dev-share-standard-3-"+name] = pool.AlarmMark{On: true, At: start}
		a, _, topic, _ := speaking(t)
		// That there is no such host is found out once it is told.
		_ = a.Host(t.Context(), h)
		if notes := topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, want) || strings.Contains(notes[0].Message, "Database Insights") {
			t.Errorf("of %s is told %+v", name, notes)
		}
	}
}
