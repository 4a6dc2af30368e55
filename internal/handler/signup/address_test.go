package signup

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

// rejected are the refusals so far, as "<tenant> <field>: <reason>".
func (w *world) rejected() []string {
	w.t.Helper()
	var all []string
	for _, detail := range w.bus.Of("SignupRejected") {
		var r events.SignupRejected
		w.must(json.Unmarshal(detail, &r))
		all = append(all, r.TenantID+" "+r.Field+": "+r.Reason)
	}
	return all
}

const taken = "instanceIp: belongs to another tenant"

// To a share's firewall two tenants with one address are one.
func TestAnAddressBelongsToOneTenant(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	for range 2 {
		w.ask("other", "10.0.0.1")
		w.drain(w.once)
	}
	if diff := cmp.Diff([]string{"other " + taken, "other " + taken}, w.rejected()); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	kept := w.refused.Messages()
	if len(kept) != 2 || !strings.Contains(kept[0].Body, `"other"`) || kept[0].Attributes["field"] != "instanceIp" {
		t.Errorf("kept: %+v", kept)
	}
	if tenant, err := w.ledger.Tenant(context.Background(), "other"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("it is known: %+v, %v", tenant, err)
	}
	if w.said("StorageReady") != "acme" || w.shelf().Pairs() != 2 {
		t.Errorf("ready: %q, %d pairs are left", w.said("StorageReady"), w.shelf().Pairs())
	}
	w.ask("other", "10.0.0.2")
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme other" {
		t.Errorf("with an address of its own: ready: %q", got)
	}
}

// What was registered for a signup that is refused afterwards does not stay the tenant's.
func TestAnAddressThatATenantDoesNotGetIsFree(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.ask("acme", "10.0.0.9")
	w.drain(w.once)
	if got := w.rejected(); len(got) != 1 || !strings.HasPrefix(got[0], "acme instanceIp: is another address") {
		t.Errorf("rejected: %q", got)
	}
	w.ask("other", "10.0.0.9")
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme other" {
		t.Errorf("ready: %q, rejected: %q", got, w.rejected())
	}
}

func TestATenantKeepsItsAddressWhenAnotherTierIsRefused(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	for _, k := range pool.Kinds {
		w.policies = append(w.policies, pool.Policy{Kind: k, Tier: "gold", SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
	}
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.put(`{"version":"1","tenantId":"acme","tier":"gold","instanceIp":"10.0.0.1"}`)
	w.drain(w.once)
	w.ask("other", "10.0.0.1")
	w.drain(w.once)
	if got := w.rejected(); len(got) != 2 || !strings.HasPrefix(got[0], "acme tier: ") || got[1] != "other "+taken {
		t.Errorf("rejected: %q", got)
	}
}
