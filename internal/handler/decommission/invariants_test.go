package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

var errNotNow = errors.New("not now")

// life names what a tenant signed up for.
func life(t pool.Tenant) string { return "life:" + string(t.ID) + "/" + t.Mark }

// furnish has a tenant put something of its own into its database and its share, if it did not yet.
func (w *world) furnish(id pool.TenantID) {
	w.t.Helper()
	t := w.tenant(id)
	d := w.servers[t.Database.Address].databases[t.Database.Name]
	if d == nil || !d.login || slices.Contains(d.rows, life(t)) {
		return
	}
	d.rows = append(d.rows, life(t))
	bucket, key, arn := pool.BucketName(w.slot(t.Share.Host, t.Share.Index).Bucket), life(t), shareKey
	_, err := w.objects.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader("content"), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &arn,
	})
	w.must(err)
}

// departures are all that there are.
func (w *world) departures() (all []pool.Departure) {
	w.t.Helper()
	for _, id := range allTenant {
		of, err := w.ledger.Departures(context.Background(), id)
		w.must(err)
		all = append(all, of...)
	}
	return all
}

// mayDestroy holds that nothing of a tenant is destroyed before its grace is over, and its archive is verified, locked, and
// has what is destroyed.
func (w *world) mayDestroy(t fatal, what, name string) {
	of := func(d pool.Departure) bool {
		if what == "unhanded" { // nobody was told of it: its signup was never handed over, or given other slots
			tenant, mark, _ := strings.Cut(name, " ")
			return string(d.Tenant.ID) == tenant && (!d.Handed() && d.Tenant.Mark == mark || slices.Contains(d.Tenant.Spent, mark))
		}
		if !d.Handed() {
			return false
		}
		share := w.slot(d.Tenant.Share.Host, d.Tenant.Share.Index)
		shares := share != nil && share.Generation == d.Tenant.Share.Generation && share.State == pool.SlotLeaving && share.Tenant == d.Tenant.ID
		switch what {
		case "database":
			return d.Tenant.Database.Name == name
		case "share":
			return shares && share.Share == name
		case "objects", "upload":
			return shares && pool.BucketName(share.Bucket) == name
		default:
			return d.Tenant.Secret == name
		}
	}
	var found []pool.Departure
	for _, d := range w.departures() {
		if d.State != pool.DepartureUndone && of(d) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		t.Fatal(fmt.Sprintf("%s %s is destroyed, which %d departures had", what, name, len(found)))
		return
	}
	d := found[0]
	if !d.Handed() {
		return
	}
	stored, err := w.store().Head(context.Background(), pool.ObjectRef{Bucket: archives, Key: d.Archive.Key, Version: d.Archive.VersionID})
	switch {
	case d.State != pool.DepartureScrubbing, w.now.Before(d.RequestedAt.Add(d.Grace)), !d.Done(pool.StepVerify):
		t.Fatal(fmt.Sprintf("%s %s is destroyed, and departure %s is %s", what, name, d.ID(), d.State))
	case err != nil, !stored.Until.After(w.now):
		t.Fatal(fmt.Sprintf("%s %s is destroyed, and the archive of %s is locked until %s: %v", what, name, d.ID(), stored.Until, err))
	case what == "database" && !slices.Equal(w.rows(pool.DatabaseName(name)), w.dumped[d.Archive.Key]) && w.rows(pool.DatabaseName(name)) != nil:
		t.Fatal(fmt.Sprintf("database %s is dropped with %v, archived is %v", name, w.rows(pool.DatabaseName(name)), w.dumped[d.Archive.Key]))
	}
}

// check says what must never be otherwise.
func (w *world) check(t fatal) {
	shelf, err := w.ledger.Shelf(context.Background(), tier)
	w.must(err)
	owner, mayReach := map[string]string{}, map[string][]string{} // by slot, and by share
	own := func(by string, has pool.Holding) {
		slot := fmt.Sprintf("%s/%d", has.Host, has.Index)
		if other, taken := owner[slot]; taken && other != by {
			t.Fatal(fmt.Sprintf("%s is %s's and %s's", slot, other, by))
		}
		owner[slot] = by
	}
	reach := func(has pool.Holding, tenant pool.Tenant) {
		if slot := w.slot(has.Host, has.Index); slot != nil && slot.Generation == has.Generation {
			mayReach[slot.Share] = append(mayReach[slot.Share], tenant.Reached()...)
		}
	}
	for _, d := range w.departures() {
		if !d.Handed() && d.Tenant.Named() {
			reach(d.Tenant.Share, d.Tenant)
		}
		if !d.Handed() || d.State == pool.DepartureUndone {
			continue
		}
		for _, has := range []pool.Holding{d.Tenant.Database, d.Tenant.Share} {
			if slot := w.slot(has.Host, has.Index); slot != nil && slot.Generation == has.Generation {
				own(life(d.Tenant), has)
			}
		}
		if d.State == pool.DepartureUndoing || d.State == pool.DepartureLeaving && (d.Step == pool.StepShut || d.Step == pool.StepUpload || d.Stuck == pool.StepShut || d.Stuck == pool.StepUpload) {
			reach(d.Tenant.Share, d.Tenant)
		} else if has := w.servers[d.Tenant.Database.Address].databases[d.Tenant.Database.Name]; has != nil && has.login {
			t.Fatal(fmt.Sprintf("the database of departure %s is open: it is %s at %q", d.ID(), d.State, d.Step))
		}
	}
	for _, id := range allTenant {
		tenant, err := w.ledger.Tenant(context.Background(), id)
		if err != nil {
			continue
		}
		if claim, held := shelf.Reclaim(id); held {
			own(life(tenant), pool.HoldingOf(claim.Database))
			own(life(tenant), pool.HoldingOf(claim.Share))
			reach(pool.HoldingOf(claim.Share), tenant)
		}
		if tenant.Named() {
			own(life(tenant), tenant.Database)
			own(life(tenant), tenant.Share)
			reach(tenant.Share, tenant)
		}
		if tenant.State == pool.TenantReady {
			w.lives(t, tenant)
		}
	}
	returned := w.returned()
	for _, share := range w.gateways.Shares() {
		if slices.Contains(returned, share.ID) {
			continue // it may be half open: it is closed before anybody gets it
		}
		for _, client := range share.Clients {
			if address := strings.TrimSuffix(client, "/32"); client != nobody && !slices.Contains(mayReach[share.ID], address) && !w.probes(share.Name, address) {
				t.Fatal(fmt.Sprintf("share %s is open to %s, and may be to %v", share.Name, client, mayReach[share.ID]))
			}
		}
	}
}

// returned are the shares of slots that were taken back before they were handed over.
func (w *world) returned() (shares []string) {
	for _, id := range w.hosts {
		for _, slot := range w.host(id).Slots {
			if slot.State == pool.SlotReturned {
				shares = append(shares, slot.Share)
			}
		}
	}
	shelf, err := w.ledger.Shelf(context.Background(), tier)
	w.must(err)
	for _, l := range shelf.Withdrawn {
		shares = append(shares, l.Offer.Share)
	}
	return shares
}

// probes reports whether a task that looks into a share has an address.
func (w *world) probes(share, address string) bool {
	return slices.ContainsFunc(w.probed, func(p string) bool { return p == share+" "+address })
}

// lives holds that a tenant finds what is its own, and nothing else.
func (w *world) lives(t fatal, tenant pool.Tenant) {
	d := w.servers[tenant.Database.Address].databases[tenant.Database.Name]
	if d == nil {
		t.Fatal(fmt.Sprintf("the database of tenant %s is not there", tenant.ID))
		return
	}
	w.furnish(tenant.ID)
	files := w.lies(pool.BucketName(w.slot(tenant.Share.Host, tenant.Share.Index).Bucket))
	for _, found := range slices.Concat(d.rows, files) {
		if strings.HasPrefix(found, "life:") && found != life(tenant) {
			t.Fatal(fmt.Sprintf("%s finds %s", life(tenant), found))
		}
	}
	if w.furnished == nil {
		w.furnished = map[string]bool{}
	}
	switch both := slices.Contains(d.rows, life(tenant)) && slices.Contains(files, life(tenant)); {
	case both:
		w.furnished[life(tenant)] = true
	case w.furnished[life(tenant)]:
		t.Fatal(fmt.Sprintf("%s has lost what it had: %v, %v", life(tenant), d.rows, files))
	}
}

// strayed reports whether a secret is none of those who are here.
func (w *world) strayed(name string, here map[pool.TenantID]pool.Tenant) bool {
	if strings.HasPrefix(name, "rds!") {
		return false
	}
	for id, t := range here {
		for _, mark := range append(slices.Clone(t.Spent), t.Mark) {
			if name == "headroom/dev/tenant/"+string(id)+"/"+mark {
				return false
			}
		}
	}
	return true
}
