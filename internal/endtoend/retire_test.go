package endtoend

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/pool"
)

// Half of the tenants leave: the hosts that nobody needs any more go with all that was theirs, one that is protected stays,
// and so does who is left.
func TestEmptyHostsAreRetired(t *testing.T) {
	t.Parallel()
	of := func(floor int) pool.Policies {
		one := pool.Policy{SlotsPerHost: 1, Floor: floor, Ceiling: 5, KeepEmpty: pool.Term(24 * time.Hour)}
		ps := policies(one, one)
		ps[0].HostPrice, ps[1].HostPrice = 65, 165
		return ps
	}
	s := startWith(t, document{Version: "1", Pools: of(3), Terms: &leavers}, byTheClock)
	s.awaitInService(t, 3, 3)
	s.signUp(t, leaver, leftFrom)
	both := s.awaitReady(t, leaver)
	s.signUp(t, "neighbour", "127.30.8.2")
	stays := s.awaitReady(t, "neighbour")["neighbour"]
	l := &leaving{system: s, ready: both[leaver], credentials: s.secret(t, both[leaver].Database.SecretARN), from: leftFrom}
	n := &leaving{system: s, ready: stays, credentials: s.secret(t, stays.Database.SecretARN), from: "127.30.8.2"}
	l.fill(t, inFile, inRow)
	n.fill(t, "a neighbour's file", "a neighbour's row")
	left, err := s.ledger.Tenant(t.Context(), leaver)
	must(t, err)
	remains, err := s.ledger.Tenant(t.Context(), "neighbour")
	must(t, err)
	var goes, kept []pool.HostID
	for _, key := range []pool.Key{{Kind: pool.Database, Tier: tier}, {Kind: pool.Share, Tier: tier}} {
		for i := 1; i <= 3; i++ {
			switch id := key.Host(i); id {
			case left.Database.Host, left.Share.Host:
				goes = append(goes, id)
			case remains.Database.Host, remains.Share.Host:
			default:
				kept = append(kept, id)
			}
		}
	}
	for _, id := range kept {
		s.headroom(t, "host", "protect", string(id), "--reason", "the auditors look at it", "--wait")
	}
	l.ask(t, "DecommissionRequested", `,"grace":"1m"`)
	l.within(t, "the tenant is released", func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 })
	s.setPolicies(t, of(1))
	disks := s.volumes(t)
	looked := time.Time{}
	l.within(t, "its hosts are retired", func() bool {
		if time.Since(looked) > moment {
			looked = time.Now()
			s.age(t)
			s.checkPools(t)
		}
		gone := heard[events.HostRetired](s.watch)
		return slices.ContainsFunc(gone, func(e events.HostRetired) bool { return e.HostID == string(goes[0]) }) &&
			slices.ContainsFunc(gone, func(e events.HostRetired) bool { return e.HostID == string(goes[1]) })
	})

	for _, id := range goes {
		h, err := s.ledger.Host(t.Context(), id)
		must(t, err)
		if h.State != pool.HostDeleted || len(h.Retire.Left) > 0 || slices.Contains(s.hostStacks(t), stackOf(id)) {
			t.Errorf("%s is %s, left are %v, stacks are %v", id, h.State, h.Retire.Left, s.hostStacks(t))
		}
		if said := s.headroom(t, "host", "explain", string(id)); !strings.Contains(said, "nothing but this record") {
			t.Errorf("of %s it is said\n%s", id, said)
		}
	}
	for _, id := range append(kept, remains.Database.Host, remains.Share.Host) {
		h, err := s.ledger.Host(t.Context(), id)
		must(t, err)
		if h.State != pool.HostInService || !slices.Contains(s.hostStacks(t), stackOf(id)) {
			t.Errorf("%s is %s", id, h.State)
		}
	}
	if said := s.headroom(t, "host", "explain", string(kept[0])); !strings.Contains(said, "it is protected, by ") {
		t.Errorf("of %s it is said\n%s", kept[0], said)
	}
	there := map[pool.Kind]int{} // one of each is gone; of who signed up just now the forecast may have another one made
	for _, kind := range pool.Kinds {
		there[kind] = len(s.ordered(kind)) - 1
	}
	if got := len(s.gateways(t)); got != there[pool.Share] {
		t.Errorf("there are %d gateways, not %d", got, there[pool.Share])
	}
	if got := len(disks) - len(s.volumes(t)); got != 2 { // a root and a cache
		t.Errorf("%d disks are gone, of %d", got, len(disks))
	}
	buckets, err := s3.NewFromConfig(s.AWS()).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	must(t, err)
	for _, b := range buckets.Buckets {
		if strings.Contains(aws.ToString(b.Name), string(goes[1])) {
			t.Errorf("bucket %s is there", aws.ToString(b.Name))
		}
	}
	instances, err := rds.NewFromConfig(s.AWS()).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	must(t, err)
	if len(instances.DBInstances) != there[pool.Database] {
		t.Errorf("there are %d instances, not %d", len(instances.DBInstances), there[pool.Database])
	}
	if now, err := s.ledger.Spent(t.Context()); err != nil || now != pool.Cents(65_00*there[pool.Database]+165_00*there[pool.Share]) {
		t.Errorf("spent are %s, with %v; %v", now, there, err)
	}
	for _, kind := range pool.Kinds {
		s.wasMeasured(t, ofRetiring, map[string]string{"Stage": stage, "Kind": string(kind), "Tier": string(tier)})
	}
	n.isAsBefore(t)
	s.awaitContent(t, patience, "wait-near") // the policy wants none free
}

// command is the operator's command, asked of this deployment.
func (s *system) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../../dist/headroom", append(args, "--endpoint", s.Endpoint)...)
	cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=", "HEADROOM_STAGE=")
	return cmd
}

func (s *system) headroom(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.command(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("headroom %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// volumes are the disks of hosts.
func (s *system) volumes(t *testing.T) (ids []string) {
	t.Helper()
	out, err := ec2.NewFromConfig(s.AWS()).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{"headroom:host"}}},
	})
	must(t, err)
	for _, v := range out.Volumes {
		ids = append(ids, aws.ToString(v.VolumeId))
	}
	return ids
}

// age makes hosts in service, and what was wanted of their pools, look as old as two days.
func (s *system) age(t *testing.T) {
	t.Helper()
	old := s.Clock.Now().Add(-48 * time.Hour).Truncate(time.Hour)
	for _, kind := range pool.Kinds {
		for i := 1; i <= 3; i++ {
			h, err := s.ledger.Host(t.Context(), pool.Key{Kind: kind, Tier: tier}.Host(i))
			must(t, err)
			if h.State != pool.HostInService || h.Since.Equal(old) && !slices.ContainsFunc(h.Slots, func(slot pool.Slot) bool { return slot.Since.After(old) }) {
				continue
			}
			after := h.Clone()
			after.Since = old
			for i := range after.Slots {
				if slot := &after.Slots[i]; slot.State == pool.SlotFree || slot.State == pool.SlotOffered {
					slot.Since = old
				}
			}
			s.saved(t, s.ledger.SaveHost(context.Background(), h, after, pool.Neutral, s.Clock.Now()))
		}
	}
	o, err := s.ledger.Outlook(t.Context(), tier)
	must(t, err)
	after := o.Clone()
	for _, kind := range pool.Kinds {
		if peaks := after.Peaks[kind]; len(peaks) > 0 {
			after.Peaks[kind][0].From = old
		}
	}
	s.saved(t, s.ledger.SaveOutlook(context.Background(), o, after))
}

// saved wants a record saved, unless somebody else was first.
func (s *system) saved(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, pool.ErrConflict) {
		t.Fatal(err)
	}
}

// ordered lists the hosts of a kind that were ever ordered.
func (s *system) ordered(kind pool.Kind) []string {
	seen := map[string]bool{}
	for _, e := range heard[events.HostOrdered](s.watch) {
		if e.Kind == string(kind) {
			seen[e.HostID] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
