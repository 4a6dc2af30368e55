package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestOpenRunTwiceIsHarmless(t *testing.T) {
	slot := newTenant(t, 5)
	conn := slot.connect(t)
	if err := newAdapter(t).Open(t.Context(), master(cluster), slot.name, slot.password); err != nil {
		t.Fatal(err)
	}
	must(t, conn, "SELECT 1")
	slot.connect(t)
}

func TestOpenSaysThatThereIsNoSlot(t *testing.T) {
	if err := newAdapter(t).Open(t.Context(), master(cluster), newName(), "password"); !errors.Is(err, ErrNoSlot) {
		t.Errorf("got %v, want ErrNoSlot", err)
	}
}

func TestPasswordsStayOutOfTheServersLog(t *testing.T) {
	slot := newTenant(t, 5)
	slot.connect(t)
	log := cluster.Log()
	if !strings.Contains(log, "ALTER ROLE \""+pool.RoleName(slot.name)+"\" LOGIN PASSWORD 'SCRAM-SHA-256$4096:") {
		t.Error("the log does not show how the slot was opened: this test proves nothing")
	}
	if strings.Contains(log, slot.password) {
		t.Error("the password is in the log")
	}
}

func TestCloseEndsSessionsAndKeepsData(t *testing.T) {
	slot := newTenant(t, 5)
	conn := slot.connect(t)
	must(t, conn, "CREATE TABLE app.kept AS SELECT 1 AS id", "BEGIN", "LOCK app.kept")
	a := newAdapter(t)
	for _, run := range []string{"first", "second"} {
		if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
			t.Fatalf("%s run: %v", run, err)
		}
	}
	if err := exec1(t, conn, "SELECT 1"); err == nil {
		t.Error("the session goes on")
	}
	_, err := slot.try(t.Context(), pool.DatabaseName(slot.name))
	wantRefused(t, "log in after the slot was closed", err, badAuth)

	if err := a.Open(t.Context(), master(cluster), slot.name, slot.password); err != nil {
		t.Fatal(err)
	}
	must(t, slot.connect(t), "SELECT id FROM app.kept")
}

func TestDropWithSessionsOpen(t *testing.T) {
	slot, neighbour := newTenant(t, 5), newTenant(t, 5)
	conn, other := slot.connect(t), neighbour.connect(t)
	must(t, conn, "CREATE TABLE app.t (id int)", "BEGIN", "LOCK app.t")
	a := newAdapter(t)
	for _, run := range []string{"first", "second"} {
		if err := a.Drop(t.Context(), master(cluster), marked(slot.name)); err != nil {
			t.Fatalf("%s run: %v", run, err)
		}
	}
	if err := exec1(t, conn, "SELECT 1"); err == nil {
		t.Error("the session goes on")
	}
	if left := access(t); strings.Contains(left, slot.name) {
		t.Errorf("something is left:\n%s", left)
	}
	must(t, other, "CREATE TABLE app.untouched (id int)")
	if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Errorf("closing what is dropped: %v", err)
	}
}

func TestVerifierIsWhatTheServerItselfWouldStore(t *testing.T) {
	// The server's own verifier of the same password and salt is the one to match.
	conn := superuser(t)
	role, password := pool.RoleName(newName()), rand.Text()
	must(t, conn, "SET log_statement = 'none'", "CREATE ROLE "+role+" PASSWORD '"+password+"'")
	defer must(t, conn, "DROP ROLE "+role)
	var stored string
	if err := conn.QueryRow(t.Context(), "SELECT rolpassword FROM pg_authid WHERE rolname = $1", role).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	got, err := verifier(password, strings.NewReader(saltOf(t, stored)))
	if err != nil || got != stored {
		t.Errorf("got %s, %v\nwant %s", got, err, stored)
	}
	if _, err := verifier(password, strings.NewReader("short")); err == nil {
		t.Error("a verifier was made with half a salt")
	}
}

func TestSessionsThatWillNotEndAreAnError(t *testing.T) {
	a := newAdapter(t)
	a.Sleep = noSleep
	a.dial = func(context.Context, pool.Login, string) (session, error) { return &stub{}, nil }
	if err := a.Close(t.Context(), master(cluster), "slotslot"); !errors.Is(err, errSessionsLeft) {
		t.Errorf("got %v, want errSessionsLeft", err)
	}
}

// RDS's own administrator looks into databases now and then.
func TestDropWaitsForWhoeverOfRDSIsInTheDatabase(t *testing.T) {
	slot := newTenant(t, 5)
	admin, err := cluster.Superuser(t.Context(), pool.DatabaseName(slot.name))
	if err != nil {
		t.Fatal(err)
	}
	a := newAdapter(t)
	waits := 0
	a.Sleep = func(ctx context.Context, _ time.Duration) error {
		if waits++; waits == a.Attempts { // longer than what anybody waits for is tried
			return admin.Close(ctx)
		}
		return nil
	}
	if err := a.Drop(t.Context(), master(cluster), marked(slot.name)); err != nil {
		t.Errorf("dropped while rdsadmin was connected for a moment: %v", err)
	}
	if waits < a.Attempts {
		t.Errorf("waited %d times: nobody was in the way", waits)
	}
}

// What the master may not do at all has the same code, and is tried once.
func TestDropOfWhatIsAnothersIsNotTriedAgain(t *testing.T) {
	slot := newTenant(t, 5)
	conn := superuser(t)
	must(t, conn, "ALTER DATABASE "+pool.DatabaseName(slot.name)+" OWNER TO rdsadmin")
	defer must(t, conn, "ALTER DATABASE "+pool.DatabaseName(slot.name)+" OWNER TO "+cluster.Username)
	a := newAdapter(t)
	a.Sleep = func(context.Context, time.Duration) error {
		t.Error("tried again")
		return nil
	}
	wantRefused(t, "drop", a.Drop(t.Context(), master(cluster), marked(slot.name)), denied)
}

func TestPasswordThatIsNotTakenIsToldApart(t *testing.T) {
	stale := master(cluster)
	stale.Password = "of last week"
	err := newAdapter(t).Open(t.Context(), stale, newName(), "Pass0word")
	if !errors.Is(err, pool.ErrLogin) || sqlState(err) != badLogin {
		t.Errorf("got %v, want pool.ErrLogin", err)
	}
}
