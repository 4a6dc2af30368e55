package pool_test

import (
	"testing"

	"headroom/internal/pool"
)

func TestBaysAreFewAndOneADatabaseHost(t *testing.T) {
	var b pool.Bays
	take := func(id string, host pool.HostID, want bool) {
		t.Helper()
		var got bool
		if b, got = b.Take(id, host, 2); got != want {
			t.Errorf("%s got a bay: %v, want %v (taken: %v)", id, got, want, b.Taken)
		}
	}
	take("a.1", "database-standard-1", true)
	take("a.1", "database-standard-1", true) // it keeps it
	take("b.1", "database-standard-1", false)
	take("c.1", "database-standard-2", true)
	take("d.1", "database-standard-3", false)
	take("files.restore-1", "", false) // they are taken, all of them
	b = b.Leave("a.1").Leave("a.1").Leave("nobody.1")
	take("b.1", "database-standard-1", true)
	if len(b.Taken) != 2 {
		t.Errorf("taken: %v", b.Taken)
	}
}
