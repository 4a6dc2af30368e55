package signup

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

func TestBadInputIsRejectedKeptAndNamed(t *testing.T) {
	const good = `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.0.0.1"}`
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for name, test := range map[string]struct{ body, tenant, field, reason string }{
		"not JSON":                   {`{"version":`, "", "body", "is not JSON"},
		"not an object":              {`[1]`, "", "body", "is not a JSON object"},
		"no version":                 {with(`"version":"1",`, ``), "acme", "version", "is missing"},
		"unknown version":            {with(`"1"`, `"7"`), "acme", "version", "is unknown: want 1"},
		"version a number":           {with(`"1"`, `1`), "acme", "version", "is not a string but number"},
		"no tenant":                  {with(`"acme"`, `""`), "", "tenantId", "is missing"},
		"malformed tenant":           {with(`acme`, `../acme`), "", "tenantId", "is malformed: want ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
		"no tier":                    {with(`"tier":"standard",`, ``), "acme", "tier", "is missing"},
		"a tier that no pool serves": {with(`standard`, `gold`), "acme", "tier", "is served by no pool"},
		"no address":                 {with(`10.0.0.1`, ``), "acme", "instanceIp", "is missing"},
		"no address at all":          {with(`10.0.0.1`, `example.com`), "acme", "instanceIp", "is not one IPv4 address"},
		"a network":                  {with(`10.0.0.1`, `10.0.0.0/24`), "acme", "instanceIp", "is not one IPv4 address"},
		"multicast":                  {with(`10.0.0.1`, `224.0.0.1`), "acme", "instanceIp", "is a multicast address, not a unicast address of a host"},
		"broadcast":                  {with(`10.0.0.1`, `255.255.255.255`), "acme", "instanceIp", "is the broadcast address, not a unicast address of a host"},
		"unspecified":                {with(`10.0.0.1`, `0.0.0.0`), "acme", "instanceIp", "is an address of this network (0.0.0.0/8), not a unicast address of a host"},
		"an address among hosts":     {with(`10.0.0.1`, `10.200.0.7`), "acme", "instanceIp", "is in the network 10.200.0.0/16, where gateways and databases live"},
		"the address of a network":   {with(`10.0.0.1`, `10.0.0.0`), "acme", "instanceIp", "is the address of the network 10.0.0.0/8, not one in it"},
		"an address from elsewhere":  {with(`10.0.0.1`, `203.0.113.9`), "acme", "instanceIp", "is in none of the networks where instances live: 10.0.0.0/8"},
		"an unknown type":            {`{"version":"1","type":"Destroy","tenantId":"acme"}`, "", "type", "is unknown"},
		"an event from elsewhere":    {`{"detail-type":"Something","detail":{}}`, "", "type", "is unknown"},
		"the same tenant, elsewhere": {with(`10.0.0.1`, `10.0.0.9`), "acme", "instanceIp", "is another address than the one this tenant signed up with"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 4)
			w.add(pool.Share, 4)
			if strings.HasPrefix(name, "the same tenant") {
				w.ask("acme", "10.0.0.1")
				w.drain(w.once)
			}
			before := w.shelf().Pairs()
			// Neighbours in the same queue, on either side.
			w.ask("left", "10.0.1.1")
			w.put(test.body)
			id := w.signups.Messages()[1].ID
			w.ask("right", "10.0.1.2")
			w.drain(w.once)

			rejected := w.bus.Of("SignupRejected")
			if len(rejected) != 1 {
				t.Fatalf("SignupRejected came %d times", len(rejected))
			}
			var got events.SignupRejected
			w.must(json.Unmarshal(rejected[0], &got))
			want := events.SignupRejected{Version: "1", TenantID: test.tenant, Field: test.field, Reason: test.reason, MessageID: id}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("SignupRejected (-want +got):\n%s", diff)
			}
			kept := w.refused.Messages()
			if len(kept) != 1 || kept[0].Body != test.body || kept[0].Attributes["field"] != test.field || kept[0].Attributes["reason"] != test.reason {
				t.Errorf("kept: %+v", kept)
			}
			logged := w.written.String()
			if !strings.Contains(logged, `"field":"`+test.field+`"`) || !strings.Contains(logged, "signup rejected") {
				t.Errorf("not in the log: %s", logged)
			}
			if got := w.said("StorageReady"); !strings.HasSuffix(got, "right left") && !strings.HasSuffix(got, "left right") {
				t.Errorf("ready: %q", got)
			}
			if before > 0 && w.shelf().Pairs() != before-2 || len(w.signups.Messages()) != 0 {
				t.Errorf("%d pairs were left, now %d; messages: %v", before, w.shelf().Pairs(), w.signups.Messages())
			}
		})
	}
}

func TestASignupForAnotherTierIsRejected(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	for _, k := range pool.Kinds {
		w.policies = append(w.policies, pool.Policy{Kind: k, Tier: "gold", SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
	}
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.put(`{"version":"1","tenantId":"acme","tier":"gold","instanceIp":"10.0.0.1"}`)
	w.drain(w.once)
	if got := string(w.bus.Of("SignupRejected")[0]); !strings.Contains(got, `"field":"tier"`) || !strings.Contains(got, "is another tier") {
		t.Errorf("rejected: %s", got)
	}
}

func TestARefusedMessageThatCannotBeKeptStaysInTheQueue(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.fail["SendRaw"] = errNotNow
	w.put("not JSON")
	w.drain(w.once)
	if len(w.signups.Messages()) != 1 || len(w.bus.Published()) != 0 {
		t.Errorf("messages %v, events %v", w.signups.Messages(), w.bus.Published())
	}
}
