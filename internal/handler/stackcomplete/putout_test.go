package stackcomplete

import (
	"context"
	"slices"
	"testing"

	"headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outsideFirewall makes each call about rules one killtest.Call.
type outsideFirewall struct {
	w    *world
	next *firewall.Groups
	call killtest.Call
}

func (o outsideFirewall) Admit(ctx context.Context, group, address, description string) error {
	return o.call("Admit", func() error { return o.next.Admit(ctx, group, address, description) })
}

func (o outsideFirewall) Evict(ctx context.Context, group, address string) error {
	return o.call("Evict", func() error {
		if o.w.evicting != nil {
			o.w.evicting()
		}
		return o.next.Evict(ctx, group, address)
	})
}

// tenant puts a tenant into the world that has a share of a gateway; of none: it has no slots.
func (w *world) tenant(id pool.TenantID, gateway pool.HostID, addresses ...string) {
	w.t.Helper()
	_, _, err := w.ledger.Request(w.t.Context(), pool.Tenant{
		ID: id, Tier: "standard", Mark: "mark0001", State: pool.TenantRequested, RequestedAt: w.now, Addresses: addresses,
	})
	w.must(err)
	if gateway != "" {
		w.moveTo(id, gateway)
	}
}

// moveTo gives a tenant a share of a gateway in its record.
func (w *world) moveTo(id pool.TenantID, gateway pool.HostID) {
	w.t.Helper()
	w.changeTenant(id, func(t *pool.Tenant) {
		t.Database = pool.Holding{Host: "database-standard-1", Index: 1, Generation: 1}
		t.Share = pool.Holding{Host: gateway, Index: 1, Generation: 1}
	})
}

func (w *world) changeTenant(id pool.TenantID, change func(*pool.Tenant)) {
	w.t.Helper()
	before, err := w.ledger.Tenant(w.t.Context(), id)
	w.must(err)
	after := before.Clone()
	change(&after)
	_, err = w.ledger.SaveTenant(w.t.Context(), before, after)
	w.must(err)
}

const rule = "tcp 2049-2049 10.0.0.7/32"

// returned makes a world with a gateway that a share was returned to, which has rested, and with the rule that had let
// its tenant in.
func returned(t *testing.T, life *killtest.Life) (*world, pool.HostID, string) {
	t.Helper()
	w, id, stack := serving(t, life, sharePool)
	w.change(id, func(h pool.Host) pool.Host {
		h.Slots[1].State, h.Slots[1].Since, h.Slots[1].Tenant = pool.SlotReturned, w.now, "bolt"
		return pool.Onward(h, w.now)
	})
	w.must((&firewall.Groups{Client: w.groups}).Admit(t.Context(), "sg-1", "10.0.0.7", "tenant bolt"))
	w.must((&firewall.Groups{Client: w.groups}).Admit(t.Context(), "sg-1", "10.0.0.1", "tenant acme"))
	w.now = w.now.Add(pool.ReturnRest)
	return w, id, stack
}

func TestATenantIsPutOutOfAGatewayThatItHasNoShareOf(t *testing.T) {
	const here, elsewhere = pool.HostID("share-standard-1"), pool.HostID("share-standard-9")
	for name, test := range map[string]struct {
		gateway pool.HostID
		left    bool
		stays   bool
	}{
		"it has a share of another gateway":               {elsewhere, false, false},
		"it was given another share here":                 {here, false, true},
		"it has none, and may be given one here":          {"", false, true},
		"it left, and its address may be somebody else's": {elsewhere, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w, id, stack := returned(t, life)
				w.tenant("bolt", test.gateway, "10.0.0.7")
				if test.left {
					w.changeTenant("bolt", func(t *pool.Tenant) { t.State = pool.TenantLeft })
				}
				w.watch(id)
				if h := w.host(id); h.Slots[1].State != pool.SlotFree {
					t.Fatalf("slot is %s", h.Slots[1].State)
				}
				if rules := w.groups.Rules("sg-1"); slices.Contains(rules, rule) != test.stays || !slices.Contains(rules, "tcp 2049-2049 10.0.0.1/32") {
					t.Errorf("rules %v", rules)
				}
				return w.outcome(id, stack)
			}, alike)
		})
	}
}

// A tenant comes to have a share of the gateway while it is being put out: its signup let it in before, and found that
// done already.
func TestATenantThatComesBackMeanwhileIsLetIn(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w, id, stack := returned(t, life)
		w.tenant("bolt", "share-standard-9", "10.0.0.7")
		moved := false
		w.evicting = func() {
			if !moved {
				w.moveTo("bolt", id)
			}
			moved = true
		}
		w.watch(id)
		if h := w.host(id); h.Slots[1].State != pool.SlotFree {
			t.Fatalf("slot is %s", h.Slots[1].State)
		}
		if rules := w.groups.Rules("sg-1"); !slices.Contains(rules, rule) {
			t.Errorf("rules %v: it can't reach its share", rules)
		}
		return w.outcome(id, stack)
	}, alike)
}

func TestASlotWhoseTenantCannotBePutOutIsNotFree(t *testing.T) {
	w, id, _ := returned(t, &killtest.Life{})
	w.tenant("bolt", "share-standard-9", "10.0.0.7")
	w.change(id, func(h pool.Host) pool.Host { h.Access.SecurityGroup = "sg-of-nobody"; return h })
	w.watch(id)
	if h := w.host(id); h.Slots[1].State != pool.SlotReturned || h.Error == "" {
		t.Errorf("slot is %s, the host's last error %q", h.Slots[1].State, h.Error)
	}
	w.change(id, func(h pool.Host) pool.Host { h.Access.SecurityGroup = "sg-1"; return h })
	w.drain()
	if h := w.host(id); h.Slots[1].State != pool.SlotFree || slices.Contains(w.groups.Rules("sg-1"), rule) {
		t.Errorf("slot is %s, rules %v", h.Slots[1].State, w.groups.Rules("sg-1"))
	}
}

// A share that a repair left open to its prober, or of which a recovery did not know whose it is, was no tenant's before.
func TestAShareThatWasTakenBackFromNobodyIsClosed(t *testing.T) {
	w, id, _ := returned(t, &killtest.Life{})
	w.change(id, func(h pool.Host) pool.Host { h.Slots[1].Tenant = ""; return h })
	open := pool.ShareRef{Gateway: w.host(id).Access.Gateway, ID: w.host(id).Slots[1].Share}
	w.must((&gateway.Gateways{Client: w.gateways}).SetClients(t.Context(), open, []string{"10.0.7.1/32"}))
	w.watch(id)
	if h := w.host(id); h.Slots[1].State != pool.SlotFree {
		t.Errorf("slot is %s, the host's last error %q", h.Slots[1].State, h.Error)
	}
	for _, share := range w.gateways.Shares() {
		if share.ID == open.ID && !slices.Equal(share.Clients, []string{"192.0.2.1/32"}) {
			t.Errorf("it is open to %v", share.Clients)
		}
	}
}
