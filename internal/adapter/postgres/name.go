package postgres

import (
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// namePattern keeps names short of PostgreSQL's 63 bytes and free of anything that needs quoting.
// They are quoted all the same.
var namePattern = regexp.MustCompile(`^[a-z0-9]{8,20}$`)

// Role is the name of the account of the slot called name.
func Role(name string) string { return "t_" + name }

// Database is the name of the database of the slot called name.
func Database(name string) string { return "d_" + name }

// identifiers are the role and the database of a slot, ready to stand in a statement.
type identifiers struct{ role, database string }

// identify refuses a name that is not one of Headroom's own.
func identify(name string) (identifiers, error) {
	if !namePattern.MatchString(name) {
		return identifiers{}, fmt.Errorf("slot name %q does not match %s", name, namePattern)
	}
	return identifiers{
		role:     pgx.Identifier{Role(name)}.Sanitize(),
		database: pgx.Identifier{Database(name)}.Sanitize(),
	}, nil
}
