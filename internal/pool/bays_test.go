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
		if b, got = b.Take(pool.Bay{Owner: id, Host: host}, 2); got != want {
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

// A move slows down both hosts.
func TestABayOfAMoveIsThatOfBothHosts(t *testing.T) {
	move := pool.Bay{Owner: "a.move-1", Host: "database-standard-1", To: "database-standard-2"}
	for _, other := range []pool.Bay{
		{Owner: "b.1", Host: "database-standard-1"},
		{Owner: "b.1", Host: "database-standard-2"},
		{Owner: "b.move-1", Host: "database-standard-3", To: "database-standard-1"},
		{Owner: "b.move-1", Host: "database-standard-2", To: "database-standard-3"},
	} {
		for _, both := range [][2]pool.Bay{{move, other}, {other, move}} {
			first, _ := pool.Bays{}.Take(both[0], 9)
			if _, took := first.Take(both[1], 9); took {
				t.Errorf("%+v got a bay beside %+v", both[1], both[0])
			}
		}
	}
	if b, took := (pool.Bays{Taken: []pool.Bay{move}}).Take(pool.Bay{Owner: "c.1", Host: "database-standard-4"}, 9); !took {
		t.Errorf("another host's has none: %v", b.Taken)
	}
}
