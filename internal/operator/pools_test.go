package operator

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// sized is a policy document with so high a ceiling, and a cap of so many dollars.
func sized(ceiling, dollars int) string {
	one := func(kind string) string {
		return fmt.Sprintf(`{"kind":%q,"tier":"standard","slotsPerHost":10,"floor":2,"ceiling":%d,"bufferSlots":5,"bufferPercent":20,"serveAtOnce":99,"maxOrders":2,"placement":"pack","tenantsPerHost":0,"hostPrice":100}`, kind, ceiling)
	}
	money := ""
	if dollars > 0 {
		money = fmt.Sprintf(`"moneyCap":%d,`, dollars)
	}
	return fmt.Sprintf(`{"version":"1",%s"pools":[%s,%s]}`, money, one("database"), one("share"))
}

// inMemory is a ledger in memory, in which nobody looks for each tenant, or signup.
type inMemory struct{ *memory.Ledger }

func (inMemory) EachTenant(context.Context, func(pool.Tenant) error) error { return nil }

func (inMemory) GivenUp(context.Context) ([]pool.Departure, []pool.Clearance, []pool.Restoration, error) {
	return nil, nil, nil, nil
}

func (inMemory) EachSignup(context.Context, pool.Tier, func(time.Time) error) error { return nil }

// asking is an operator of a deployment with a ledger and a parameter alone.
func asking(l *memory.Ledger, p *policytest.Parameter) *Operator {
	return &Operator{
		Deployment: Deployment{Stage: "dev", Outputs: map[string]string{"PolicyParameterName": "/headroom/dev/policy", "DatabaseSlotsMost": "20"}},
		Ledger:     inMemory{l}, Parameters: p, Now: func() time.Time { return noon },
	}
}

func TestAPlanIsWordedAsThePoolCheckMakesIt(t *testing.T) {
	l := memory.New(memory.Options{})
	expected := pool.Outlook{Tier: "standard"}
	for i := range 40 { // signups as they come with a campaign
		expected = pool.Sight{Tier: "standard", At: noon.Add(time.Duration(i-40) * time.Minute), Records: map[pool.Kind]pool.Record{}, Shelf: pool.Shelf{Signups: int64(20 * i)}}.Noted(expected)
	}
	if err := l.SaveOutlook(t.Context(), pool.Outlook{Tier: "standard"}, expected); err != nil {
		t.Fatal(err)
	}
	o := asking(l, policytest.New("/headroom/dev/policy", sized(40, 0)))
	shown := func() Plan {
		t.Helper()
		pools, err := o.Pools(t.Context())
		if err != nil || len(pools) != 2 {
			t.Fatalf("%d pools, %v", len(pools), err)
		}
		return pools[0].Plan
	}
	still := planOf(pool.Sight{Tier: "standard", At: noon, Document: document(t, sized(40, 0)), Records: records(), Outlook: pool.Outlook{}}.Plans()[pool.Database], Policy{})
	if got := shown(); got.Reason == still.Reason {
		t.Errorf("nothing of what is expected is in the plan: %s", got.Reason)
	}

	o.Parameters = policytest.New("/headroom/dev/policy", sized(40, 150))
	if got := shown(); len(got.Held) == 0 || got.Held[len(got.Held)-1].Limit != "moneyCap" {
		t.Errorf("the cap holds nothing back: %+v", got)
	}

	if err := l.SaveStops(t.Context(), pool.Stops{Order: true, By: "jo", Why: "a drill", At: noon}); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got.Orders > 0 || !strings.Contains(got.Reason, "jo") {
		t.Errorf("the stop switch is not in the plan: %+v", got)
	}
}

func TestADocumentThatCantBeMeantIsSaidToBeSo(t *testing.T) {
	p := policytest.New("/headroom/dev/policy", sized(40, 0))
	o := asking(memory.New(memory.Options{}), p)
	p.Put(sized(-1, 0))
	p.Put("{}")

	seen, err := o.Pool(t.Context(), "share-standard")
	if err != nil {
		t.Fatal(err)
	}
	if seen.Policy == nil || seen.Policy.Ceiling != 40 || seen.Hosts.Ceiling != 40 {
		t.Errorf("the policy in force is not shown: %+v", seen.Policy)
	}
	if !strings.Contains(seen.PolicyInvalid, "version 3 of the policy document can't be meant, and version 1 is in force: ") {
		t.Errorf("it says %q", seen.PolicyInvalid)
	}
	if _, err := o.SignUp(t.Context(), "acme", "standard", "10.40.1.7"); err != nil {
		t.Errorf("a signup that is taken is refused: %v", err)
	}
	change, err := o.DiffPolicy(t.Context(), []byte(sized(41, 0)))
	if err != nil || change.From != 3 || change.Against != 1 || len(change.Changes) != 2 {
		t.Errorf("it is compared so: %+v, %v", change, err)
	}
}

func TestWithNoPolicyInForceNothingIsPlannedAndNobodySignsUp(t *testing.T) {
	o := asking(memory.New(memory.Options{}), policytest.New("/headroom/dev/policy", "{}"))
	seen, err := o.Pool(t.Context(), "share-standard")
	if err != nil || seen.PolicyInvalid == "" || !strings.Contains(seen.Plan.Reason, "no policy is in force") {
		t.Errorf("%+v, %v", seen, err)
	}
	if _, err := o.SignUp(t.Context(), "acme", "standard", "10.40.1.7"); Explain(err).Kind != Refused || !strings.Contains(err.Error(), "no older one can") {
		t.Errorf("a signup: %v", err)
	}
}

func document(t *testing.T, text string) pool.Document {
	t.Helper()
	doc, err := pool.ParseDocument([]byte(text), pool.Bounds{DatabaseSlots: 20})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func records() map[pool.Kind]pool.Record {
	records := map[pool.Kind]pool.Record{}
	for _, kind := range pool.Kinds {
		records[kind] = pool.Record{Key: pool.Key{Kind: kind, Tier: "standard"}}
	}
	return records
}

// TestWhatGatewaysTellOfAZoneIsShownOfDatabases has gateways be ill together: neither pool gets new hosts in their zone, and the
// patients are of the one.
func TestWhatGatewaysTellOfAZoneIsShownOfDatabases(t *testing.T) {
	l := memory.New(memory.Options{})
	before := pool.Ward{Key: pool.Key{Kind: pool.Share, Tier: "standard"}}
	after := before
	for n := range 3 {
		after = after.Note(pool.Patient{Host: before.Key.Host(n + 1), Zone: "eu-west-1a"}, noon)
	}
	if err := l.SaveWard(t.Context(), before, after); err != nil {
		t.Fatal(err)
	}
	pools, err := asking(l, policytest.New("/headroom/dev/policy", sized(40, 0))).Pools(t.Context())
	if err != nil || len(pools) != 2 {
		t.Fatal(pools, err)
	}
	for _, p := range pools {
		if want := map[pool.Kind]int{pool.Share: 3}[p.Kind]; fmt.Sprint(p.FailingZones) != "[eu-west-1a]" || len(p.Patients) != want {
			t.Errorf("%s: %v seem to fail, with %d patients, not %d", p.Pool, p.FailingZones, len(p.Patients), want)
		}
	}
}
