package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/pool"
)

// taken takes the next message of a queue as its function would, and returns its ID; empty: none came in time.
func (d *deployed) taken(ctx context.Context, output string) (string, error) {
	url := d.outputs[output]
	for ctx.Err() == nil {
		out, err := sqs.NewFromConfig(d.Config()).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 1})
		if err != nil {
			return "", err
		}
		for _, m := range out.Messages {
			_, err := sqs.NewFromConfig(d.Config()).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
			return aws.ToString(m.MessageId), err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", ctx.Err()
}

// Each verb that waits for what a function may refuse sees that it was refused, and does not wait for what never comes.
func TestWhoWaitsSeesThatItWasRefused(t *testing.T) {
	for _, test := range []struct{ args, output, field, reason string }{
		{"host cordon share-standard-1 --reason drill", "HostEventsQueueUrl", "action", "cordon can't be done about host share-standard-1: it is lost"},
		{"host protect share-standard-1 --reason drill", "HostEventsQueueUrl", "action", "protect can't be done about host share-standard-1: it is lost"},
		{"host repair share-standard-2 --drop --reason mine --yes", "RepairRequestQueueUrl", "action", "drop can't be done about host share-standard-2: it is in no repair"},
		{"signup umbrella 127.20.0.20", "SignupQueueUrl", "instanceIp", "belongs to another tenant"},
		{"address add acme 127.20.0.21 --reason more", "InstanceChangeQueueUrl", "add", "has an address that belongs to another tenant"},
		{"decommission acme --reason ended --yes", "DecommissionQueueUrl", "tenantId", "is unknown"},
		{"undo globex --reason mistake", "DecommissionQueueUrl", "tenantId", "can't stay any more"},
		{"restore acme --share --to " + lately() + " --reason mistake --yes", "RestoreQueueUrl", "tenantId", "is leaving, or has left"},
	} {
		t.Run(test.args, func(t *testing.T) {
			d := cloud(t)
			refusing := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				id, err := d.taken(ctx, test.output)
				if err == nil {
					err = d.ledger.Reject(ctx, pool.Rejection{Message: id, Field: test.field, Reason: test.reason, At: began})
				}
				refusing <- err
			}()
			begun := time.Now()
			status, stdout, stderr := execute(newRoot(), append(strings.Fields(test.args), "--wait=10m", "--endpoint", d.Endpoint)...)
			if err := <-refusing; err != nil {
				t.Fatal(err)
			}
			kept := "Its message is kept: headroom dlq show "
			if strings.HasPrefix(test.args, "host ") {
				kept = "headroom host "
			}
			why := "refused: " + test.field + " " + test.reason
			if status != guarded || !strings.Contains(stdout, why) || !strings.Contains(stderr, " was "+why+"\n"+kept) {
				t.Errorf("status %d, printed\n%s\nsaid %s", status, stdout, stderr)
			}
			if took := time.Since(begun); took > 2*time.Minute {
				t.Errorf("it waited for %s", took)
			}
		})
	}
}

// lately is a time that a share can go back to.
func lately() string { return time.Now().UTC().Add(-time.Hour).Format(time.RFC3339) }

// restoring has acme in its first restoration, until the test is over.
func (d *deployed) restoring(t *testing.T, change func(*pool.Restoration)) error {
	r := pool.Restoration{
		Tenant: "acme", Tier: "standard", Mark: "m4rkacme", Number: 1, State: pool.RestorationRestoring, Share: pool.Holding{Host: "share-standard-1", Index: 1, Generation: 1},
		To: began.Add(35 * time.Minute), Reason: "it lost files", RequestedBy: "ops", RequestedAt: began.Add(40 * time.Minute), Progress: pool.Started(pool.StepCopy, time.Now()),
	}
	change(&r)
	r, err := d.ledger.SaveRestoration(context.Background(), pool.Restoration{}, r)
	t.Cleanup(func() {
		acme, err := d.ledger.Tenant(context.Background(), "acme")
		if err == nil {
			err = d.ledger.ForgetRestoration(context.Background(), r, acme, acme)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return err
}

func TestARestorationIsCalledOffByAMessage(t *testing.T) {
	d := cloud(t)
	if err := d.restoring(t, func(*pool.Restoration) {}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	undo := "restore acme --undo --reason mistake --yes"
	line := append(strings.Fields(undo), "--endpoint", d.Endpoint)
	status, stdout, stderr := execute(newRoot(), line...)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, said %s", status, stderr)
	}
	golden(t, "restore-acme-undo-reason-mistake-yes.txt", stdout)
	if sent := d.sentTo(t, "RestoreQueueUrl"); len(sent) != 1 || sent[0]["type"] != "RestoreUndo" {
		t.Errorf("it sent %v", sent)
	}
	goldenOnTerminal(t, undo, line)
	if sent := d.sentTo(t, "RestoreQueueUrl"); len(sent) != 1 {
		t.Errorf("on a terminal it sent %v", sent)
	}
	status, _, stderr = execute(newRoot(), "restore", "acme", "--share", "--to", lately(), "--reason", "mistake", "--yes", "--endpoint", d.Endpoint)
	if status != guarded || !strings.HasPrefix(stderr, "headroom: tenant acme is in acme.restore-1 already, to 2026-01-05T09:35:00Z: it must end first, or be undone\n") {
		t.Errorf("another one: status %d, said %s", status, stderr)
	}
}

// A restoration that came to nothing is no success.
func TestWhoWaitsSeesThatItCameToNothing(t *testing.T) {
	d := cloud(t)
	withdrawing := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := d.taken(ctx, "RestoreQueueUrl")
		if err == nil {
			err = d.restoring(t, func(r *pool.Restoration) {
				r.State, r.Why = pool.RestorationWithdrawn, "the quota of instances is reached"
			})
		}
		withdrawing <- err
	}()
	status, stdout, stderr := execute(newRoot(), "restore", "acme", "--share", "--to", lately(), "--reason", "mistake", "--yes", "--wait=10m", "--endpoint", d.Endpoint)
	if err := <-withdrawing; err != nil {
		t.Fatal(err)
	}
	const why = "it came to nothing, and the tenant has what it had: the quota of instances is reached"
	if status != notWell || !strings.Contains(stdout, why) || stderr != "headroom: "+why+"\nheadroom tenant explain acme says how it went.\n" {
		t.Errorf("status %d, printed\n%s\nsaid %s", status, stdout, stderr)
	}
}
