package rdsalarm

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

// instance answers to one password, or hangs.
type instance struct {
	password string
	hangs    bool
	use      map[string]pool.DatabaseUse
	reads    int
}

func (i *instance) Usage(ctx context.Context, login pool.Login) (map[string]pool.DatabaseUse, error) {
	i.reads++
	if i.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if login.Password != i.password {
		return nil, pool.ErrLogin
	}
	return i.use, nil
}

// passwords are handed out one after the other, the last one from then on.
type passwords []string

func (p *passwords) Master(context.Context, string) (username, password string, err error) {
	password = (*p)[0]
	if len(*p) > 1 {
		*p = (*p)[1:]
	}
	return "master", password, nil
}

func TestWhatTenantsUseIsReadOfThoseThatHaveSlots(t *testing.T) {
	h := ledgertest.Host(pool.Key{Kind: pool.Database, Tier: "standard"}, 1, 3)
	for i, tenant := range []pool.TenantID{"acme", "bolt"} {
		h.Slots[i].State, h.Slots[i].Tenant = pool.SlotAssigned, tenant
	}
	use := map[string]pool.DatabaseUse{
		pool.DatabaseName(h.Slots[0].Name): {Active: 3, Connections: 9, Bytes: 5 << 20},
		pool.DatabaseName(h.Slots[2].Name): {Connections: 1}, // nobody's
		"something":                        {Active: 99},
	}
	for name, test := range map[string]struct {
		instance  *instance
		passwords passwords
		reads     int
		failure   error
	}{
		"at once":                           {&instance{password: "a", use: use}, passwords{"a"}, 1, nil},
		"with a password that was rotated":  {&instance{password: "b", use: use}, passwords{"a", "b"}, 2, nil},
		"with a password that is not taken": {&instance{password: "c", use: use}, passwords{"a", "b"}, 2, pool.ErrLogin},
		"of one that hangs":                 {&instance{hangs: true}, passwords{"a"}, 1, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			reader := Reader{Vault: &test.passwords, Databases: test.instance, Within: 50 * time.Millisecond}
			got, err := reader.Usage(t.Context(), h)
			if !errors.Is(err, test.failure) || test.instance.reads != test.reads {
				t.Fatalf("read %d times: %v", test.instance.reads, err)
			}
			if test.failure != nil {
				return
			}
			if diff := cmp.Diff([]events.TenantUse{{TenantID: "acme", Active: 3, Connections: 9, Bytes: 5 << 20}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
