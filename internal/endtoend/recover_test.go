package endtoend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/endpoint"
	"headroom/internal/pool"
)

// tableImage is all that a table has, by key.
type tableImage map[string]map[string]types.AttributeValue

// image reads the whole table.
func (s *system) image(tb testing.TB) tableImage {
	tb.Helper()
	all := tableImage{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.AWS()), &dynamodb.ScanInput{TableName: &s.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(tb.Context())
		must(tb, err)
		for _, item := range page.Items {
			all[item["pk"].(*types.AttributeValueMemberS).Value+" "+item["sk"].(*types.AttributeValueMemberS).Value] = item
		}
	}
	return all
}

// putBack has the table say what it said then. The local DynamoDB can't be restored to a point in time: what it had then is
// written back, and what came since is deleted, while no function reaches it.
func (s *system) putBack(tb testing.TB, then tableImage) {
	tb.Helper()
	client := dynamodb.NewFromConfig(s.AWS())
	for key, item := range s.image(tb) {
		if _, was := then[key]; !was {
			_, err := client.DeleteItem(tb.Context(), &dynamodb.DeleteItemInput{TableName: &s.table, Key: map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]}})
			must(tb, err)
		}
	}
	for _, item := range then {
		_, err := client.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: &s.table, Item: item})
		must(tb, err)
	}
}

// TestATableThatWasPutBackIsRecovered has the table put back to before most of what there is came about: tenants, hosts, another
// address, and one that leaves. Nothing is handed out twice, and nobody is lost. Then all of the table is lost, and the same holds.
func TestATableThatWasPutBackIsRecovered(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 8, Ceiling: 2}, pool.Policy{SlotsPerHost: 3, Ceiling: 4, BufferSlots: 2}), func(o *local.Options) { o.Speed, o.RetryDelay = 60, time.Second })
	s.liftLimits(t)
	r := &recovering{system: s, tenants: map[string]*leaving{}, given: map[string]string{}}
	// As while a table is put back, and as long as the functions' queues are off: none reaches the table.
	s.Router.Before(func(c endpoint.Call) error {
		if function, ok := functionOf(c); ok && c.Service == "dynamodb" && r.away.Load() && function != "recovery" {
			return &endpoint.Error{Code: "ResourceNotFoundException", Message: "Requested resource not found"}
		}
		return nil
	})
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.31.4.1")
	s.signUp(t, "globex", "127.31.4.2")
	s.signUp(t, "hooli", "127.31.4.10")
	early := s.awaitReady(t, "acme", "globex", "hooli")
	s.side(t, early["globex"], "127.31.4.2", func(l *leaving) { l.fill(t, "globex's file", "globex's row") })
	then := s.image(t)

	ids := []string{"acme", "globex", "hooli"}
	for n, id := range []string{"initech", "umbrella", "wonka"} { // more than one gateway takes
		s.signUp(t, id, fmt.Sprintf("127.31.4.%d", 11+n))
		ids = append(ids, id)
	}
	ready := s.awaitReady(t, ids...)
	for id, from := range map[string]string{"acme": "127.31.4.1", "hooli": "127.31.4.10", "initech": "127.31.4.11", "umbrella": "127.31.4.12", "wonka": "127.31.4.13"} {
		r.settles(t, ready[id], from)
	}
	s.send(t, "InstanceChangeQueueUrl", `{"version":"1","type":"InstanceChangeRequested","tenantId":"hooli","add":["127.31.4.20"],"remove":["127.31.4.10"]}`)
	s.changed(t, "hooli", func(e events.AccessChanged) bool { return slices.Contains(e.Removed, "127.31.4.10") }) // what of it nobody would know is done
	r.tenants["hooli"].from = "127.31.4.20"
	s.send(t, "DecommissionQueueUrl", `{"version":"1","type":"DecommissionRequested","tenantId":"globex","reason":"ended","requestedBy":"ada","grace":"48h"}`)
	s.awaitFor(t, 2*patience, "globex is shut out", func() bool { return len(heard[events.TenantClosed](s.watch)) > 0 })

	r.recovers(t, then, "the table was put back", map[string]string{"soylent": "127.31.4.30", "tyrell": "127.31.4.31"}, r.withoutGrants)
	r.recovers(t, tableImage{}, "the table was lost", map[string]string{"stark": "127.31.4.32", "wayne": "127.31.4.33"}, r.headroom)
}

// recovering is a stage whose table is put back, and who is on it.
type recovering struct {
	*system
	away    atomic.Bool         // no function but recovery reaches the table
	tenants map[string]*leaving // who stays, by ID
	given   map[string]string   // to whom each slot was given that was handed out
}

// settles has a tenant put something into what it has.
func (r *recovering) settles(t *testing.T, ready events.StorageReady, from string) {
	t.Helper()
	r.side(t, ready, from, func(l *leaving) {
		l.fill(t, ready.TenantID+"'s file", ready.TenantID+"'s row")
		r.tenants[ready.TenantID] = l
	})
}

// recovers has the table put back and recovered, while some sign up, by ID and address. Everybody has what it had, the newcomers
// what nobody has, globex leaves again, and the doctor is content.
func (r *recovering) recovers(t *testing.T, then tableImage, why string, newcomers map[string]string, headroom func(t *testing.T, args ...string) string) {
	t.Helper()
	began, ids := time.Now(), slices.Sorted(maps.Keys(newcomers))
	r.away.Store(true)
	for _, id := range ids { // that the table is away is no reason to stay away
		r.signUp(t, id, newcomers[id])
	}
	t.Logf("%s: %d items, and there were %d", why, len(then), len(r.image(t)))
	r.putBack(t, then)
	said := headroom(t, "recover", "--reason", why, "--yes")
	t.Logf("after %s: %s", time.Since(began).Round(time.Second/10), said)
	if !strings.Contains(said, "done: ") || strings.Contains(said, "has to decide") {
		t.Errorf("it says %s", said)
	}
	r.away.Store(false)
	r.headroom(t, "resume", "--reason", "the ledger is true")

	all := r.awaitReady(t, ids...)
	for _, id := range ids {
		r.side(t, all[id], newcomers[id], func(l *leaving) { l.isEmpty(t) })
	}
	for id, l := range r.tenants {
		l.isAsBefore(t)
		if has := r.tenant(t, pool.TenantID(id)); has.State != pool.TenantReady || pool.DatabaseName(has.Database.Name) != l.credentials.DBName {
			t.Errorf("tenant %s is %+v", id, has)
		}
	}
	r.awaitFor(t, 2*patience, "globex leaves again", func() bool { return r.tenant(t, "globex").State == pool.TenantLeft })
	for id, e := range all {
		for _, has := range []string{e.Database.Name, e.Share.Host + e.Share.Path} {
			if other, twice := r.given[has]; twice && other != id {
				t.Errorf("%s was given to %s and %s", has, other, id)
			}
			r.given[has] = id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.tenants)) { // nobody else's credentials open it
		if conn, err := demo.Connect(t.Context(), r.Deployment, withDatabase(r.secret(t, all[ids[0]].Database.SecretARN), r.tenants[id].credentials.DBName)); err == nil {
			conn.Close(context.Background())
			t.Errorf("%s reaches the database of %s", ids[0], id)
		}
	}
	r.awaitSound(t)
	// That the ledger was behind rang: for half an hour after the last round that found it so. So did the lines of the audit that were
	// lost with it, of which there are copies. And its pools are near their ceilings, so that who signs up next may wait.
	r.awaitContent(t, 2*patience, "inventory-grave", "inventory-differs", "audit-lost", "ceiling-near", "wait-near")
	for _, id := range ids {
		r.settles(t, all[id], newcomers[id])
	}
	t.Logf("%s, and is recovered: after %s", why, time.Since(began).Round(time.Second/10))
}

// withoutGrants runs the command while recovery has none of its grants, and gives each to it once its absence has held that up: it is
// named in the function's log, or among what could not be looked at. Nothing is handed out meanwhile. It is run again until nothing is
// left to decide.
func (r *recovering) withoutGrants(t *testing.T, args ...string) string {
	t.Helper()
	w := r.withhold(t, "recovery", "recovery", r.rolesNamed(t, "recovery"))
	var missed []string
	giveBack := func(said string) {
		for {
			held, more := w.refusal(t, strings.Split(said, "\n"))
			if !more {
				return
			}
			w.giveBack(held)
			missed = append(missed, held.String())
		}
	}
	for range 12 {
		var out []byte
		var err error
		ended := make(chan struct{})
		go func() {
			out, err = r.command(t, args...).CombinedOutput()
			close(ended)
		}()
		r.awaitFor(t, 5*patience, "the command ends", func() bool {
			giveBack("")
			select {
			case <-ended:
				return true
			default:
				return false
			}
		})
		said := string(out)
		if giveBack(said); err != nil || strings.Contains(said, "has to decide") {
			continue
		}
		t.Logf("%d grants were missed: %s", len(missed), strings.Join(missed, ", "))
		for _, g := range w.left() {
			if reason, ok := unneeded[g.String()]; !ok {
				t.Errorf("nothing missed %s", g)
			} else {
				t.Logf("not missed: %s: %s", g, reason)
			}
		}
		return said
	}
	t.Fatalf("it comes to no end; missed were %s", strings.Join(missed, ", "))
	return ""
}

// side makes a tenant's side of what it was told.
func (s *system) side(t *testing.T, ready events.StorageReady, from string, do func(*leaving)) {
	t.Helper()
	do(&leaving{system: s, ready: ready, credentials: s.secret(t, ready.Database.SecretARN), from: from})
}

// withDatabase are credentials for another's database.
func withDatabase(c events.Credentials, database string) events.Credentials {
	c.DBName = database
	return c
}
