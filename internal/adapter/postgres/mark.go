package postgres

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"headroom/internal/pool"
)

// The mark of a slot is the comment on its database: only the database's owner, which is the platform, may
// set it or take it away, it stays through a change of name and in a snapshot, and it goes with the
// database. All who can log in to the instance can read it (pg_shdescription is shared), so it says
// nothing of a tenant: it names the host, its order, the slot and its generation.

// markPattern keeps marks free of what would need quoting in a literal.
var markPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/-]{1,200}$`) })

// refuseForeign looks whether the slot's database is there and bears another mark. One without a mark is
// taken for a slot whose making was cut short: its random name was recorded before anything bore it.
func refuseForeign(ctx context.Context, s session, name, mark string) error {
	foreign, err := s.True(ctx, `
		SELECT shobj_description(oid, 'pg_database') <> '`+mark+`'
		FROM pg_database WHERE datname = '`+pool.DatabaseName(name)+"'")
	if err != nil {
		return fmt.Errorf("look whose database %s is: %w", pool.DatabaseName(name), err)
	}
	if foreign {
		return fmt.Errorf("database %s: %w", pool.DatabaseName(name), ErrForeign)
	}
	return nil
}

// refuseStrange is refuseForeign for verbs that come after a slot's making, which is not undone under them: what
// bears no mark is not the slot's either. A database that is not there is not refused.
func refuseStrange(ctx context.Context, s session, slot pool.MarkedSlot) error {
	strange, err := s.True(ctx, `
		SELECT shobj_description(oid, 'pg_database') IS DISTINCT FROM '`+slot.Mark+`'
		FROM pg_database WHERE datname = '`+pool.DatabaseName(slot.Name)+"'")
	if err != nil {
		return fmt.Errorf("look whose database %s is: %w", pool.DatabaseName(slot.Name), err)
	}
	if strange {
		return fmt.Errorf("database %s: %w", pool.DatabaseName(slot.Name), ErrForeign)
	}
	return nil
}
