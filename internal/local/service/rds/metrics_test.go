package rds

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// metrics remembers the last values that came in, by instance and metric, and when the last of all did.
type metrics struct {
	mu     sync.Mutex
	values map[string]float64
	units  map[string]string
	count  int
	last   time.Time // by the clock of the cloud
}

func (m *metrics) put(identifier, metric, unit string, at time.Time, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values, m.units = map[string]float64{}, map[string]string{}
	}
	m.values[identifier+" "+metric], m.units[metric] = value, unit
	m.count++
	m.last = at
}

// came is how many data there were so far, and the last value of a metric.
func (m *metrics) came(name string) (count int, value float64, there bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, there = m.values[name]
	return m.count, value, there
}

// await waits until a metric has a value that is as wanted.
func (m *metrics) await(t *testing.T, name string, as func(float64) bool) {
	t.Helper()
	for range 500 {
		if _, value, there := m.came(name); there && as(value) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, value, there := m.came(name)
	t.Fatalf("%s is %v (%t)", name, value, there)
}

// ends waits until no more data come in.
func (m *metrics) ends(t *testing.T) {
	t.Helper()
	for range 50 {
		before, _, _ := m.came("")
		time.Sleep(600 * time.Millisecond) // ten minutes by the bench's clock
		if after, _, _ := m.came(""); after == before {
			return
		}
	}
	t.Fatal("metrics go on coming in")
}

func TestAnInstanceTellsWhatItTakes(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("measured", nil))
	is := func(want float64) func(float64) bool { return func(v float64) bool { return v == want } }
	b.metrics.await(t, "measured DatabaseConnections", is(0))
	b.metrics.await(t, "measured FreeableMemory", func(v float64) bool { return v > 0 })
	var free float64
	b.metrics.await(t, "measured FreeStorageSpace", func(v float64) bool { free = v; return v < 20<<30 && v > 19<<30 })
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	b.metrics.await(t, "measured DatabaseConnections", is(1))
	if _, err := conn.Exec(t.Context(), "CREATE TABLE filler AS SELECT repeat(n::text, 100) FROM generate_series(1, 20000) n"); err != nil {
		t.Fatal(err)
	}
	b.metrics.await(t, "measured FreeStorageSpace", func(v float64) bool { return v < free-5<<20 })
	b.metrics.await(t, "measured CPUUtilization", is(0))
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "DO $$ BEGIN WHILE clock_timestamp() < now() + interval '1 second' LOOP END LOOP; END $$")
		done <- err
	}()
	b.metrics.await(t, "measured CPUUtilization", func(v float64) bool { return v > 1 && v <= 100 })
	if err := <-done; err != nil {
		t.Error(err)
	}
	if b.metrics.units["CPUUtilization"] != "Percent" || b.metrics.units["FreeStorageSpace"] != "Bytes" || b.metrics.units["DatabaseConnections"] != "Count" {
		t.Errorf("units %v", b.metrics.units)
	}
	if ahead := b.metrics.last.Sub(b.cfg.Clock.Now()); ahead > 0 || ahead < -time.Hour {
		t.Errorf("the last datum is of %s from now", ahead)
	}
}

func TestAnInstanceIsOverloadedOnPurpose(t *testing.T) {
	b := newBench(t)
	b.instance(t, database("strained", nil))
	b.metrics.await(t, "strained CPUUtilization", func(v float64) bool { return v < 50 })
	if err := b.Strain("strained", true); err != nil {
		t.Fatal(err)
	}
	b.metrics.await(t, "strained CPUUtilization", func(v float64) bool { return v == 100 })
	if err := b.Strain("strained", false); err != nil {
		t.Fatal(err)
	}
	b.metrics.await(t, "strained CPUUtilization", func(v float64) bool { return v < 50 })
	if err := b.Strain("gone", true); err == nil {
		t.Error("an instance that is not there is overloaded")
	}
}

// RDS has the metrics from the instance: what is down, or hangs, sends none.
func TestAnInstanceThatIsDownTellsNothing(t *testing.T) {
	b := newBench(t)
	b.instance(t, database("quiet", nil))
	comes := func() {
		t.Helper()
		before, _, _ := b.metrics.came("")
		for range 500 {
			if after, _, _ := b.metrics.came(""); after > before {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("no metrics come in")
	}
	comes()
	if err := b.Fail("quiet"); err != nil {
		t.Fatal(err)
	}
	b.metrics.ends(t)
	if err := b.Recover("quiet"); err != nil {
		t.Fatal(err)
	}
	b.events.await(t, `"EventID":"RDS-EVENT-0006"`)
	comes()
	pid := serverPID(t, b, "quiet")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	b.metrics.ends(t)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	comes()
}

// RDS says once that an instance has come to have too many databases, and again when it has come to have them anew.
func TestTooManyDatabasesAreToldOf(t *testing.T) {
	b := newBench(t) // three are advised
	port, user, password := b.instance(t, database("crowded", nil))
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	var has int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE NOT datistemplate").Scan(&has); err != nil || has > 3 {
		t.Fatalf("it has %d at first: %v", has, err)
	}
	run := func(sql string, more int) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		has += more
		for range 500 {
			b.mu.Lock()
			counted := b.instances["crowded"].measured.Databases
			b.mu.Unlock()
			if counted == has {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("%s: it is not counted", sql)
	}
	said := func() (times int) {
		b.events.mu.Lock()
		defer b.events.mu.Unlock()
		for _, e := range b.events.said {
			if strings.Contains(e, `"EventID":"RDS-EVENT-0056"`) && strings.Contains(e, `"EventCategories":["notification"]`) {
				times++
			}
		}
		return times
	}
	comes := func(times int) {
		t.Helper()
		for range 100 {
			if said() == times {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("it is said %d times, want %d", said(), times)
	}
	for has < 3 {
		run(fmt.Sprintf("CREATE DATABASE tenant%d", has), 1)
	}
	comes(0)
	run("CREATE DATABASE one_more", 1)
	comes(1)
	run("CREATE DATABASE another", 1)
	run("DROP DATABASE another", -1)
	run("DROP DATABASE one_more", -1)
	comes(1)
	run("CREATE DATABASE one_more", 1)
	comes(2)
}
