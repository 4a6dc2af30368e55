package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "accept what verbs print as it is now")

// changing are parts of what is printed that are different each time.
var changing = []struct {
	is  *regexp.Regexp
	say string
}{
	{regexp.MustCompile(`20(2[7-9]|26-(0[2-9]|1[0-2]))-?[0-9-]*[ T][0-9:]{8}(\.[0-9]+)?Z?`), "THEN"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`((?:[Vv]ersion|inForce)"?:? )[0-9]+`), "${1}N"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]{4,5}`), "ENDPOINT"},
	{regexp.MustCompile(`Headroom-dev-[A-Za-z0-9]+-[A-Z0-9]{6,}`), "NAME"},
	// By the clock, a host that has been on its way since the tests' deployment began is older each time.
	{regexp.MustCompile(`\b[0-9]+ d\b`), "N d"},
	{regexp.MustCompile(`("(days|leadP99Seconds|ninetySeconds|medianSeconds|timeToEmpty[A-Za-z]*)": )[0-9]+`), "${1}N"},
	{regexp.MustCompile(`(wait )?[0-9.]+(ms|µs) `), "SOON "},
	// Ages, with what a column is filled up with beside them.
	{regexp.MustCompile(`\((in )?[0-9]+[smhd]( ago)?\)( {3,})?`), "(AGE)${3}"},
	{regexp.MustCompile(`(?m)  [0-9]+[smhd](?: +|$)`), "  AGE  "},
}

func steady(text string) string {
	for _, c := range changing {
		text = c.is.ReplaceAllString(text, c.say)
	}
	return text
}

// goldens is where what was accepted is kept, wherever a test goes.
var goldens, _ = filepath.Abs(filepath.Join("testdata", "golden"))

// golden compares what is printed with what was accepted.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join(goldens, name)
	got = steady(got)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./internal/cmd/headroom -update accepts what is printed", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("it prints something else than was accepted (-accepted +printed):\n%s", diff)
	}
}

// goldenOnTerminal compares what a command line, with what is its own in it, prints on a terminal of 100 columns.
func goldenOnTerminal(t *testing.T, args string, line []string) {
	t.Helper()
	goldenEnding(t, 0, args, line)
}

// goldenEnding is goldenOnTerminal for a command line that ends with a status.
func goldenEnding(t *testing.T, ends int, args string, line []string) {
	t.Helper()
	screen := newTerminal(t, 100)
	root := newRoot()
	root.SetOut(screen.File)
	root.SetArgs(line)
	root.SetErr(io.Discard)
	if status := run(t.Context(), root); status != ends {
		t.Fatalf("%s: on a terminal: status %d", args, status)
	}
	golden(t, goldenName(args)+".terminal", strings.ReplaceAll(screen.shown(), "\x1b", "␛"))
}

// goldenName is the name of a file for a command line.
func goldenName(args string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(args), "-"), "-")
}

// readVerbs are all verbs that change nothing.
var readVerbs = []string{
	"status", "plan", "quotas",
	"pool list", "pool show share-standard", "pool show database/standard", "pool policy get",
	"host list", "host list --all --state in-service", "host show share-standard-1", "host show share-standard-2", "host explain share-standard-1", "host explain share-standard-2", "host explain database-standard-2",
	"tenant list", "tenant list --all", "tenant list --host share-standard-1", "tenant show acme", "tenant show globex", "tenant history globex",
	"tenant explain acme", "tenant explain globex", "tenant explain initech", "tenant explain hooli",
	"dlq list", "dlq show signup", "logs m-17", "logs share-standard-1", "audit --days 0", "audit --days 400 --of globex", "audit --verify",
}

func TestVerbsPrintWhatWasAccepted(t *testing.T) {
	d := cloud(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	for _, args := range readVerbs {
		t.Run(args, func(t *testing.T) {
			line := append(strings.Fields(args), "--endpoint", d.Endpoint)
			status, stdout, stderr := execute(newRoot(), line...)
			if status != 0 || stderr != "" {
				t.Fatalf("status %d, said %s", status, stderr)
			}
			if strings.Contains(stdout, "\x1b") {
				t.Error("it colours a pipe")
			}
			golden(t, goldenName(args)+".txt", stdout)

			status, stdout, stderr = execute(newRoot(), append(line, "--json")...)
			if status != 0 || stderr != "" {
				t.Fatalf("as JSON: status %d, said %s", status, stderr)
			}
			golden(t, goldenName(args)+".json", stdout)

			goldenOnTerminal(t, args, line)
		})
	}
}

// Who wants no colours gets none, also on a terminal.
func TestATerminalHasNoColoursForWhoWantsNone(t *testing.T) {
	d := cloud(t)
	for _, wish := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}} {
		variable, value := wish[0], wish[1]
		t.Setenv("TERM", "xterm")
		t.Setenv(variable, value)
		screen := newTerminal(t, 100)
		root := newRoot()
		root.SetOut(screen.File)
		root.SetArgs([]string{"host", "list", "--endpoint", d.Endpoint})
		status := run(t.Context(), root)
		if text := screen.shown(); status != 0 || strings.Contains(text, "\x1b") || !strings.Contains(text, "share-standard-2") {
			t.Errorf("%s=%s: status %d, %q", variable, value, status, text)
		}
		t.Setenv("NO_COLOR", "")
	}
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	d := cloud(t)
	status, stdout, stderr := execute(newRoot(), "doctor", "--endpoint", d.Endpoint)
	if status != notWell || stderr != "headroom: something needs a person\n" {
		t.Fatalf("status %d, said %s", status, stderr)
	}
	golden(t, "doctor.txt", stdout)

	status, stdout, stderr = execute(newRoot(), "doctor", "--json", "--endpoint", d.Endpoint)
	if status != notWell || stderr != "headroom: something needs a person\n" {
		t.Fatalf("as JSON: status %d, said %s", status, stderr)
	}
	golden(t, "doctor.json", stdout)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	goldenEnding(t, notWell, "doctor", []string{"doctor", "--endpoint", d.Endpoint})
}
