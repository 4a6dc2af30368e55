package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func repairs(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	host := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: tier, Image: "ami-1", Access: pool.Access{Machine: "i-1", Cache: "vol-2"}}
	if _, err := l.Repair(ctx, host.ID); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a repair that there is not: %v", err)
	}
	first, _ := pool.BeginRepair(pool.Repair{}, host, "it is silent", pool.Wanted{}, at(100))
	saved, err := l.SaveRepair(ctx, pool.Repair{}, first)
	must(t, err)
	first.Version = 1
	expect(t, "the first", saved, first)
	if _, err := l.SaveRepair(ctx, pool.Repair{}, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that there is already: %v", err)
	}
	after := saved.Proven(pool.StepImport, at(200), "it is silent still")
	after.State, after.Way, after.Well, after.Sign, after.Quiet = pool.RepairMending, pool.WayMachine, 2, at(80), at(90)
	after.Tried = []pool.Try{{Way: pool.WayReboot, At: at(110), Came: "nothing"}, {Way: pool.WayMachine, At: at(120)}}
	after.Wanted = pool.Wanted{By: "ops", Why: "a new image", Image: "ami-2", Update: true, Size: "m6i.2xlarge"}
	after.Consent = pool.Consent{By: "ops", Why: "I know", Way: pool.WayMachine, At: at(119)}
	after.Asked, after.Root, after.To, after.Next, after.Update, after.Told = "may I", "vol-1", "ami-2", "i-2", 3, "it waits"
	after.Ended, after.Kept = []time.Time{at(1), at(2)}, []pool.KeptDisk{{Volume: "vol-0", Until: at(9000), Gateway: "sgw-1", Dirty: true, Given: "ops: nothing is missed", Repair: 2}}
	after.Renewal = pool.Renewal{
		Mark: "share-standard-1.1", Side: pool.SideB, Cache: "vol-3", Gateway: "arn:2", Lost: "what was not uploaded", Moved: true,
		Shares: []pool.NewShare{{Index: 1, Generation: 2, Role: "arn:role", Share: "share-2"}},
	}
	after.Seen = pool.LastLook{
		Gateway: "sgw-1", Unuploaded: pool.Unuploaded{Dirty: 12.5, DirtyAt: at(80), Failing: 3, FailingAt: at(81)}, CacheGiB: 150,
		Named: []pool.FailingShare{{Slot: 2, Tenant: "acme", Files: pool.FailingFiles{Names: []string{"a", "b"}, Count: 2}, At: at(70)}},
	}
	after.Blind = "it can't be looked at"
	after.Probe = pool.Probe{Look: 2, Share: "share-1", Task: "task", TaskAt: at(7), Address: "10.0.0.9", Closed: at(8), Found: "a file", Failures: 1, Failed: "it could not be mounted"}
	after.Progress = pool.Progress{Step: pool.StepImport, Tries: 2, Count: 7, Due: at(900), Error: "it boots", Stuck: pool.StepReboot}
	_, err = l.SaveRepair(ctx, saved, after)
	must(t, err)
	stored, err := l.Repair(ctx, host.ID)
	must(t, err)
	after.Version = 2
	expect(t, "stored", stored, after)
	if _, err := l.SaveRepair(ctx, saved, after); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that changed: %v", err)
	}
	none, err := l.OverdueRepairs(ctx, at(899), 10)
	must(t, err)
	expect(t, "overdue before their time", len(none), 0)
	some, err := l.OverdueRepairs(ctx, at(900), 10)
	must(t, err)
	expect(t, "overdue", some, []pool.HostID{host.ID})
	hosts, err := l.OverdueHosts(ctx, at(900), 10)
	must(t, err)
	expect(t, "overdue hosts", len(hosts), 0)
}

func ward(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	key := pool.Key{Kind: pool.Share, Tier: tier}
	empty, err := l.Ward(ctx, key)
	must(t, err)
	expect(t, "a ward that was never written", empty, pool.Ward{Key: key})
	one, why := empty.Enter(pool.Patient{Host: "share-standard-1", Zone: "eu-west-1a"}, 5, at(100))
	expect(t, "why the first is not admitted", why, "")
	one, _ = one.Enter(pool.Patient{Host: "share-standard-2", Planned: true, Update: true}, 5, at(101))
	one = one.Leave("share-standard-9", true, at(101))
	must(t, l.SaveWard(ctx, empty, one))
	if err := l.SaveWard(ctx, empty, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that changed: %v", err)
	}
	stored, err := l.Ward(ctx, key)
	must(t, err)
	one.Version = 1
	expect(t, "stored", stored, one)
	must(t, l.SaveWard(ctx, stored, stored.Leave("share-standard-1", false, at(102))))
	other, err := l.Ward(ctx, pool.Key{Kind: pool.Share, Tier: "gold"})
	must(t, err)
	expect(t, "another pool's", len(other.Patients), 0)
}
