package postgrestest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// ErrMissing says that there is no PostgreSQL server on this machine, and what to install.
var ErrMissing = errors.New("PostgreSQL is missing: install the package postgresql " +
	"(initdb is neither on the PATH nor in /usr/lib/postgresql/*/bin)")

// binaries finds the folder with initdb and postgres: the one on the PATH, else the newest that
// Debian's packages have put where the PATH does not reach.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// version is the 15 of /usr/lib/postgresql/15/bin/initdb.
func version(initdb string) int {
	number, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return number
}
