package dump

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"

	"headroom/internal/pool"
)

// Fill restores a dump into the empty database of the stand-in called name, logged in as that one's own role; version
// is the server's (Catalog.Version). What a tenant wrote runs there, and reaches nothing else. A dump that does not restore
// is pool.ErrBadDump: what was restored of it until then stays, so the stand-in is made anew before another try.
func (c *Copies) Fill(ctx context.Context, dump io.Reader, standIn pool.Login, name string, version int) error {
	cmd, err := c.program(ctx, version, "pg_restore", []string{
		"PGHOST=" + standIn.Host, "PGPORT=" + strconv.Itoa(standIn.Port), "PGUSER=" + standIn.Username, "PGPASSWORD=" + standIn.Password,
		"PGSSLMODE=verify-full", "PGSSLROOTCERT=" + c.Authorities, "PGGSSENCMODE=disable", "PGCONNECT_TIMEOUT=10", "PGAPPNAME=headroom",
	}, "--dbname=dbname="+pool.DatabaseName(name)+" keepalives_idle=60 keepalives_interval=10 keepalives_count=6 tcp_user_timeout=120000",
		"--exit-on-error", "--no-owner", "--no-privileges", "--no-password")
	if err != nil {
		return fmt.Errorf("fill stand-in %s: %w", name, err)
	}
	read := &reading{from: dump, sum: sha256.New()}
	var said complaints
	cmd.Stdin, cmd.Stderr = read, &said
	if err := cmd.Run(); err != nil {
		// What could not be read, or was called off, is no fault of the dump.
		if failed := read.failed(); ctx.Err() != nil || failed != nil {
			return fmt.Errorf("fill stand-in %s: %w (%v)", name, errors.Join(ctx.Err(), failed), err)
		}
		err = fmt.Errorf("fill stand-in %s: %w%s", name, err, said.text())
		if !errors.Is(err, exec.ErrWaitDelay) {
			err = fmt.Errorf("%w: %w", pool.ErrBadDump, err)
		}
		return err
	}
	// Programs stop reading where they know that nothing follows; whether the dump was whole, its end says.
	if _, err := io.Copy(io.Discard, read); err != nil {
		return fmt.Errorf("fill stand-in %s: read the end of the dump: %w", name, err)
	}
	return nil
}
