package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// changeVerbs are all verbs that ask by a message for something to be done, and the queue that it goes to.
var changeVerbs = []struct{ args, output string }{
	{"signup umbrella 127.20.0.20", "SignupQueueUrl"},
	{"address add acme 127.20.0.21 --reason more", "InstanceChangeQueueUrl"},
	{"decommission acme --reason ended --grace 48h --yes", "DecommissionQueueUrl"},
	{"undo globex --reason mistake", "DecommissionQueueUrl"},
	{"departure resume globex.m4rkglobex --reason mended", "DecommissionQueueUrl"},
	{"slot again share-standard-2/3 --reason emptied", "RecoverQueueUrl"},
	{"slot retire share-standard-2/3 --reason unclear --yes", "RecoverQueueUrl"},
	{"host cordon share-standard-1 --reason drill", "HostEventsQueueUrl"},
	{"host protect share-standard-1 --reason audit", "HostEventsQueueUrl"},
	{"host drain share-standard-1 --reason old", "HostEventsQueueUrl"},
	{"host release database-standard-2 --reason mended", "HostEventsQueueUrl"},
	{"host retry database-standard-2 --reason mended", "HostEventsQueueUrl"},
	{"host delete database-standard-2 --reason broken --yes", "HostEventsQueueUrl"},
	{"host repair share-standard-2 --way machine --reason well --yes", "RepairRequestQueueUrl"},
	{"host repair share-standard-2 --drop --reason mine --yes", "RepairRequestQueueUrl"},
	{"host replace share-standard-1 --image ami-0f11e5a7e4a7e0002 --reason newer --yes", "RepairRequestQueueUrl"},
	{"host resize share-standard-1 --size m6i.2xlarge --reason small --yes", "RepairRequestQueueUrl"},
	{"host update database-standard-1 --reason alarms --yes", "RepairRequestQueueUrl"},
}

func TestAChangeIsAMessageToTheRightQueue(t *testing.T) {
	d := cloud(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	for _, test := range changeVerbs {
		t.Run(test.args, func(t *testing.T) {
			line := append(strings.Fields(test.args), "--endpoint", d.Endpoint)
			status, stdout, stderr := execute(newRoot(), append(line, "--dry-run", "--json")...)
			if status != 0 || stderr != "" {
				t.Fatalf("status %d, said %s", status, stderr)
			}
			if sent := d.sentTo(t, test.output); len(sent) != 0 {
				t.Errorf("a dry run sent %v", sent)
			}
			var would struct{ Message map[string]any }
			if err := json.Unmarshal([]byte(stdout), &would); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr = execute(newRoot(), line...)
			if status != 0 || stderr != "" {
				t.Fatalf("status %d, said %s", status, stderr)
			}
			golden(t, goldenName(test.args)+".txt", stdout)
			if diff := cmp.Diff([]map[string]any{would.Message}, d.sentTo(t, test.output)); diff != "" {
				t.Errorf("it sent something else than it said (-said +sent):\n%s", diff)
			}
			goldenOnTerminal(t, test.args, line)
			if sent := d.sentTo(t, test.output); len(sent) != 1 {
				t.Errorf("on a terminal it sent %v", sent)
			}
		})
	}
}

func TestWhatDestroysWantsAWordTyped(t *testing.T) {
	d := cloud(t)
	line := []string{"decommission", "acme", "--reason", "ended", "--endpoint", d.Endpoint}
	const why = "tenant acme loses its storage at once, and its data for good once its grace is over"
	for _, more := range [][]string{nil, {"--no-input"}} {
		status, stdout, stderr := execute(newRoot(), append(line, more...)...)
		if status != undecided || stdout != "" || stderr != "headroom: "+why+": not confirmed, and nothing was changed; --yes says that it is meant\n" {
			t.Errorf("with %v: status %d, said %s", more, status, stderr)
		}
	}
	for typed, want := range map[string]int{"acme": 0, "globex": undecided, "": undecided} {
		screen := newTerminal(t, 100)
		root := newRoot()
		var said, out bytes.Buffer
		root.SetIn(screen.File)
		root.SetOut(&out)
		root.SetErr(&said)
		root.SetArgs(line)
		screen.types(typed)
		if status := run(t.Context(), root); status != want || !strings.HasPrefix(said.String(), "Tenant acme loses") {
			t.Errorf("%q was typed: status %d, said %s", typed, status, said.String())
		}
	}
	if sent := d.sentTo(t, "DecommissionQueueUrl"); len(sent) != 1 {
		t.Errorf("%d messages were sent", len(sent))
	}
}

func TestAPolicyIsComparedAndSet(t *testing.T) {
	d := cloud(t)
	_, before, _ := execute(newRoot(), "pool", "policy", "get", "--endpoint", d.Endpoint)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	t.Chdir(t.TempDir())
	const file = "policy.json"
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	onTerminal := func(line string) {
		goldenOnTerminal(t, "pool policy "+line, append(strings.Fields("pool policy "+line), "--endpoint", d.Endpoint))
	}
	said := func(args ...string) string {
		status, stdout, stderr := execute(newRoot(), append(append([]string{"pool", "policy"}, args...), "--endpoint", d.Endpoint)...)
		return stdout + stderr + "status " + string(rune('0'+status)) + "\n"
	}
	put(before)
	golden(t, "pool-policy-diff-same.txt", said("diff", file))
	put(strings.Replace(before, `"ceiling":25`, `"ceiling":30`, 1))
	golden(t, "pool-policy-diff.txt", said("diff", file))
	onTerminal("diff policy.json")
	golden(t, "pool-policy-set-dry.txt", said("set", file, "--reason", "more signups", "--dry-run"))
	if _, stands, _ := execute(newRoot(), "pool", "policy", "get", "--endpoint", d.Endpoint); stands != before {
		t.Errorf("after a dry run the policy is %s", stands)
	}
	if sent := d.sentTo(t, "HostEventsQueueUrl"); len(sent) != 0 {
		t.Errorf("of a dry run was sent to be put on record %v", sent)
	}
	golden(t, "pool-policy-set-unconfirmed.txt", said("set", file, "--reason", "more signups"))
	screen := newTerminal(t, 100)
	root := newRoot()
	root.SetOut(io.Discard)
	root.SetErr(screen.File)
	root.SetArgs([]string{"pool", "policy", "get", "--endpoint", d.Endpoint})
	if status := run(t.Context(), root); status != 0 {
		t.Fatalf("on a terminal: status %d", status)
	}
	var version int64
	if said := screen.shown(); strings.Count(said, "--if-version ") != 1 {
		t.Fatalf("on a terminal get says %q", said)
	} else if _, err := fmt.Sscanf(said, "Version %d:", &version); err != nil {
		t.Fatalf("on a terminal get says %q: %v", said, err)
	}
	only := func(version int64) string {
		return said("set", file, "--reason", "more signups", "--yes", "--if-version", fmt.Sprint(version))
	}
	golden(t, "pool-policy-set-stale.txt", only(version-1))
	golden(t, "pool-policy-set.txt", only(version))
	put(strings.Replace(before, `"ceiling":50`, `"ceiling":2`, 1))
	golden(t, "pool-policy-diff-below.txt", said("diff", file))
	put(strings.Replace(before, `"ceiling":25`, `"ceiling":0`, 1))
	golden(t, "pool-policy-diff-wrong.txt", said("diff", file))
	if dry, set := said("set", file, "--reason", "none", "--dry-run"), said("set", file, "--reason", "none", "--yes"); dry != set || !strings.HasSuffix(dry, "status 5\n") {
		t.Errorf("of one that can't be meant a dry run says\n%sand the other\n%s", dry, set)
	}
	put(before)
	onTerminal("set policy.json --reason fewer --yes")
	if sent := d.sentTo(t, "HostEventsQueueUrl"); len(sent) != 2 || sent[0]["type"] != "DoneByHand" || sent[0]["action"] != "policy set" || sent[0]["reason"] != "more signups" {
		t.Errorf("sent to be put on record %v", sent)
	}
}

func TestDeadLettersAreRedrivenAndDropped(t *testing.T) {
	d := cloud(t)
	letters := func() []struct{ MessageID, Why string } {
		t.Helper()
		_, stdout, _ := execute(newRoot(), "dlq", "show", "signup", "--json", "--endpoint", d.Endpoint)
		var shown struct {
			DeadLetters []struct{ MessageID, Why string }
		}
		if err := json.Unmarshal([]byte(stdout), &shown); err != nil {
			t.Fatal(err)
		}
		return shown.DeadLetters
	}
	there := letters()
	if len(there) != 1 {
		t.Fatalf("there are %v", there)
	}
	if status, _, stderr := execute(newRoot(), "dlq", "redrive", "signup", "--reason", "mended", "--endpoint", d.Endpoint); status != undecided || !strings.Contains(stderr, "sent again: 1: not confirmed") || len(letters()) != 1 {
		t.Errorf("without a word: status %d: %s", status, stderr)
	}
	status, stdout, _ := execute(newRoot(), "dlq", "redrive", "signup", "--reason", "mended", "--dry-run", "--endpoint", d.Endpoint)
	if status != 0 || len(letters()) != 1 {
		t.Fatalf("a dry run: status %d", status)
	}
	goldenOnTerminal(t, "dlq redrive dry", []string{"dlq", "redrive", "signup", "--reason", "mended", "--dry-run", "--endpoint", d.Endpoint})
	golden(t, "dlq-redrive-dry.txt", regexp.MustCompile(`  [0-9]+[smhd]  `).ReplaceAllString(stdout, "  AGE  "))
	status, stdout, _ = execute(newRoot(), "dlq", "redrive", "signup", "--reason", "mended", "--id", there[0].MessageID, "--yes", "--endpoint", d.Endpoint)
	if status != 0 {
		t.Fatalf("status %d", status)
	}
	golden(t, "dlq-redrive-one.txt", stdout)
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 || said[0]["action"] != "dlq redrive" || said[0]["of"] != "signup "+there[0].MessageID || said[0]["reason"] != "mended" {
		t.Errorf("sent to be put on record %v", said)
	}
	if sent := d.sentTo(t, "SignupQueueUrl"); len(sent) != 1 || sent[0]["tenantId"] != "umbrella" || len(letters()) != 0 {
		t.Errorf("sent %v", sent)
	}
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := execute(newRoot(), "dlq", "redrive", "signup", "--reason", "mended", "--yes", "--endpoint", d.Endpoint)
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	golden(t, "dlq-redrive-all.txt", stdout)
	d.awaitRedriven(t)
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 || said[0]["of"] != "signup" {
		t.Errorf("of all of them it sent to be put on record %v", said)
	}
	goldenOnTerminal(t, "dlq redrive all", []string{"dlq", "redrive", "signup", "--reason", "mended", "--yes", "--endpoint", d.Endpoint})
	d.awaitRedriven(t)
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 {
		t.Errorf("on a terminal it sent to be put on record %v", said)
	}
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr = execute(newRoot(), "dlq", "drop", "signup", "--all", "--reason", "a test", "--endpoint", d.Endpoint); status != undecided || !strings.Contains(stderr, "deleted for good") {
		t.Errorf("status %d: %s", status, stderr)
	}
	status, stdout, stderr = execute(newRoot(), "dlq", "drop", "signup", "--all", "--reason", "a test", "--yes", "--endpoint", d.Endpoint)
	if status != 0 || len(letters()) != 0 {
		t.Errorf("status %d: %s", status, stderr)
	}
	golden(t, "dlq-drop-all.txt", stdout)
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 || said[0]["type"] != "DoneByHand" || said[0]["action"] != "dlq drop" || said[0]["of"] != "signup" || said[0]["reason"] != "a test" {
		t.Errorf("sent to be put on record %v", said)
	}
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
	goldenOnTerminal(t, "dlq drop all", []string{"dlq", "drop", "signup", "--all", "--reason", "a test", "--yes", "--endpoint", d.Endpoint})
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 || len(letters()) != 0 {
		t.Errorf("on a terminal it dropped, and sent to be put on record %v", said)
	}
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// awaitRedriven waits until a message is in the signup queue, and takes it out.
func (d *deployed) awaitRedriven(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); len(d.sentTo(t, "SignupQueueUrl")) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was redriven")
		}
	}
}
