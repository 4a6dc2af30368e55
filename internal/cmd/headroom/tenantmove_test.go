package main

import (
	"context"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestATenantIsMovedByAMessage(t *testing.T) {
	d := cloud(t)
	// Another host of its tier is in service, for as long as this takes.
	before, err := d.ledger.Host(t.Context(), "database-standard-2")
	if err != nil {
		t.Fatal(err)
	}
	serving := before.Clone()
	serving.State, serving.Access.Address = pool.HostInService, "database-standard-2.abc.eu-west-1.rds.amazonaws.com"
	serving.Slots = []pool.Slot{{Index: 1, Generation: 1, Name: "dm4n7p2", State: pool.SlotFree}}
	if err := d.ledger.SaveHost(t.Context(), before, serving, pool.Neutral, began); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		now, err := d.ledger.Host(context.Background(), before.ID)
		if err == nil {
			err = d.ledger.SaveHost(context.Background(), now, before, pool.Neutral, began)
		}
		if err != nil {
			t.Error(err)
		}
	})
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	line := []string{"tenant", "move", "acme", "--most", "10m", "--reason", "overworked", "--endpoint", d.Endpoint}
	status, stdout, stderr := execute(newRoot(), append(line, "--dry-run")...)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, said %s", status, stderr)
	}
	golden(t, "tenant-move-acme-dry-run.txt", stdout)
	goldenOnTerminal(t, "tenant move acme dry run", append(line, "--dry-run"))
	status, _, stderr = execute(newRoot(), line...)
	if status != undecided || !strings.Contains(stderr, "tenant acme is shut out of its database while that is copied, for at most some 10m") {
		t.Errorf("status %d, said %s", status, stderr)
	}
	if sent := d.sentTo(t, "RestoreQueueUrl"); len(sent) != 0 {
		t.Errorf("without a word it sent %v", sent)
	}
	status, stdout, stderr = execute(newRoot(), append(line, "--to", "database-standard-2", "--yes")...)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, said %s", status, stderr)
	}
	golden(t, "tenant-move-acme-to-database-standard-2.txt", stdout)
	sent := d.sentTo(t, "RestoreQueueUrl")
	if len(sent) != 1 || sent[0]["type"] != "MoveRequest" || sent[0]["to"] != "database-standard-2" || sent[0]["most"] != "10m" {
		t.Errorf("it sent %v", sent)
	}
	goldenOnTerminal(t, "tenant move acme to database-standard-2", append(line, "--to", "database-standard-2", "--yes"))
	if sent := d.sentTo(t, "RestoreQueueUrl"); len(sent) != 1 {
		t.Errorf("on a terminal it sent %v", sent)
	}
}
