package postgres

import (
	"fmt"
	"regexp"
	"sync"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// namePattern keeps names short of PostgreSQL's 63 bytes and free of anything that needs quoting.
// They are quoted all the same.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]{8,20}$`) })

// identifiers are the roles and the database of a slot, ready to stand in a statement.
type identifiers struct{ role, database, copier string }

// identify refuses a name that is not one of Headroom's own.
func identify(name string) (identifiers, error) {
	if !namePattern().MatchString(name) {
		return identifiers{}, fmt.Errorf("slot name %q does not match %s", name, namePattern())
	}
	return identifiers{
		role:     pgx.Identifier{pool.RoleName(name)}.Sanitize(),
		database: pgx.Identifier{pool.DatabaseName(name)}.Sanitize(),
		copier:   pgx.Identifier{pool.CopierName(name)}.Sanitize(),
	}, nil
}

// identifyMarked also refuses a mark that could not be one.
func identifyMarked(slot pool.MarkedSlot) (identifiers, error) {
	if !markPattern().MatchString(slot.Mark) {
		return identifiers{}, fmt.Errorf("slot %s: its mark %q does not match %s", slot.Name, slot.Mark, markPattern())
	}
	return identify(slot.Name)
}
