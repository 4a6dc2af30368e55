package rds

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/internal/local/endpoint"
)

// status is an instance's, as RDS tells it.
func (b bench) status(t *testing.T, identifier string) string {
	t.Helper()
	answer, err := b.describe(t.Context(), endpoint.Call{Params: map[string]any{"DBInstanceIdentifier": identifier}})
	if err != nil {
		t.Fatal(err)
	}
	list := answer.(map[string]any)["DBInstances"].(endpoint.List)
	return list.Items.([]any)[0].(map[string]any)["DBInstanceStatus"].(string)
}

func TestServerThatDiedIsRestartedWithItsData(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("crashed", nil))
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	pid := serverPID(t, b, "crashed")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.events.await(t, `aws.rds RDS DB Instance Event arn:aws:rds:eu-west-1:123456789012:db:crashed `)
	b.events.await(t, `"EventID":"RDS-EVENT-0006"`)
	conn, err = b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n); err != nil || n != 7 {
		t.Errorf("n is %d (%v)", n, err)
	}
	if status := b.status(t, "crashed"); status != "available" {
		t.Errorf("status %s", status)
	}
}

// serverPID is the number of an instance's first process.
func serverPID(t *testing.T, b bench, identifier string) int {
	t.Helper()
	conn, err := b.instances[identifier].server.Superuser(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestFailedInstanceStaysDownUntilItRecovers(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("dead", nil))
	if err := b.Fail("dead"); err != nil {
		t.Fatal(err)
	}
	// RDS does not know: it calls it available, and tries to reboot it if it is asked to.
	if status := b.status(t, "dead"); status != "available" {
		t.Errorf("status %s", status)
	}
	if _, err := b.reboot(t.Context(), endpoint.Call{Params: map[string]any{"DBInstanceIdentifier": "dead"}}); err != nil {
		t.Fatal(err)
	}
	b.events.await(t, `"EventID":"RDS-EVENT-0004"`)
	time.Sleep(500 * time.Millisecond) // by then it would have been started ten times
	if _, err := b.open(t, port, user, password, "postgres"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to what is down: %v", err)
	}
	if status := b.status(t, "dead"); status != "rebooting" {
		t.Errorf("status %s", status)
	}
	if err := b.Recover("dead"); err != nil {
		t.Fatal(err)
	}
	b.events.await(t, `"EventID":"RDS-EVENT-0006"`)
	if _, err := b.open(t, port, user, password, "postgres"); err != nil {
		t.Error(err)
	}
	if status := b.status(t, "dead"); status != "available" {
		t.Errorf("status %s", status)
	}
	for _, do := range []func(string) error{b.Fail, b.Recover} {
		if err := do("nobody"); err == nil || !strings.Contains(err.Error(), "DBInstanceNotFound") {
			t.Errorf("of nobody: %v", err)
		}
	}
}

func TestAZoneThatFailsTakesItsInstancesUntilItIsBack(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("dead", map[string]any{"AvailabilityZone": "eu-west-1a"}))
	other, otherUser, otherPassword := b.instance(t, database("well", map[string]any{"AvailabilityZone": "eu-west-1b"}))
	down, err := b.FailZone("eu-west-1a")
	if err != nil || len(down) != 1 || down[0] != "dead" {
		t.Fatalf("down are %v, %v", down, err)
	}
	if _, err := b.open(t, port, user, password, "postgres"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to what is down: %v", err)
	}
	if _, err := b.open(t, other, otherUser, otherPassword, "postgres"); err != nil {
		t.Errorf("the other zone: %v", err)
	}
	if _, err := b.Create(t.Context(), database("new", map[string]any{"AvailabilityZone": "eu-west-1a"})); err == nil || !strings.Contains(err.Error(), "InsufficientDBInstanceCapacity") {
		t.Errorf("made in the zone that fails: %v", err)
	}
	if err := b.RestoreZone("eu-west-1a"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := b.open(t, port, user, password, "postgres"); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatalf("it does not come back: %v", err)
		}
	}
}

func TestRebootEndsSessionsAndComesBack(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("rebooted", nil))
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	reboot := func(params map[string]any) string {
		params["DBInstanceIdentifier"] = "Rebooted"
		answer, err := b.reboot(t.Context(), endpoint.Call{Params: params})
		var refused *endpoint.Error
		if errors.As(err, &refused) {
			return refused.Code
		}
		return answer.(map[string]any)["DBInstance"].(map[string]any)["DBInstanceStatus"].(string)
	}
	if got := reboot(map[string]any{"ForceFailover": "true"}); got != "InvalidParameterCombination" {
		t.Errorf("failover without a standby: %s", got)
	}
	if got := reboot(map[string]any{}); got != "rebooting" {
		t.Errorf("the answer says %s", got)
	}
	if got := reboot(map[string]any{}); got != "InvalidDBInstanceState" {
		t.Errorf("once more: %s", got)
	}
	b.events.await(t, `"Message":"DB instance restarted"`)
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the session goes on")
	}
	if _, err := b.open(t, port, user, password, "postgres"); err != nil {
		t.Error(err)
	}
}

func TestCloseTellsHowFarItIs(t *testing.T) {
	b := newBench(t)
	var dirs []string
	for _, name := range []string{"one", "two", "three"} {
		b.instance(t, database(name, nil))
		dirs = append(dirs, b.instances[name].server.Dir())
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(b.events.stopped, []string{"1 of 3", "2 of 3", "3 of 3"}) {
		t.Errorf("told %v", b.events.stopped)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}
