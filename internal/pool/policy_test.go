package pool_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// bounds are those of an instance that has connections for the tenants of 20 slots.
var bounds = pool.Bounds{DatabaseSlots: 20}

// document writes a policy document of two good pools after a change.
func document(t *testing.T, change func(*pool.Policy)) []byte {
	t.Helper()
	share, database := buffered(5, 20), buffered(5, 20)
	database.Kind, database.SlotsPerHost = pool.Database, 20
	change(&share)
	out, err := json.Marshal(map[string]any{"version": "1", "pools": []pool.Policy{share, database}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestParseDocument(t *testing.T) {
	parsed, err := pool.ParseDocument(document(t, func(*pool.Policy) {}), bounds)
	ps := parsed.Pools
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "the order", []pool.Kind{ps[0].Kind, ps[1].Kind}, []pool.Kind{pool.Database, pool.Share})
	diff(t, "tiers", ps.Tiers(), []pool.Tier{standard})
	diff(t, "served", []bool{ps.Serves(standard), ps.Serves("gold")}, []bool{true, false})
	p, ok := ps.Of(shares)
	diff(t, "policy", []any{p, ok}, []any{buffered(5, 20), true})
	if _, ok := ps.Of(pool.Key{Kind: pool.Share, Tier: "gold"}); ok {
		t.Error("a pool that is not there was found")
	}
}

// A document of before there was a forecast is read, and gets one.
func TestAnOlderDocumentIsRead(t *testing.T) {
	const pools = `{"kind":"database","tier":"standard","slotsPerHost":20,"floor":1,"ceiling":25,"bufferSlots":5,"bufferPercent":2,"maxOrders":2,"placement":"pack","tenantsPerHost":0},
		{"kind":"share","tier":"standard","slotsPerHost":10,"floor":1,"ceiling":50,"placement":"pack"}`
	doc, err := pool.ParseDocument([]byte(`{"version":"1","pools":[`+pools+`]}`), bounds)
	if err != nil {
		t.Fatal(err)
	}
	day := pool.Term(24 * time.Hour)
	diff(t, "pools", doc.Pools, pool.Policies{
		{Kind: pool.Database, Tier: standard, SlotsPerHost: 20, Floor: 1, Ceiling: 25, ServeAtOnce: 99, BufferSlots: 5, BufferPercent: 2, MaxOrders: 2, Placement: pool.Pack, KeepEmpty: day},
		{Kind: pool.Share, Tier: standard, SlotsPerHost: 10, Floor: 1, Ceiling: 50, ServeAtOnce: 99, MaxOrders: 32, Placement: pool.Pack, KeepEmpty: day},
	})
}

func TestWhatADocumentSaysNothingOf(t *testing.T) {
	const pools = `{"kind":"database","tier":"standard","slotsPerHost":20,"floor":1,"ceiling":25,"placement":"pack"},
		{"kind":"share","tier":"standard","slotsPerHost":10,"floor":1,"ceiling":50,"placement":"pack"}`
	doc, err := pool.ParseDocument([]byte(`{"version":"1","pools":[`+pools+`]}`), bounds)
	if err != nil {
		t.Fatal(err)
	}
	for i, orders := range []int{16, 32} {
		if p := doc.Pools[i]; p.MaxOrders != orders || p.ServeAtOnce != 99 || p.BufferPercent != 0 || time.Duration(p.KeepEmpty) != 24*time.Hour {
			t.Errorf("a pool of which little is said is %+v", p)
		}
	}
}

func TestServeAtOnceIsWithinItsBounds(t *testing.T) {
	for serve, meant := range map[float64]bool{0: true, 49.9: false, 50: true, 99.9: true, 99.95: false} {
		_, err := pool.ParseDocument(document(t, func(p *pool.Policy) { p.ServeAtOnce = serve }), bounds)
		if (err == nil) != meant {
			t.Errorf("serveAtOnce %v: error %v", serve, err)
		}
	}
}

func TestACapNeedsPrices(t *testing.T) {
	capped := func(document []byte) []byte {
		return []byte(strings.Replace(string(document), `"version"`, `"moneyCap":3000,"version"`, 1))
	}
	if _, err := pool.ParseDocument(capped(document(t, func(p *pool.Policy) { p.HostPrice = 207 })), bounds); err == nil || !strings.Contains(err.Error(), "pool database#standard: hostPrice is missing") {
		t.Errorf("error %v", err)
	}
}

func TestParseDocumentRefuses(t *testing.T) {
	good := string(document(t, func(*pool.Policy) {}))
	tests := []struct {
		name, document, reason string
	}{
		{"what is not JSON", "pools", "read policy document"},
		{"an unknown field", strings.Replace(good, "floor", "flor", 1), "flor"},
		{"another version", strings.Replace(good, `"version":"1"`, `"version":"2"`, 1), "version"},
		{"no pools", `{"version":"1","pools":[]}`, "no pools"},
		{"a second document", good + good, "after top-level value"},
		{"a field that is there twice", strings.Replace(good, `"floor"`, `"floor":7,"floor"`, 1), `duplicate object member name "floor"`},
		{"a document's field that is there twice", strings.Replace(good, `"version"`, `"version":"1","version"`, 1), `duplicate object member name "version"`},
		{"a field in other letters", strings.Replace(good, `"ceiling"`, `"Ceiling"`, 1), `unknown object member name "Ceiling" within "/pools/0"`},
		{"a field beside the same in other letters", strings.Replace(good, `"floor"`, `"FLOOR":7,"floor"`, 1), `unknown object member name "FLOOR"`},
		{"a number that is none", strings.Replace(good, `"placement":"pack"`, `"placement":5`, 1), `"/pools/0/placement"`},
		{"a document nested without end", strings.Repeat("[", 20000), "read policy document"},
	}
	for name, test := range map[string]struct {
		change func(*pool.Policy)
		reason string
	}{
		"an unknown kind":                                   {func(p *pool.Policy) { p.Kind = "tape" }, "kind"},
		"a pool that is there twice":                        {func(p *pool.Policy) { p.Kind = pool.Database }, "twice"},
		"a tier without the other kind":                     {func(p *pool.Policy) { p.Tier = "gold" }, `tier "gold" has no database pool`},
		"a tier in capitals":                                {func(p *pool.Policy) { p.Tier = "Gold" }, "tier"},
		"a tier with a hyphen":                              {func(p *pool.Policy) { p.Tier = "a-b" }, "tier"},
		"a tier without a name":                             {func(p *pool.Policy) { p.Tier = "" }, "tier"},
		"no slots":                                          {func(p *pool.Policy) { p.SlotsPerHost = 0 }, "slotsPerHost"},
		"more tenants than an instance has connections for": {func(p *pool.Policy) { p.Kind, p.SlotsPerHost = pool.Database, 21 }, "slotsPerHost is 21; an instance of this stage has connections for the tenants of 20"},
		"more shares than a gateway has":                    {func(p *pool.Policy) { p.SlotsPerHost = 11 }, "10 shares at most"},
		"a floor below zero":                                {func(p *pool.Policy) { p.Floor = -1 }, "floor"},
		"a ceiling below the floor":                         {func(p *pool.Policy) { p.Floor, p.Ceiling = 3, 2 }, "ceiling"},
		"a buffer below zero":                               {func(p *pool.Policy) { p.BufferSlots = -1 }, "bufferSlots"},
		"a percentage out of bounds":                        {func(p *pool.Policy) { p.BufferPercent = 1001 }, "bufferPercent"},
		"no orders ever":                                    {func(p *pool.Policy) { p.MaxOrders = 0 }, "maxOrders"},
		"an unknown placement":                              {func(p *pool.Policy) { p.Placement = "stack" }, "placement"},
		"a share that is served for sure":                   {func(p *pool.Policy) { p.ServeAtOnce = 100 }, "serveAtOnce is 100, not 50 to 99.9"},
		"a price below zero":                                {func(p *pool.Policy) { p.HostPrice = -1 }, "hostPrice"},
		"a time that ends before it begins":                 {func(p *pool.Policy) { p.Scheduled = []pool.Scheduled{{From: now, Until: now, Free: 1}} }, "scheduled[0] is from"},
		"nothing scheduled":                                 {func(p *pool.Policy) { p.Scheduled = []pool.Scheduled{{From: now, Until: now.Add(1)}} }, "scheduled[0].free is 0"},
		"an empty host kept for less than no time":          {func(p *pool.Policy) { p.KeepEmpty = -1 }, "keepEmpty"},
		"more moves an hour than there are checks":          {func(p *pool.Policy) { p.DrainPace = 61 }, "drainPace"},
		"a share that moves":                                {func(p *pool.Policy) { p.Kind, p.DrainPace = pool.Share, 1 }, "of databases"},
		"hosts drained by themselves, and nobody moved off": {func(p *pool.Policy) { p.Kind, p.Consolidate = pool.Database, true }, "consolidate"},
		"a tenant that may be shut out for days":            {func(p *pool.Policy) { p.DrainMost = pool.Term(48 * time.Hour) }, "drainMost"},
		"a usual lead time of days":                         {func(p *pool.Policy) { p.UsualLead = pool.Term(48 * time.Hour) }, "usualLead"},
		"a limit below zero":                                {func(p *pool.Policy) { p.TenantsPerHost = -1 }, "tenantsPerHost"},
	} {
		tests = append(tests, struct{ name, document, reason string }{name, string(document(t, test.change)), test.reason})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := pool.ParseDocument([]byte(test.document), bounds); err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("error %v, want one about %q", err, test.reason)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	for tenants, want := range map[int]struct{ limit, brings int }{0: {100, 10}, 3: {3, 3}, 10: {10, 10}, 12: {12, 10}} {
		p := policy(pool.Pack, tenants)
		if p.Limit() != want.limit || p.Brings() != want.brings {
			t.Errorf("of %d tenants a host: limit %d, a new host brings %d, want %v", tenants, p.Limit(), p.Brings(), want)
		}
	}
}

func TestAHostKeepsItsSlotsWhenNewOnesGetFewer(t *testing.T) {
	p := policy(pool.Pack, 0)
	p.SlotsPerHost = 2
	h := host(1, "aaaaafffff")
	if offers := pool.Choose(pool.NewShelf("standard"), []pool.Host{h}, p, 50); len(offers) != 5 {
		t.Errorf("%d of its 5 free slots are set out", len(offers))
	}
}
