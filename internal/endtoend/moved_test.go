package endtoend

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/pool"
)

// moves has the tenant's host overworked, and the tenant move off it: it has all it had, under other credentials, and what it
// had before is cleared and free.
func (b *traveller) moves(t *testing.T) {
	t.Helper()
	before, old := b.noted(t), b.credentials
	tenant, err := b.ledger.Tenant(t.Context(), pool.TenantID(b.ready.TenantID))
	must(t, err)
	from := tenant.Database
	b.setAlarm(t, b.alarms(from.Host)[0], cloudwatch.Alarming, "Threshold Crossed: 3 datapoints")
	b.within(t, "its host is cordoned", func() bool {
		return slices.ContainsFunc(heard[events.HostCordoned](b.watch), func(e events.HostCordoned) bool { return e.HostID == string(from.Host) })
	})
	b.send(t, "RestoreQueueUrl", fmt.Sprintf(
		`{"version":"1","type":"MoveRequest","tenantId":%q,"most":"1h","reason":"its host is overworked","requestedBy":"ops","grace":"1m"}`, b.ready.TenantID))
	var said events.AccessChanged
	b.within(t, "it has moved", func() bool {
		for _, e := range heard[events.AccessChanged](b.watch) {
			if e.TenantID == b.ready.TenantID && e.Database != nil {
				said = e
				return true
			}
		}
		return false
	})
	t.Logf("it is said that %+v, and that its database is %+v", said, *said.Database)
	b.credentials = b.secret(t, said.Database.SecretARN)
	if now := b.credentials; now.Host != said.Database.Host || now.DBName != said.Database.Name || now.Username != said.Database.Username || now.DBName == old.DBName {
		t.Errorf("its secret says %s on %s, for %s", now.DBName, now.Host, now.Username)
	}
	if got := b.noted(t); got != before {
		t.Errorf("it has %s, and had %s", got, before)
	}
	if conn, err := demo.Connect(t.Context(), b.Deployment, old); err == nil {
		_ = conn.Close(context.Background())
		t.Error("its old credentials open something")
	}
	conn, err := b.connect(t)
	must(t, err)
	_, err = conn.Exec(t.Context(), "INSERT INTO app.books VALUES (9999, 'since it moved')")
	_ = conn.Close(context.Background())
	must(t, err)
	b.within(t, "what it had before is cleared, and free", func() bool {
		host := b.host(t, from.Host)
		slot := host.Slot(from.Index)
		return slot.Generation == from.Generation+1 && slot.Tenant == "" && slot.State != pool.SlotCooling
	})
	b.within(t, "nothing is kept of it", func() bool {
		r, err := b.ledger.Restoration(t.Context(), tenant.ID)
		return err == nil && r.State == pool.RestorationRestored && len(r.Kept) == 0
	})
}
