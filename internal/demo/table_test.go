package demo

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
)

// tenants are so many that signed up, the last after waiting.
func tenants(n int) []Tenant {
	var all []Tenant
	for i := range n {
		all = append(all, Tenant{
			ID: Name(i), Instance: Instance(i), Took: 350 * time.Millisecond,
			Ready: events.StorageReady{
				Database: events.Database{Name: "d_zod43bonem11"},
				Share:    events.Share{Host: "share-standard-1.headroom-dev.internal", Path: "/rejwd5hyd8no"},
			},
		})
	}
	all[n-1].Waited = 12
	return all
}

func TestTheTableFitsTheScreenAndLeavesNobodyOut(t *testing.T) {
	for columns, row := range map[int]string{
		0:   "acme    127.20.0.1  0.35 s               d_zod43bonem11  share-standard-1.headroom-dev.internal:/rejwd5hyd8no\n",
		120: "acme    127.20.0.1  0.35 s               d_zod43bonem11  share-standard-1.headroom-dev.internal:/rejwd5hyd8no\n",
		80:  "acme    0.35 s               d_zod43bonem11  share-standard-1:/rejwd5hyd8no\n",
		60:  "acme  ready after 0.35 s\n  database d_zod43bonem11\n  share share-standard-1:/rejwd5hyd8no\n",
	} {
		p, out := narrow(columns, false)
		p.table(tenants(3))
		got := out.String()
		if columns > 0 && widest(got) > columns {
			t.Errorf("%d columns are used of %d:\n%s", widest(got), columns, got)
		}
		if !strings.Contains(got, row) {
			t.Errorf("in %d columns:\n%s\nwant a row\n%s", columns, got, row)
		}
		if a, b, c := strings.Index(got, "acme"), strings.Index(got, "birch"), strings.Index(got, "cobalt"); a < 0 || b < a || c < b {
			t.Errorf("in %d columns, not all are there, in their order:\n%s", columns, got)
		}
		if !strings.Contains(got, "0.35 s as number 12") || !strings.Contains(got, "on the waiting list") {
			t.Errorf("in %d columns, who waited does not show:\n%s", columns, got)
		}
	}
}

func TestWhereNobodyWaitedNothingIsSaidOfIt(t *testing.T) {
	p, out := narrow(0, false)
	some := tenants(2)
	some[1].Waited = 0
	p.table(some)
	if strings.Contains(out.String(), "number") {
		t.Errorf("it says\n%s", out)
	}
}
