package decommission

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"headroom/internal/pool"
)

// outcome is what a run comes to, without what may differ between runs: times, drawn names, and how often the same was
// said or tried.
type outcome struct {
	Tenants    []string
	Departures []string
	Clearances []string
	Slots      []string
	Addresses  []string
	Shares     []string
	Firewall   []string
	Buckets    []string
	Databases  []string
	Secrets    []string
	Bays       []pool.Bay
	Archived   []string // what the archives hold that were locked
	Running    int      // tasks
	Events     []string
	Told       []string
	Refused    []string
}

var (
	drawn     = regexp.MustCompile(`next\d{6}`)
	moment    = regexp.MustCompile(`"20\d\d-[^"]*"`)
	counted   = regexp.MustCompile(`"attempt":\d+|/\d+\.(zip|manifest\.jsonl)|"destroyed":\d+|"versionId":"[^"]*"|"manifestVersionId":"[^"]*"|"what":"[^"]*"|"bytes":\d+|"[a-zA-Z]*[sS]ha256":"[^"]*"`)
	proofs    = regexp.MustCompile(`"steps":\[[^\]]*\]`) // the departure's record has them too
	numbered  = regexp.MustCompile(`\d{6}$`)             // of a secret's ARN: which one it was to be made
	allTenant = []pool.TenantID{"acme", "other", "third"}
)

// outcome looks at everything.
func (w *world) outcome() outcome {
	w.t.Helper()
	ctx := context.Background()
	var o outcome
	for _, id := range allTenant {
		t, err := w.ledger.Tenant(ctx, id)
		if err != nil {
			continue
		}
		o.Tenants = append(o.Tenants, fmt.Sprintf("%s is %s: %v, %v, %s, addresses %v, step %q, held %v, anew %v, undone %d",
			id, t.State, t.Database, t.Share, numbered.ReplaceAllString(t.Secret, ""), t.Addresses, t.Step, t.Held, t.Anew, t.Undone))
		all, err := w.ledger.Departures(ctx, id)
		w.must(err)
		for _, d := range all {
			o.Departures = append(o.Departures, fmt.Sprintf("%s is %s at %q, stuck at %q, has proven %s", d.ID(), d.State, d.Step, d.Stuck, steps(d.Proofs)))
			if d.Archive.Key != "" {
				o.Archived = append(o.Archived, w.locked(d))
			}
			for _, kind := range pool.Kinds {
				if c, err := w.ledger.Clearance(ctx, clearanceOf(d.ID(), kind)); err == nil {
					o.Clearances = append(o.Clearances, fmt.Sprintf("%s is %s at %q, stuck at %q, has proven %s, open to %q", c.ID(), c.State, c.Step, c.Stuck, steps(c.Proofs), c.Address))
				}
			}
		}
	}
	for i := range 3 {
		o.Addresses = append(o.Addresses, w.whose(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	w.hostsOutcome(&o)
	for _, secret := range w.secrets.Secrets() {
		o.Secrets = append(o.Secrets, secret.Name)
	}
	bays, err := w.ledger.Bays(ctx)
	w.must(err)
	o.Bays = slices.Clip(bays.Taken)
	for _, t := range w.cluster.Tasks() {
		if t.Status != "STOPPED" {
			o.Running++
		}
	}
	for _, e := range w.bus.Published() {
		said := drawn.ReplaceAllString(string(e.Detail), "next")
		for _, may := range []*regexp.Regexp{counted, moment, proofs} {
			said = may.ReplaceAllString(said, "…")
		}
		o.Events = append(o.Events, e.DetailType+" "+said)
	}
	for _, note := range w.topic.Notes() {
		o.Told = append(o.Told, note.Subject)
	}
	for _, m := range w.refused.Messages() {
		o.Refused = append(o.Refused, m.Body)
	}
	for _, list := range []*[]string{&o.Events, &o.Told, &o.Refused, &o.Secrets, &o.Databases} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return o
}

// hostsOutcome looks at what hosts have, by their records and in truth.
func (w *world) hostsOutcome(o *outcome) {
	for _, id := range w.hosts {
		h := w.host(id)
		for _, slot := range h.Slots {
			o.Slots = append(o.Slots, fmt.Sprintf("%s/%d is %s %s, generation %d, %s", id, slot.Index, slot.State, slot.Tenant, slot.Generation, drawn.ReplaceAllString(slot.Name, "next")))
			if h.Kind == pool.Share {
				o.Buckets = append(o.Buckets, fmt.Sprintf("%s bears %v, has %v", slot.Bucket, w.tags.Tags(pool.BucketName(slot.Bucket))["headroom:slot"], w.remains(slot.Index)))
			}
		}
		if h.Kind == pool.Share {
			o.Firewall = append(o.Firewall, fmt.Sprintf("%s: %v", id, w.groups.Rules(h.Access.SecurityGroup)))
			continue
		}
		for name, d := range w.servers[h.Access.Address].databases {
			o.Databases = append(o.Databases, fmt.Sprintf("%s on %s bears %s: login %v, rows %v, copier %v", drawn.ReplaceAllString(name, "next"), id, d.mark, d.login, d.rows, d.copier != ""))
		}
	}
	for _, share := range w.gateways.Shares() {
		var tags []string
		for _, key := range slices.Sorted(maps.Keys(share.Tags)) {
			tags = append(tags, key+"="+share.Tags[key])
		}
		o.Shares = append(o.Shares, fmt.Sprintf("%s over %s for %v, tags %v", drawn.ReplaceAllString(share.Name, "next"), share.Bucket, share.Clients, tags))
	}
	slices.Sort(o.Shares)
}

func steps(proofs []pool.Proof) string {
	var names []string
	for _, p := range proofs {
		names = append(names, string(p.Step))
	}
	return strings.Join(slices.Compact(names), " ") // what failed is proven again
}

// locked says whether the archive of a departure is there, and locked.
func (w *world) locked(d pool.Departure) string {
	ref := pool.ObjectRef{Bucket: d.Archive.Bucket, Key: d.Archive.Key, Version: d.Archive.VersionID}
	stored, err := w.store().Head(context.Background(), ref)
	return fmt.Sprintf("%s is archived: %v, locked %v", d.ID(), err == nil, err == nil && stored.Until.After(w.now))
}

// whose says to whom an address belongs.
func (w *world) whose(address string) string {
	ctx := context.Background()
	if err := w.ledger.Register(ctx, address, "nobody"); err == nil {
		w.must(w.ledger.Unregister(ctx, address, pool.Tenant{ID: "nobody"}))
		return address + " is free"
	}
	for _, id := range allTenant {
		if err := w.ledger.Register(ctx, address, id); err == nil { // it is this tenant's already
			return address + " is " + string(id) + "'s"
		}
	}
	return address + " is somebody's"
}
