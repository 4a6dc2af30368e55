package inventory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// fault is one thing that is not as it should be, and what is to be found of it.
type fault struct {
	plant    func(b *Books, s *Seen)
	verdict  Verdict
	severity Severity
	what     string
}

const (
	dbHost    = pool.HostID("database-standard-1")
	shareHost = pool.HostID("share-standard-1")
)

func changeHost(b *Books, id pool.HostID, change func(h *pool.Host)) {
	h := b.Hosts[id].Clone()
	change(&h)
	b.Hosts[id] = h
}

func changeTenant(b *Books, change func(t *pool.Tenant)) {
	t := b.Tenants["acme"].Clone()
	change(&t)
	b.Tenants["acme"] = t
}

var faults = map[string]fault{
	"a stack is gone":           {func(_ *Books, s *Seen) { s.Stacks = s.Stacks[1:] }, Missing, Page, "its stack headroom-dev-database-standard-1 is not there"},
	"a stack is being deleted":  {func(_ *Books, s *Seen) { s.Stacks[0].Status = "DELETE_IN_PROGRESS" }, Missing, Page, "is not there"},
	"a stack failed to update":  {func(_ *Books, s *Seen) { s.Stacks[0].Status = "UPDATE_ROLLBACK_FAILED" }, Drifted, Ticket, "UPDATE_ROLLBACK_FAILED"},
	"a stack of another order":  {func(_ *Books, s *Seen) { s.Stacks[0].Marks.Order = "other" }, Foreign, Ticket, "another order"},
	"a stack without marks":     {func(_ *Books, s *Seen) { s.Stacks[0].Marks = Marks{} }, Foreign, Ticket, "does not bear its mark"},
	"a host nobody knows":       {func(b *Books, _ *Seen) { delete(b.Hosts, dbHost) }, Orphaned, Ticket, "stack headroom-dev-database-standard-1 bears the mark of host database-standard-1, which the ledger does not know"},
	"a host that was deleted":   {func(b *Books, _ *Seen) { changeHost(b, dbHost, func(h *pool.Host) { h.State = pool.HostDeleted }) }, Orphaned, Ticket, "is left of host database-standard-1, which is deleted"},
	"a free name that is taken": {func(_ *Books, s *Seen) { s.Stacks = append(s.Stacks, Stack{Name: "headroom-dev-share-standard-9"}) }, Foreign, Note, "its number is passed over"},
	"a machine was taken away":  {func(_ *Books, s *Seen) { s.Stacks[1].Parameters["HasMachine"] = "false" }, Drifted, Ticket, "no repair is under way"},
	"roles that deny all":       {func(_ *Books, s *Seen) { s.Stacks[1].Parameters["Fence"] = "on" }, Drifted, Ticket, "its shares' roles deny everything"},
	"a gateway that was given up": {func(b *Books, s *Seen) {
		changeHost(b, shareHost, func(h *pool.Host) { h.Gateways = 1 })
		s.Gateways = append(s.Gateways, Gateway{ARN: "arn:2", Name: s.Gateways[0].Name, Marks: s.Gateways[0].Marks})
		s.Shares = append(s.Shares, Share{ID: "share-9", Gateway: "arn:2", Marks: s.Shares[0].Marks})
	}, Orphaned, Note, "gateway arn:2 was given up"},
	"another gateway":       {func(_ *Books, s *Seen) { s.Stacks[1].Parameters["GatewayId"] = "sgw-2" }, Drifted, Ticket, `its gateway is "sgw-2"`},
	"another master secret": {func(_ *Books, s *Seen) { s.Stacks[0].Outputs["MasterSecretArn"] = "arn:x" }, Drifted, Ticket, "its master secret"},
	"another cache disk":    {func(_ *Books, s *Seen) { s.Stacks[1].Outputs["CacheVolumeId"] = "vol-2" }, Drifted, Ticket, `its cache disk is "vol-2"`},
	"another role":          {func(_ *Books, s *Seen) { s.Stacks[1].Outputs["Role02"] = "arn:x" }, Drifted, Ticket, "the role of slot 2"},
	"another side":          {func(_ *Books, s *Seen) { s.Stacks[1].Parameters["Side"] = pool.SideB }, Drifted, Ticket, "the role of slot 1"},
	"another bucket":        {func(_ *Books, s *Seen) { s.Stacks[1].Outputs["Bucket02"] = "arn:x" }, Drifted, Ticket, "the bucket of slot 2"},

	"an instance is gone":            {func(_ *Books, s *Seen) { s.Instances = nil }, Missing, Page, "the database instance of host database-standard-1 is not there"},
	"an instance is public":          {func(_ *Books, s *Seen) { s.Instances[0].Public = true }, Drifted, Page, "from the internet"},
	"an instance is not encrypted":   {func(_ *Books, s *Seen) { s.Instances[0].Encrypted = false }, Drifted, Ticket, "not encrypted"},
	"an instance has no backups":     {func(_ *Books, s *Seen) { s.Instances[0].BackupDays = 0 }, Drifted, Ticket, "not backed up"},
	"an instance can be deleted":     {func(_ *Books, s *Seen) { s.Instances[0].Protected = false }, Drifted, Ticket, "not protected"},
	"an instance in a strange group": {func(_ *Books, s *Seen) { s.Instances[0].Groups = append(s.Instances[0].Groups, "sg-1") }, Drifted, Page, "security group sg-1, which is not its host's"},
	"a certificate ends soon":        {func(_ *Books, s *Seen) { s.Instances[0].Certificate = now.Add(60 * 24 * time.Hour) }, Aging, Ticket, "valid until 2026-04-30"},
	"a certificate ends at once":     {func(_ *Books, s *Seen) { s.Instances[0].Certificate = now.Add(24 * time.Hour) }, Aging, Page, "valid until 2026-03-02"},
	"a temporary instance is left": {func(_ *Books, s *Seen) {
		s.Instances = append(s.Instances, Instance{Name: "headroom-dev-restore-x", Restoration: "acme.restore-1", Marks: Marks{Stage: "dev"}, Made: now.Add(-3 * time.Hour)})
	}, Orphaned, Ticket, "temporary instance headroom-dev-restore-x"},
	"an instance that was put aside": {func(_ *Books, s *Seen) {
		aside := s.Instances[0]
		aside.Name = "headroom-dev-database-standard-1-old"
		s.Instances = append(s.Instances, aside)
	}, Orphaned, Ticket, "has not its name"},

	"a machine is gone":    {func(_ *Books, s *Seen) { s.Machines = nil }, Missing, Page, "machine i-1 of host share-standard-1 is not there"},
	"a machine is stopped": {func(_ *Books, s *Seen) { s.Machines[0].State = "stopped" }, Drifted, Page, "is stopped"},
	"two machines": {func(_ *Books, s *Seen) {
		s.Machines = append(s.Machines, Machine{ID: "i-2", State: "running", Marks: s.Machines[0].Marks})
	}, Orphaned, Ticket, "machine i-2"},
	"a cache disk is gone":      {func(_ *Books, s *Seen) { s.Volumes = s.Volumes[1:] }, Missing, Page, "vol-cache"},
	"a cache disk is elsewhere": {func(_ *Books, s *Seen) { s.Volumes[0].Machine = "i-2" }, Drifted, Page, "vol-cache"},
	"a disk too many":           {func(_ *Books, s *Seen) { s.Volumes = append(s.Volumes, Volume{ID: "vol-x", Marks: s.Volumes[0].Marks}) }, Orphaned, Ticket, "vol-x"},
	"a root that a repair keeps": {func(_ *Books, s *Seen) {
		m := s.Volumes[0].Marks
		m.Repair = "share-standard-1#1"
		s.Volumes = append(s.Volumes, Volume{ID: "vol-x", Marks: m})
	}, Orphaned, Note, "which repair share-standard-1#1 keeps"},

	"a gateway is gone": {func(_ *Books, s *Seen) { s.Gateways = s.Gateways[1:] }, Missing, Page, "the gateway sgw-1"},
	"a second gateway": {func(_ *Books, s *Seen) {
		s.Gateways = append(s.Gateways, Gateway{ARN: "arn:2", Name: s.Gateways[0].Name, Marks: s.Gateways[0].Marks})
	}, Orphaned, Ticket, "gateway arn:2"},
	"a gateway of the name, of another order": {func(_ *Books, s *Seen) {
		s.Gateways = append(s.Gateways, Gateway{ARN: "arn:2", Name: s.Gateways[0].Name, Marks: Marks{Stage: "dev", Host: string(shareHost), Order: "old"}})
	}, Foreign, Ticket, "another order"},
	"an old appliance": {func(_ *Books, s *Seen) { s.Gateways[0].Deprecated = now }, Aging, Ticket, "no updates from 2026-03-01 on"},

	"a share is gone":             {func(_ *Books, s *Seen) { s.Shares = s.Shares[1:] }, Missing, Page, "share share-1 of slot share-standard-1/1"},
	"a share is being deleted":    {func(_ *Books, s *Seen) { s.Shares[0].Status = "DELETING" }, Missing, Page, "share share-1 of slot share-standard-1/1"},
	"a share is being forced out": {func(_ *Books, s *Seen) { s.Shares[0].Status = "FORCE_DELETING" }, Missing, Page, "share share-1 of slot share-standard-1/1"},
	"a free slot's share is gone": {func(_ *Books, s *Seen) { s.Shares = s.Shares[:1] }, Missing, Ticket, "share share-2 of slot share-standard-1/2"},
	"a share too many":            {func(_ *Books, s *Seen) { s.Shares = append(s.Shares, Share{ID: "share-9", Marks: s.Shares[0].Marks}) }, Orphaned, Ticket, "share-9"},
	"a free share that is open":   {func(_ *Books, s *Seen) { s.Shares[1].Clients = []string{"10.0.0.9/32"} }, Drifted, Page, "serves 10.0.0.9/32, and should serve 192.0.2.1/32 (nobody)"},
	"a share open to another too": {func(_ *Books, s *Seen) { s.Shares[0].Clients = append(s.Shares[0].Clients, "10.0.0.9/32") }, Drifted, Page, "and should serve 10.0.0.7/32 (tenant acme)"},
	"a share on another bucket":   {func(_ *Books, s *Seen) { s.Shares[0].Bucket = "arn:aws:s3:::bucket-2" }, Drifted, Page, "is on bucket"},

	"a rule too many": {func(_ *Books, s *Seen) { s.Groups[0].Lets = append(s.Groups[0].Lets, "10.0.0.9/32") }, Drifted, Ticket, "lets 10.0.0.9/32 in, which is no tenant's"},
	"a rule is gone":  {func(_ *Books, s *Seen) { s.Groups[0].Lets = nil }, Drifted, Page, "does not let 10.0.0.7/32 of tenant acme in"},
	"a group is gone": {func(_ *Books, s *Seen) { s.Groups = s.Groups[1:] }, Missing, Page, "security group sg-1"},

	"a bucket is gone":            {func(_ *Books, s *Seen) { s.Buckets = s.Buckets[1:] }, Missing, Page, "bucket bucket-1"},
	"a bucket bears another mark": {func(_ *Books, s *Seen) { s.Buckets[0].Slot = "share-standard-1/mshare/1/2" }, Drifted, Ticket, "should bear"},
	"a bucket of a host that nobody knows": {func(_ *Books, s *Seen) {
		s.Buckets = append(s.Buckets, Bucket{Name: "b", Marks: Marks{"dev", "share-standard-7", "x", ""}})
	}, Orphaned, Ticket, "bucket b bears the mark of host share-standard-7"},

	"the ledger was put back to before a signup": {func(b *Books, _ *Seen) {
		delete(b.Tenants, "acme")
		changeHost(b, dbHost, func(h *pool.Host) { h.Slots[0].State, h.Slots[0].Tenant = pool.SlotFree, "" })
	}, Drifted, Page, "the database of slot database-standard-1/1 is tenant acme's by its secret, and by the ledger it is free: it must not be handed out"},
	"and it was set out again": {func(b *Books, _ *Seen) {
		delete(b.Tenants, "acme")
		changeHost(b, dbHost, func(h *pool.Host) { h.Slots[0].State, h.Slots[0].Tenant = pool.SlotOffered, "" })
	}, Drifted, Page, "by the ledger it is offered"},
	"and it was handed out again": {func(b *Books, _ *Seen) {
		delete(b.Tenants, "acme")
		changeHost(b, dbHost, func(h *pool.Host) { h.Slots[0].Tenant = "globex" })
	}, Drifted, Page, "by the ledger it is assigned to globex"},
	"a secret is gone":             {func(_ *Books, s *Seen) { s.Secrets = nil }, Missing, Page, "the secret of tenant acme"},
	"a secret of nobody's":         {func(b *Books, s *Seen) { s.Secrets = append(s.Secrets, Secret{Name: "headroom/dev/tenant/globex/m"}) }, Orphaned, Ticket, "whom the ledger does not know"},
	"a secret of a strange signup": {func(b *Books, s *Seen) { s.Secrets = append(s.Secrets, Secret{Name: "headroom/dev/tenant/acme/other"}) }, Orphaned, Ticket, "of a signup of tenant acme"},
	"alarms are gone":              {func(_ *Books, s *Seen) { s.Alarms = s.Alarms[2:] }, Missing, Ticket, "lacks alarms, so what they tell of goes unheard: burst, connections"},
	"no rights": {func(_ *Books, s *Seen) {
		s.Unseen, s.Secrets = []Unseen{{Sort: Secrets, Why: "AccessDenied", Denied: true}}, nil
	}, Unlooked, Ticket, "could not look at secrets: AccessDenied"},
}

func TestAStageThatIsAsItShouldBeIsClean(t *testing.T) {
	b, s := world()
	for _, f := range Compare(b, s, now) {
		t.Errorf("found %+v", f)
	}
}

func TestEachKindOfFaultIsFound(t *testing.T) {
	for name, test := range faults {
		t.Run(name, func(t *testing.T) {
			b, s := world()
			test.plant(&b, &s)
			found := Compare(b, s, now)
			var words []string
			for _, f := range found {
				if f.Do == "" {
					t.Errorf("nothing is to be done about %q", f.What)
				}
				if f.Verdict == test.verdict && f.Severity == test.severity && strings.Contains(f.What, test.what) {
					return
				}
				words = append(words, string(f.Verdict)+" "+string(f.Severity)+": "+f.What)
			}
			t.Errorf("found no %s %s of %q, but\n%s", test.severity, test.verdict, test.what, strings.Join(words, "\n"))
		})
	}
}

// What is under way is no fault: nobody may be called for it, and nothing be taken away because of it.
func TestWhatIsUnderWayIsNoFault(t *testing.T) {
	lately := now.Add(-time.Minute)
	for name, plant := range map[string]func(b *Books, s *Seen){
		"a host that has just come into service": func(b *Books, s *Seen) {
			changeHost(b, dbHost, func(h *pool.Host) { h.Since = lately })
			s.Stacks, s.Instances, s.Alarms = s.Stacks[1:], nil, s.Alarms[7:]
		},
		"a host that is repaired": func(b *Books, s *Seen) {
			changeHost(b, shareHost, func(h *pool.Host) { h.Repair = 1 })
			s.Machines, s.Stacks[1].Parameters["HasMachine"] = nil, "false"
		},
		"a stack that is being updated": func(_ *Books, s *Seen) {
			s.Stacks[1].Status, s.Stacks[1].Parameters["GatewayId"] = "UPDATE_IN_PROGRESS", ""
		},
		"a tenant that has just become ready": func(b *Books, s *Seen) {
			changeTenant(b, func(t *pool.Tenant) { t.ReadyAt = lately })
			s.Shares[0].Clients, s.Groups[0].Lets, s.Secrets = []string{b.Nobody}, nil, nil
		},
		"a tenant whose address changes": func(b *Books, s *Seen) {
			changeTenant(b, func(t *pool.Tenant) { t.Change.Coming, t.Step = []string{"10.0.0.8"}, pool.StepAdmit })
			s.Groups[0].Lets = append(s.Groups[0].Lets, "10.0.0.8/32")
		},
		"a signup that opens its share": func(b *Books, s *Seen) {
			b.Tenants["globex"] = pool.Tenant{ID: "globex", State: pool.TenantRequested, Addresses: []string{"10.0.0.9"}, RequestedAt: lately}
			changeHost(b, shareHost, func(h *pool.Host) { h.Slots[1].State, h.Slots[1].Since = pool.SlotOffered, lately })
			s.Shares[1].Clients, s.Groups[0].Lets = []string{"10.0.0.9/32"}, append(s.Groups[0].Lets, "10.0.0.9/32")
		},
		"a claim that is not settled": func(b *Books, _ *Seen) {
			b.Held = map[pool.TenantID]bool{"acme": true}
			changeHost(b, dbHost, func(h *pool.Host) { h.Slots[0].State, h.Slots[0].Tenant = pool.SlotOffered, "" })
		},
		"a secret that a signup left behind": func(b *Books, s *Seen) {
			changeTenant(b, func(t *pool.Tenant) { t.Spent = []string{"spent"} })
			s.Secrets = append(s.Secrets, Secret{Name: "headroom/dev/tenant/acme/spent", Tags: map[string]string{"headroom:database": pool.DatabaseName(b.Hosts[dbHost].Slots[1].Name)}})
		},
		"a slot that is scrubbed": func(b *Books, s *Seen) {
			changeHost(b, shareHost, func(h *pool.Host) { h.Slots[0].State = pool.SlotLeaving })
			changeTenant(b, func(t *pool.Tenant) { t.State = pool.TenantLeft })
			s.Shares, s.Groups[0].Lets = s.Shares[1:], nil
			b.Departures = map[pool.TenantID][]pool.Departure{"acme": {{Tenant: b.Tenants["acme"], State: pool.DepartureScrubbing}}}
		},
		"a slot that was given up after its share was withdrawn": func(b *Books, s *Seen) {
			changeHost(b, shareHost, func(h *pool.Host) { h.Slots[1].State = pool.SlotRetired })
			s.Shares = slices.Delete(s.Shares, 1, 2)
		},
		"a temporary instance that is needed": func(b *Books, s *Seen) {
			b.Restorations = map[pool.TenantID]pool.Restoration{"acme": {Tenant: "acme", Number: 1, Instance: "headroom-dev-restore-x", State: pool.RestorationRestoring}}
			s.Instances = append(s.Instances, Instance{Name: "headroom-dev-restore-x", Restoration: "acme.restore-1", Marks: Marks{Stage: "dev"}, Made: now.Add(-9 * time.Hour)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := world()
			plant(&b, &s)
			for _, f := range Compare(b, s, now) {
				t.Errorf("found %+v", f)
			}
		})
	}
}

// A gateway that was given up answers nothing for as long as it is kept: that it does not is no ticket.
func TestThatAGatewayWhichWasGivenUpAnswersNothingIsNoFault(t *testing.T) {
	b, s := world()
	changeHost(&b, shareHost, func(h *pool.Host) { h.Gateways = 1 })
	old := Gateway{ARN: "arn:old", Name: s.Gateways[0].Name, Marks: s.Gateways[0].Marks}
	s.Gateways = append(s.Gateways, old)
	s.Unseen = []Unseen{{Sort: Gateways, Of: old.ARN, Why: "not connected"}}
	for _, f := range Compare(b, s, now) {
		if f.Severity != Note {
			t.Errorf("found %+v", f)
		}
	}
	s.Unseen[0].Of = s.Gateways[0].ARN
	if Clean(Compare(b, s, now)) {
		t.Error("the host's own gateway could not be looked at, and that is not said")
	}
}

// Of what could not be looked at nothing may be found missing: an empty answer and none are two things.
func TestWhatCouldNotBeSeenIsNotMissing(t *testing.T) {
	b, s := world()
	all := []Sort{Stacks, Instances, Machines, Volumes, Gateways, Shares, Groups, Buckets, Secrets, Alarms}
	s = Seen{At: now}
	for _, sort := range all {
		s.Unseen = append(s.Unseen, Unseen{Sort: sort, Why: "throttled"})
	}
	found := Compare(b, s, now)
	if len(found) != len(all) || Clean(found) {
		t.Errorf("found %d things: %+v", len(found), found)
	}
	for _, f := range found {
		if f.Verdict != Unlooked {
			t.Errorf("found %+v", f)
		}
	}
}

func TestOnlyNotesAreClean(t *testing.T) {
	if !Clean(nil) || !Clean([]Finding{{Severity: Note}}) || Clean([]Finding{{Severity: Note}, {Severity: Ticket}}) {
		t.Error("it is not clean exactly when somebody is wanted")
	}
}
