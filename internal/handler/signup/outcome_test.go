package signup

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// outcome is what a run comes to, without what may differ between runs: times, and how often the
// same was said.
type outcome struct {
	Tenants  []string
	Slots    []string
	Shelf    string
	Events   []string
	Refused  []string
	Secrets  []string
	Logins   []string
	Shares   []string
	Firewall []string
	Checked  bool
}

var (
	moment    = regexp.MustCompile(`"20\d\d-[^"]*"`)
	drawnMark = regexp.MustCompile(`mark\d{6}`)
	suffix    = regexp.MustCompile(`(secret:[a-z0-9/]+)-\d{6}`) // of a secret's ARN: which one it was to be made
	// Of a tenant that waits: one that drew its number and was killed draws another, and is told that others wait.
	waits = regexp.MustCompile(`"position":\d+|"reason":"[^"]*"`)
)

// outcome settles what is still held and looks at everything.
func (w *world) outcome(tenants ...pool.TenantID) outcome {
	w.t.Helper()
	reconciler, err := shelf.New(shelf.Config{Ledger: w.ledger, Policies: outside{w: w}, Now: w.clock})
	w.must(err)
	w.must(reconciler.Reconcile(context.Background(), tier))
	o := outcome{Checked: len(w.checks.Messages()) > 0}
	for _, id := range tenants {
		t, err := w.ledger.Tenant(context.Background(), id)
		if err != nil {
			o.Tenants = append(o.Tenants, string(id)+" is unknown")
			continue
		}
		var history []string
		for _, e := range t.History {
			if e.What != "retry" { // one that was killed is tried again
				history = append(history, e.What)
			}
		}
		o.Tenants = append(o.Tenants, fmt.Sprintf("%s is %s: %v, %v, %s, due: %v, history: %v",
			id, t.State, t.Database, t.Share, suffix.ReplaceAllString(t.Secret, "$1"), !t.Due.IsZero(), history))
	}
	for _, id := range w.hosts {
		h := w.host(id)
		for _, slot := range h.Slots {
			o.Slots = append(o.Slots, fmt.Sprintf("%s/%d is %s %s", id, slot.Index, slot.State, slot.Tenant))
		}
	}
	s := w.shelf()
	o.Shelf = fmt.Sprintf("%v, %v, held %d, refill %v, withdrawn %v, closed %v", s.Databases, s.Shares, len(s.Held), s.Refill, s.Withdrawn, s.Queue != 0)
	for _, e := range w.bus.Published() {
		o.Events = append(o.Events, e.DetailType+" "+waits.ReplaceAllString(suffix.ReplaceAllString(moment.ReplaceAllString(string(e.Detail), "…"), "$1"), "…"))
	}
	for _, m := range w.refused.Messages() {
		o.Refused = append(o.Refused, m.Body)
	}
	o.Secrets = slices.Sorted(maps.Keys(w.secrets.Secrets()))
	for login, password := range w.logins {
		matches := false
		for _, secret := range w.secrets.Secrets() {
			matches = matches || strings.Contains(secret.Value, password)
		}
		o.Logins = append(o.Logins, fmt.Sprintf("%s, with what the vault has: %v", login, matches))
	}
	for _, share := range w.gateways.Shares() {
		o.Shares = append(o.Shares, fmt.Sprintf("%s for %v", share.ARN, share.Clients))
	}
	for _, group := range []string{"sg-1", "sg-2"} {
		o.Firewall = append(o.Firewall, w.groups.Rules(group)...)
	}
	for _, list := range []*[]string{&o.Events, &o.Refused, &o.Logins} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return o
}
