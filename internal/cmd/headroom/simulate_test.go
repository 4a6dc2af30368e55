package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/operator"
	"headroom/internal/pool"
	"headroom/internal/sim"
)

// seriesFile writes a day of signups, one every ten minutes, and a policy document.
func seriesFile(t *testing.T) (series, policy string) {
	t.Helper()
	dir := t.TempDir()
	var lines strings.Builder
	for i := range 6 * 24 {
		fmt.Fprintln(&lines, time.Date(2026, 11, 2, 0, 10*i, 0, 0, time.UTC).Format(time.RFC3339))
	}
	series, policy = filepath.Join(dir, "signups.csv"), filepath.Join(dir, "bold.json")
	for file, text := range map[string]string{
		series: lines.String(),
		policy: strings.ReplaceAll(string(sim.DefaultPolicy), `"bufferSlots": 20`, `"bufferSlots": 3`),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return series, policy
}

func TestASimulationIsPrintedAsJSON(t *testing.T) {
	series, policy := seriesFile(t)
	status, stdout, stderr := execute(newRoot(), "simulate", "--demand", series, "--policy", policy, "--from", "50%", "--json", "--fail", "0.1", "--lead", "share=5m/9m")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var r map[string]any
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	for _, name := range []string{
		"served_at_once", "wait_mean_s", "wait_p50_s", "wait_p99_s", "idle_cost_month",
		"hosts_ordered", "hosts_retired", "never_served", "signups",
	} {
		if _, ok := r[name].(float64); !ok {
			t.Errorf("%s is %v, not a number", name, r[name])
		}
	}
	if diff := cmp.Diff([]any{
		map[string]any{"kind": "database", "median_s": 1200.0, "p99_s": 2400.0, "from": "default"},
		map[string]any{"kind": "share", "median_s": 300.0, "p99_s": 540.0, "from": "--lead"},
	}, r["lead_times"]); diff != "" {
		t.Errorf("lead times (-want +got)\n%s", diff)
	}
	idle, _ := r["idle_slots"].(map[string]any)
	if idle["database"] == nil || idle["share"] == nil || r["signups"] != 72.0 || r["policy"] != "bold" {
		t.Errorf("idle slots %v, signups %v, policy %v", r["idle_slots"], r["signups"], r["policy"])
	}
}

// The table says which lead times it is by, and how they are known.
func TestLeadTimesAreNamedWithWhereTheyAreFrom(t *testing.T) {
	took := make([]time.Duration, 12)
	for i := range took {
		took[i] = 15 * time.Minute
	}
	past := operator.Past{Leads: map[pool.Kind][]time.Duration{pool.Database: took, pool.Share: took[:9]}} // nine are too few
	for flag, want := range map[string]string{
		"":                    "Lead times, median/p99: database 15m0s/15m0s (measured, of 12 hosts); share 12m0s/30m0s (default).",
		"database=10m/20m30s": "Lead times, median/p99: database 10m0s/20m30s (--lead); share 12m0s/30m0s (default).",
	} {
		c := simulateCommand{}
		if flag != "" {
			c.Leads = []string{flag}
		}
		_, leads, err := c.leads(past)
		var out strings.Builder
		if err == nil {
			err = printResults(&out, []sim.Result{{Policy: "bold"}}, leads)
		}
		if err != nil || !strings.HasSuffix(out.String(), "\n\n"+want+"\n") {
			t.Errorf("with --lead %q, error %v:\n%s", flag, err, out.String())
		}
	}
}

func TestPoliciesAreSimulatedSideBySide(t *testing.T) {
	series, policy := seriesFile(t)
	picture := filepath.Join(t.TempDir(), "both.html")
	other := filepath.Join(t.TempDir(), "default.json")
	if err := os.WriteFile(other, sim.DefaultPolicy, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"simulate", "--demand", series, "--policy", policy, "--policy", other}
	status, stdout, stderr := execute(newRoot(), append(args, "--picture", picture)...)
	if status != 0 || !strings.Contains(stdout, "bold") || !strings.Contains(stdout, "default") || !strings.Contains(stdout, "served at once") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	drawn, err := os.ReadFile(picture)
	if err != nil || !strings.Contains(string(drawn), "<svg") || !strings.Contains(string(drawn), "bold") {
		t.Errorf("drawn %d bytes, error %v", len(drawn), err)
	}
	status, stdout, _ = execute(newRoot(), append(args, "--json")...)
	var list []map[string]any
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || status != 0 || len(list) != 2 || list[1]["policy"] != "default" {
		t.Errorf("status %d, error %v: %s", status, err, stdout)
	}
}

func TestASimulationThatCannotBeMeantIsRefused(t *testing.T) {
	series, policy := seriesFile(t)
	for _, test := range []struct {
		args, why string
		status    int
	}{
		{"--demand gone", "open gone: no such file or directory", failed},
		{"--demand " + policy, "is no time", failed},
		{"--demand " + series + " --policy gone", "open gone: no such file or directory", failed},
		{"--demand " + series + " --policy " + series, "policy document", failed},
		{"--demand " + series + " --fail 2", "--fail is 2, and must be from 0 to 1", refused},
		{"--demand " + series + " --scale 0", "--scale is 0, and must be above 0", refused},
		{"--demand " + series + " --lead share=12m", "--lead \"share=12m\" is not as in", refused},
		{"--demand " + series + " --from 2027-01-01", "--from: \"2027-01-01\" is not before the end of the series", refused},
		{"--demand " + series + " --since 120%", "--since: \"120%\" is no share", refused},
		{"--demand " + series + " --until 2026-11-02", "nobody signs up in that time", refused},
		{"--demand " + series + " --picture x.png", "must end in .svg or .html", refused},
		{"--demand " + series + " --tier gold", "tier \"gold\" is in no pool", missing},
	} {
		status, stdout, stderr := execute(newRoot(), append([]string{"simulate"}, strings.Fields(test.args)...)...)
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.why) {
			t.Errorf("%s: status %d, printed %q, said %q, want %q", test.args, status, stdout, stderr, test.why)
		}
	}
}

// Without a file the deployment's own signups are replayed: of who is there, who waits and who left.
func TestTheDeploymentsOwnPastIsSimulated(t *testing.T) {
	d := cloud(t)
	line := []string{"simulate", "--until", "2026-01-06", "--endpoint", d.Endpoint}
	status, stdout, stderr := execute(newRoot(), append(line, "--json")...)
	var r map[string]any
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != 0 {
		t.Fatalf("status %d, error %v: %s%s", status, err, stdout, stderr)
	}
	if r["signups"] != 4.0 || r["policy"] != "in force" || r["from"] != "2026-01-05T09:30:00Z" || r["to"] != "2026-01-06T00:00:00Z" {
		t.Errorf("simulated was %v", r)
	}
	for _, name := range []string{"acme", "globex", "initech", "hooli"} {
		if strings.Contains(stdout, name) {
			t.Errorf("it names %s: %s", name, stdout)
		}
	}
	_, policy := seriesFile(t)
	if status, stdout, stderr := execute(newRoot(), append(line, "--policy", policy)...); status != 0 || !strings.Contains(stdout, "bold") || strings.Contains(stdout, "in force") {
		t.Errorf("by another policy: status %d, said %s%s", status, stdout, stderr)
	}
	for args, want := range map[string]int{"--tier gold": missing, "--scale 2": refused, "--demand nowhere": failed} {
		if status, stdout, _ := execute(newRoot(), append(line, strings.Fields(args)...)...); status != want || stdout != "" {
			t.Errorf("%s: status %d, not %d", args, status, want)
		}
	}
}
