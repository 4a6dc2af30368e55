package faults

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// The accounts of what may be destroyed are kept by the people themselves: what each life of a tenant wrote bears its name,
// and by what was asked for, said and archived it follows whether that may go. They know nothing of the guard.

// life names what a tenant signed up for, once.
func life(id pool.TenantID, mark string) string { return "life:" + string(id) + "/" + mark }

// mayGo says why what a life wrote must not be destroyed; empty: it may.
func (w *world) mayGo(of string, holds func(archived) bool) string {
	p := w.town.people[pool.TenantID(strings.Split(strings.TrimPrefix(of, "life:"), "/")[0])]
	leaves := w.wanted(p, of)
	switch {
	case w.stopped(func(s pool.Stops) bool { return s.Destroy }):
		return "the stop switch is thrown"
	case p == nil:
		return "it is nobody's"
	case len(leaves) == 0:
		return "nobody asked for that"
	}
	// What it wanted before it wanted to stay, and was heard, counts no more; what it wanted again does not put off the first.
	wants := slices.IndexFunc(leaves, func(at time.Time) bool { return at.After(p.stays[of]) })
	switch {
	case wants < 0:
		return "its departure was undone"
	case w.now.Add(clocksApart).Before(leaves[wants].Add(w.town.grace)):
		return "its grace is not over"
	case !p.closed[of].After(p.stays[of]):
		return "it was never said to be closed"
	}
	for ref, has := range w.cloud.archived {
		if !holds(has) {
			continue
		}
		if stored, err := w.cloud.store.Head(context.Background(), ref); err == nil && stored.Until.After(w.now) {
			return ""
		}
	}
	return "no locked archive has it"
}

// clocksApart is how far functions' clocks are apart at most.
const clocksApart = 6 * time.Second

// mayEmpty holds the deletion of objects to whose they are.
func (w *world) mayEmpty(bucket string, versions []pool.ObjectVersion) {
	for _, v := range versions {
		if !strings.HasPrefix(v.Key, "life:") || v.Marker {
			continue
		}
		if why := w.mayGo(v.Key, func(a archived) bool { return slices.Contains(a.files, v.Key) }); why != "" {
			w.found("nothing is destroyed too early", "file %s of bucket %s: %s", v.Key, bucket, why)
		}
	}
}

// mayDrop holds the drop of a database to whose it is.
func (w *world) mayDrop(name string, db *database) {
	if w.kept(name) {
		return
	}
	for _, row := range db.rows {
		if w.hasElsewhere(name, row) {
			continue
		}
		if why := w.mayGo(strings.Split(row, "#")[0], func(a archived) bool { return slices.Contains(a.rows, row) }); why != "" {
			w.found("nothing is destroyed too early", "database %s with row %s: %s", name, row, why)
		}
	}
}

// kept reports whether a database is none that a tenant has, but one that a restoration put aside, or was to put in: whoever
// asked for that has another, and had its time.
func (w *world) kept(name string) bool {
	_, is := w.account().slots[name]
	return !is
}

// mayForget holds the deletion of a tenant's secret to whose it is.
func (w *world) mayForget(arn string) {
	for _, t := range w.ledger.Books().Tenants {
		if t.State == pool.TenantReady && t.Secret == arn {
			w.found("nothing is destroyed too early", "the secret of tenant %s, who is ready", t.ID)
		}
	}
}

// lives holds that who was told of storage finds in it what it wrote, and nothing of anybody else.
func (w *world) lives(a accounts) {
	for id, t := range a.Tenants {
		p := w.town.people[id]
		if t.State != pool.TenantReady || p == nil || !p.wrote[life(id, t.Mark)] {
			continue
		}
		own := life(id, t.Mark)
		server := w.cloud.databases.servers[t.Database.Address]
		if server == nil || server.databases[t.Database.Name] == nil || !slices.Contains(server.databases[t.Database.Name].rows, own) {
			if w.undecided(t) { // it had left when the table was put back to before it did
				continue
			}
			w.found("nobody loses what it wrote", "%s does not find its row in %s on %s", own, t.Database.Name, t.Database.Address)
			continue
		}
		for _, row := range server.databases[t.Database.Name].rows {
			if row != own && !strings.HasPrefix(row, own+"#") {
				w.found("nobody finds what is another's", "%s finds %s in its database", own, row)
			}
		}
	}
}

// filesLive is lives for files, which it takes long to list: it looks when somebody is announced, and at rest.
func (w *world) filesLive(t pool.Tenant) {
	p := w.town.people[t.ID]
	host := w.ledger.Books().Hosts[t.Share.Host]
	slot := host.Slot(t.Share.Index)
	if p == nil || slot == nil {
		return
	}
	own := life(t.ID, t.Mark)
	files := w.cloud.lies(slot.Bucket)
	if p.wrote[own] && !slices.Contains(files, own) && !w.undecided(t) {
		w.found("nobody loses what it wrote", "%s does not find its file in %s", own, slot.Bucket)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "life:") && file != own {
			w.found("nobody finds what is another's", "%s finds %s in its share", own, file)
		}
	}
}

// write has a tenant write into what it was told of, once each life.
func (w *world) write(t pool.Tenant) {
	p := w.town.people[t.ID]
	own := life(t.ID, t.Mark)
	server := w.cloud.databases.servers[t.Database.Address]
	host := w.ledger.Books().Hosts[t.Share.Host]
	slot := host.Slot(t.Share.Index)
	if p == nil || p.wrote[own] || server == nil || server.databases[t.Database.Name] == nil || slot == nil {
		return
	}
	db := server.databases[t.Database.Name]
	db.rows = append(db.rows, own)
	_, err := w.cloud.store.Put(context.Background(), pool.ObjectSpec{
		Bucket: pool.BucketName(slot.Bucket), Key: own, KMSKey: shareKey, ContentType: "text/plain",
	}, []byte("content"))
	must(w, 0, err)
	p.wrote[own], p.wroteAt[own] = true, w.now
	w.cloud.databases.remember(server)
}
