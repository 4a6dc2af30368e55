package pool_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestALoginKeepsItsPasswordOutOfSight(t *testing.T) {
	login := pool.Login{Host: "db", Port: 5432, Username: "master", Password: "Open0Sesame"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "login", login)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		fmt.Fprintf(&log, verb+verb, login, &login)
	}
	if strings.Contains(log.String(), login.Password) || !strings.Contains(log.String(), "master") {
		t.Errorf("got %s", log.String())
	}
}

func TestASlotsDatabaseAndRoleAreCalledByItsName(t *testing.T) {
	diff(t, "database", pool.DatabaseName("k3p9x2m4q7w1"), "d_k3p9x2m4q7w1")
	diff(t, "role", pool.RoleName("k3p9x2m4q7w1"), "t_k3p9x2m4q7w1")
}
