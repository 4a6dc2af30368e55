package recovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

const bucket = "arn:aws:s3:::bucket-"

// seen is a stage with a database and a share host, of which one tenant has a slot each.
func seen() (inventory.Books, inventory.Seen, Look) {
	mark := func(id, order string) inventory.Marks {
		return inventory.Marks{Stage: "dev", Host: id, Order: order}
	}
	share := func(n, generation, tenant string, clients ...string) inventory.Share {
		return inventory.Share{
			ID: "share-" + n, Gateway: "arn:gateway/sgw-1", Bucket: bucket + n, Name: "s" + n, Clients: clients, Marks: mark("share-standard-1", "o2"),
			Generation: generation, Tenant: tenant,
		}
	}
	s := inventory.Seen{
		At: began,
		Stacks: []inventory.Stack{
			{
				Name: "headroom-dev-database-standard-1", ID: "arn:1", Status: "CREATE_COMPLETE", Marks: mark("database-standard-1", "o1"),
				Outputs: map[string]string{"Address": "db.internal", "Port": "5432", "MasterSecretArn": "arn:master"},
			},
			{
				Name: "headroom-dev-share-standard-1", ID: "arn:2", Status: "UPDATE_COMPLETE", Marks: mark("share-standard-1", "o2"), Parameters: map[string]string{"GatewayId": "sgw-1"},
				Outputs: map[string]string{
					"DnsName": "gw.internal", "MachineId": "i-1", "ApplianceAddress": "10.0.0.9", "SecurityGroupId": "sg-1", "CacheVolumeId": "vol-1",
					"Bucket01": bucket + "1", "Role01": "role1", "Bucket02": bucket + "2", "Role02": "role2",
				},
			},
			{Name: "headroom-dev-share-standard-2", Status: "DELETE_IN_PROGRESS", Marks: mark("share-standard-2", "o3")},
			{Name: "headroom-dev-share-standard-3", Status: "CREATE_COMPLETE"},
			{Name: "headroom-prod-share-standard-4", Status: "CREATE_COMPLETE", Marks: inventory.Marks{Stage: "prod", Host: "share-standard-4", Order: "o4"}},
		},
		Gateways: []inventory.Gateway{{ARN: "arn:gateway/sgw-0", Marks: mark("share-standard-1", "o2")}, {ARN: "arn:gateway/sgw-1", Marks: mark("share-standard-1", "o2")}},
		Shares:   []inventory.Share{share("1", "1", "acme", "10.0.0.7/32"), share("2", "2", "", nobody)},
		Buckets:  []inventory.Bucket{{Name: "bucket-1", Slot: "share-standard-1/o2/1/1"}, {Name: "bucket-2", Slot: "share-standard-1/o2/2/2"}},
		Secrets: []inventory.Secret{
			{Name: "headroom/dev/tenant/acme/m1", ARN: "arn:secret", Made: began, Tags: map[string]string{"headroom:database": "d_a"}},
			{Name: "headroom/prod/tenant/acme/m1"},
		},
	}
	look := Look{Databases: map[pool.HostID][]pool.FoundDatabase{"database-standard-1": {
		{Name: "a", Mark: "database-standard-1/o1/1/1", Open: true, Holds: true},
		{Name: "b", Mark: "database-standard-1/o1/2/3"},
		{Name: "c", Mark: "database-standard-1/o1/2/2/before-1", Holds: true}, // kept by a restoration
		{Name: "d", Mark: "database-standard-1/o0/2/2", Holds: true},          // of another order
	}}}
	return inventory.Books{Stage: "dev", Nobody: nobody}, s, look
}

func TestWhatBearsTheMarksIsFound(t *testing.T) {
	b, s, look := seen()
	f := Gather(b, s, look)
	db, sh := f.Hosts["database-standard-1"], f.Hosts["share-standard-1"]
	if len(f.Hosts) != 3 || f.Hosts["share-standard-2"].Blind == "" || !db.Whole || !sh.Whole || len(f.Blind) > 0 {
		t.Fatalf("found %+v", f)
	}
	if db.Access.Port != 5432 || db.Access.MasterSecret != "arn:master" || sh.Access.Gateway != "arn:gateway/sgw-1" || sh.Access.Machine != "i-1" {
		t.Errorf("reached by %+v and %+v", db.Access, sh.Access)
	}
	if want := []Slot{{Index: 1, Generation: 1, Name: "a", Open: true, Holds: true}, {Index: 2, Generation: 3, Name: "b"}}; !slices.EqualFunc(db.Slots, want, sameSlot) {
		t.Errorf("databases %+v", db.Slots)
	}
	if want := []Slot{
		{Index: 1, Generation: 1, Name: "s1", Bucket: bucket + "1", Role: "role1", Share: "share-1", Tenant: "acme", Open: true, Holds: true, Clients: []string{"10.0.0.7/32"}},
		{Index: 2, Generation: 2, Name: "s2", Bucket: bucket + "2", Role: "role2", Share: "share-2", Clients: []string{nobody}},
	}; !slices.EqualFunc(sh.Slots, want, sameSlot) {
		t.Errorf("shares %+v", sh.Slots)
	}
	if want := []Secret{{Tenant: "acme", Mark: "m1", ARN: "arn:secret", Database: "d_a", Made: began}}; !slices.Equal(f.Secrets, want) {
		t.Errorf("secrets %+v", f.Secrets)
	}
	p := Make(Books{Books: b}, f, began.Add(time.Hour))
	if len(p.Hosts) != 2 || len(p.Tenants) != 1 || len(p.Unsure) != 1 || p.Unsure[0].Of != "host share-standard-2" {
		t.Errorf("of a ledger that was lost it restores %v, and is unsure of %v", p.Lines, p.Unsure)
	}
}

// A gateway that was given up left the buckets to a new one, whose disk and roles are of the other side of the host's stack: a share that
// is made anew is made by the role that there is.
func TestAShareThatIsBeingDeletedStandsNoMore(t *testing.T) {
	b, s, look := seen()
	s.Shares[0].Status, s.Shares[1].Status = "AVAILABLE", "DELETING"
	got := Gather(b, s, look).Hosts["share-standard-1"].Slots
	if len(got) != 1 || got[0].Share != "share-1" {
		t.Errorf("found are %+v", got)
	}
}

func TestTheDiskAndTheRolesOfTheSideThatThereIsAreFound(t *testing.T) {
	b, s, look := seen()
	out := s.Stacks[1].Outputs
	for _, name := range []string{"CacheVolumeId", "Role01", "Role02"} {
		out[pool.SideOutput(name, pool.SideB)] = out[name] + "-b"
		delete(out, name)
	}
	s.Stacks[1].Parameters["Side"] = pool.SideB
	h := Gather(b, s, look).Hosts["share-standard-1"]
	if !h.Whole || h.Access.Cache != "vol-1-b" || len(h.Slots) != 2 || h.Slots[0].Role != "role1-b" || h.Slots[1].Role != "role2-b" {
		t.Errorf("found %+v", h)
	}
	delete(out, pool.SideOutput("Role02", pool.SideB))
	if h = Gather(b, s, look).Hosts["share-standard-1"]; h.Whole || h.Blind == "" {
		t.Errorf("without a role it is %+v", h)
	}
}

func sameSlot(a, b Slot) bool {
	clients := slices.Equal(a.Clients, b.Clients)
	a.Clients, b.Clients = nil, nil
	return clients && slices.Equal([]any{a.Index, a.Generation, a.Name, a.Bucket, a.Role, a.Share, a.Tenant, a.Open, a.Holds},
		[]any{b.Index, b.Generation, b.Name, b.Bucket, b.Role, b.Share, b.Tenant, b.Open, b.Holds})
}

// What could not be looked at is not taken for gone, nor what could not be looked into for empty.
func TestWhatIsNotKnownIsNotDecided(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *inventory.Seen, look *Look)
		check  func(p Plan) bool
	}{
		"stacks that could not be listed": {
			func(s *inventory.Seen, _ *Look) {
				s.Stacks, s.Unseen = nil, []inventory.Unseen{{Sort: inventory.Stacks, Why: "denied"}}
			},
			func(p Plan) bool { return !p.Done() && len(p.Lines) == 0 && len(p.Unsure) == 1 && len(p.Blind) == 1 },
		},
		"a host that does not answer": {
			func(_ *inventory.Seen, look *Look) {
				look.Blind, look.Databases = map[pool.HostID]string{"database-standard-1": "down"}, nil
			},
			func(p Plan) bool {
				return !slices.ContainsFunc(p.Tenants, func(c TenantChange) bool { return c.After.State == pool.TenantReady }) &&
					slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" })
			},
		},
		"a bucket that holds something": {
			func(_ *inventory.Seen, look *Look) { look.Full = map[string]string{bucket + "2": "versions"} },
			func(p Plan) bool {
				return slices.ContainsFunc(p.Hosts, func(c HostChange) bool {
					return c.After.Kind == pool.Share && c.After.Slots[1].State == pool.SlotQuarantined
				})
			},
		},
		"a bucket whose tags can't be read": {
			func(s *inventory.Seen, _ *Look) {
				s.Buckets[1].Slot, s.Unseen = "", []inventory.Unseen{{Sort: inventory.Buckets, Of: pool.BucketName(bucket + "2"), Why: "slow down"}}
			},
			func(p Plan) bool {
				return !slices.ContainsFunc(p.Hosts, func(c HostChange) bool { return c.After.Kind == pool.Share }) &&
					slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "host share-standard-1" })
			},
		},
		"a bucket of another generation": {
			func(s *inventory.Seen, _ *Look) { s.Buckets[1].Slot = "share-standard-1/o2/2/3" },
			func(p Plan) bool {
				return slices.ContainsFunc(p.Hosts, func(c HostChange) bool {
					return c.After.Kind == pool.Share && c.After.Slots[1].State == pool.SlotQuarantined
				})
			},
		},
		"a secret of before there were tags": {
			func(s *inventory.Seen, _ *Look) { s.Secrets[0].Tags = nil },
			func(p Plan) bool {
				return len(p.Tenants) == 0 && slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" })
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, s, look := seen()
			test.change(&s, &look)
			p := Make(Books{Books: b}, Gather(b, s, look), began)
			if !test.check(p) {
				t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
			}
		})
	}
}

// A signup that was cut short when it had tagged, or opened, the share goes on with what it had; and a plan says so once.
func TestASignupThatWasCutShortGoesOn(t *testing.T) {
	for name, clients := range map[string][]string{"tagged": {nobody}, "tagged, and nobody knows for whom": {nobody}, "opened": {"10.0.0.7/32"}} {
		t.Run(name, func(t *testing.T) {
			b, s, look := seen()
			if name == "tagged" {
				b.Tenants = map[pool.TenantID]pool.Tenant{"acme": {ID: "acme", Tier: "standard", State: pool.TenantRequested, Mark: "m1", Addresses: []string{"10.0.0.7"}}}
			}
			look.Databases["database-standard-1"][0].Open, look.Databases["database-standard-1"][0].Holds = false, false
			s.Shares[0].Clients, s.Stacks = clients, s.Stacks[:2]
			p := Make(Books{Books: b}, Gather(b, s, look), began)
			if strings.HasSuffix(name, "for whom") {
				if len(p.Tenants) > 0 || len(p.Unsure) == 0 || p.Hosts[1].After.Slots[0].State != pool.SlotQuarantined {
					t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
				}
				return
			}
			if len(p.Tenants) != 1 || len(p.Leave)+len(p.Unsure) > 0 {
				t.Fatalf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
			}
			acme := p.Tenants[0].After
			if acme.State != pool.TenantRequested || acme.Step != pool.StepOpen || !acme.Named() || acme.Mark != "m1" || acme.Secret != "arn:secret" {
				t.Errorf("it is %+v", acme)
			}
			b.Tenants, b.Hosts = map[pool.TenantID]pool.Tenant{"acme": acme}, map[pool.HostID]pool.Host{}
			for _, c := range p.Hosts {
				b.Hosts[c.After.ID] = c.After
			}
			if again := Make(Books{Books: b}, Gather(b, s, look), began); !again.Done() {
				t.Errorf("a second plan does more: %v", again.Lines)
			}
		})
	}
}

func TestAHostThatIsHeldIsFreedAndNobodyElses(t *testing.T) {
	h := pool.Host{ID: "database-standard-1", State: pool.HostInService}
	held, changed, err := Held(h, began)
	if err != nil || !changed || held.State != pool.HostCordoned || held.ByHand != pool.RecoveryHold || held.Step != pool.StepWatch {
		t.Fatalf("held: %+v, %v", held, err)
	}
	if _, again, _ := Held(held, began); again {
		t.Error("it is held twice")
	}
	freed, changed, err := Freed(held, began)
	if err != nil || !changed || freed.State != pool.HostInService || freed.ByHand != "" {
		t.Errorf("freed: %+v, %v", freed, err)
	}
	h.State, h.ByHand = pool.HostCordoned, "ada: looks at it"
	if _, changed, _ := Freed(h, began); changed {
		t.Error("a person's word is taken back")
	}
	both, changed, err := Held(h, began)
	if err != nil || !changed || !both.HeldByRecovery() || !held.HeldByRecovery() || h.HeldByRecovery() || freed.HeldByRecovery() {
		t.Errorf("held besides a person's word: %+v, %v", both, err)
	}
	if _, again, _ := Held(both, began); again {
		t.Error("it is held twice")
	}
	if freed, _, err := Freed(both, began); err != nil || freed.State != pool.HostCordoned || freed.ByHand != h.ByHand {
		t.Errorf("freed, and not by who cordoned it: %+v, %v", freed, err)
	}
	held.Doubt = "it does not answer"
	if freed, _, err := Freed(held, began); err != nil || freed.State != pool.HostCordoned || freed.ByHand != "" {
		t.Errorf("freed while it is in doubt: %+v, %v", freed, err)
	}
}

// A stack that something is done to, or was in vain, is not gone, and what is on it is neither empty nor anybody else's.
func TestAHostThatIsNotWholeIsLeftAlone(t *testing.T) {
	for _, status := range []string{"DELETE_FAILED", "DELETE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"} {
		for _, n := range []int{0, 1} {
			t.Run(fmt.Sprint(status, " ", n), func(t *testing.T) {
				b, s, look := seen()
				b.Hosts, b.Tenants = map[pool.HostID]pool.Host{}, map[pool.TenantID]pool.Tenant{}
				for _, c := range Make(Books{Books: b}, Gather(b, s, look), began).Hosts {
					c.After.State, c.After.ByHand = pool.HostInService, ""
					b.Hosts[c.After.ID] = c.After
				}
				for _, c := range Make(Books{Books: b}, Gather(b, s, look), began).Tenants {
					b.Tenants[c.After.ID] = c.After
				}
				id := pool.HostID(s.Stacks[n].Marks.Host)
				s.Stacks[n].Status = status
				if n == 0 {
					delete(look.Databases, id) // which are not listed then
				}
				p := Make(Books{Books: b}, Gather(b, s, look), began)
				if !p.Done() && slices.ContainsFunc(p.Hosts, func(c HostChange) bool { return c.Before.ID == id }) || len(p.Tenants) > 0 || !slices.Contains(p.Keep, id) {
					t.Errorf("it does %v, and keeps %v", p.Lines, p.Keep)
				}
				s.Secrets = nil
				if p := Make(Books{Books: b}, Gather(b, s, look), began); len(p.Tenants) > 0 {
					t.Errorf("without a secret it does %v", p.Lines)
				}
			})
		}
	}
}

// By the record a host is still being made, it stands, and does not answer: it is held, so that it is made no further, until another
// recovery has looked. Then it is as any that was held.
func TestAHostThatIsBeingMadeByTheRecordAndDoesNotAnswerIsHeld(t *testing.T) {
	for _, state := range []pool.HostState{pool.HostBuilding, pool.HostPreparing} {
		b, s, look := seen()
		const id = pool.HostID("database-standard-1")
		b.Hosts, b.Tenants = map[pool.HostID]pool.Host{id: {
			ID: id, Kind: pool.Database, Tier: "standard", State: state, Mark: "o1", Size: 2, Since: began, Version: 1,
		}}, map[pool.TenantID]pool.Tenant{}
		look.Blind = map[pool.HostID]string{id: "its databases could not be listed"}
		p := Make(Books{Books: b}, Gather(b, s, look), began)
		at := slices.IndexFunc(p.Hosts, func(c HostChange) bool { return c.After.ID == id })
		if at < 0 || !p.Hosts[at].After.HeldByRecovery() || p.Hosts[at].After.State != state || !slices.Contains(p.Keep, id) {
			t.Fatalf("%s: it does %v, and keeps %v", state, p.Lines, p.Keep)
		}
		b.Hosts[id] = p.Hosts[at].After
		p = Make(Books{Books: b}, Gather(b, s, look), began)
		if slices.ContainsFunc(p.Hosts, func(c HostChange) bool { return c.After.ID == id }) || !slices.Contains(p.Keep, id) {
			t.Errorf("%s: made once more, it does %v, and keeps %v", state, p.Lines, p.Keep)
		}
		look.Blind = nil
		p = Make(Books{Books: b}, Gather(b, s, look), began)
		at = slices.IndexFunc(p.Hosts, func(c HostChange) bool { return c.After.ID == id })
		if at < 0 || p.Hosts[at].After.State != pool.HostCordoned || len(p.Hosts[at].After.Slots) != 2 || slices.Contains(p.Keep, id) {
			t.Errorf("%s: once it answers, it does %v, and keeps %v", state, p.Lines, p.Keep)
		}
	}
}
