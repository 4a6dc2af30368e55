package postgres

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// hostParameters are those of a stage's database hosts, as the template sets them.
func hostParameters(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../infra/testdata/dev/database-host.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources struct {
			ParameterGroup struct {
				Properties struct{ Parameters map[string]string }
			}
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources.ParameterGroup.Properties.Parameters
}

// onHost has the tests of this package run on an instance with the parameters of a host, until t ends.
func onHost(t *testing.T) {
	t.Helper()
	host, err := startInstance(t.Context(), t.TempDir(), hostParameters(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	before := cluster
	cluster = host
	t.Cleanup(func() { cluster = before })
	if err := newAdapter(t).Harden(t.Context(), master(host)); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsOfAHostAreInForce(t *testing.T) {
	onHost(t)
	conn := superuser(t)
	for name, want := range hostParameters(t) {
		if name == "rds.force_ssl" { // RDS's own
			continue
		}
		var got string
		// The setting as it is stored, in the unit that a parameter group has: on and off are 1 and 0 there.
		err := conn.QueryRow(t.Context(), `
			SELECT CASE setting WHEN 'on' THEN '1' WHEN 'off' THEN '0' ELSE setting END FROM pg_settings WHERE name = $1`, name).Scan(&got)
		if name[:4] == "tcp_" { // sockets have it, and tell it of TCP only
			err = conn.QueryRow(t.Context(), "SELECT setting FROM pg_file_settings WHERE name = $1 AND applied", name).Scan(&got)
		}
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
}

// lock has a tenant's transaction take so many locks, and leaves it open.
func lock(t *testing.T, conn *pgx.Conn, locks int) error {
	t.Helper()
	must(t, conn, "BEGIN")
	return exec1(t, conn, "SELECT count(pg_advisory_xact_lock(i)) FROM generate_series(1, "+strconv.Itoa(locks)+") i")
}

func TestTenantWithManyLocksLeavesItsNeighboursSome(t *testing.T) {
	onHost(t)
	noisy, neighbour := newTenant(t, 5), newTenant(t, 5)
	if err := lock(t, noisy.connect(t), 46_000); err != nil {
		t.Fatal(err)
	}
	conn := neighbour.connect(t)
	must(t, conn, "CREATE TABLE app.t (id int PRIMARY KEY, of int REFERENCES app.t)", "DROP TABLE app.t")
	newTenant(t, 5)
}

// No setting bounds what one role may lock. While the table of locks is full nobody can log in, not even to look
// who did it: the log names the role, and a reboot ends it, as docs/decisions/noisy-neighbours.md says.
func TestWhoTookAllLocksIsNamedAndEndedByAReboot(t *testing.T) {
	onHost(t)
	noisy, neighbour := newTenant(t, 5), newTenant(t, 5)
	conn, other := noisy.connect(t), neighbour.connect(t)
	// A transaction that fails gives its locks back; a session keeps those that it took outside of one.
	wantRefused(t, "all locks there are", exec1(t, conn, "SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 1000000) i"), outOfMemory)
	wantRefused(t, "a neighbour's table", exec1(t, other, "CREATE TABLE app.t (id int PRIMARY KEY)"), outOfMemory)
	a := newAdapter(t)
	a.Sleep = noSleep
	if err := a.Open(t.Context(), master(cluster), neighbour.name, neighbour.password); !transient(err) {
		t.Errorf("it may pass, and is taken for final: %v", err)
	}
	for line := range strings.Lines(cluster.Log()) {
		if strings.Contains(line, "out of shared memory") {
			if !strings.Contains(line, ":"+pool.RoleName(noisy.name)+"@"+pool.DatabaseName(noisy.name)+":") {
				t.Errorf("the log does not name the tenant: %s", line)
			}
			break
		}
	}
	cluster.Stop()
	if err := cluster.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, neighbour.connect(t), "CREATE TABLE app.t (id int PRIMARY KEY)")
}
