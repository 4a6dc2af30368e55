package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// recovers answers what is asked of the recovery, as its function would, until the test is over. It returns what was asked.
func (d *deployed) recovers(t *testing.T) func() string {
	t.Helper()
	// A look that is cut short may have taken a message all the same: each comes to its end.
	ctx := context.Background()
	var over atomic.Bool
	ended, asked := make(chan struct{}), []string{}
	queue, url := sqs.NewFromConfig(d.Config()), d.outputs["RecoverQueueUrl"]
	lines := []recovery.Line{{What: "give", Of: "slot database-standard-1/2", Why: "it is tenant hooli's, and by the record it was free (generation 1)"}}
	unsure := []recovery.Line{{What: "look at", Of: "slot share-standard-1/4", Why: "it may hold somebody's data, and no tenant's secret or share says whose"}}
	go func() {
		defer close(ended)
		for !over.Load() {
			got, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 1})
			if err != nil {
				t.Error(err)
				return
			}
			for _, m := range got.Messages {
				var body struct{ Action, Digest string }
				_ = json.Unmarshal([]byte(*m.Body), &body)
				asked = append(asked, strings.TrimSpace(body.Action+" "+body.Digest))
				before, _ := d.ledger.Recovery(ctx)
				r := before.Clone()
				r.By, r.Message, r.AskedAt, r.Done = "ada", *m.MessageId, began, false
				switch body.Action {
				case "hold":
					r.HeldAt, r.Came = began, "held: nothing is handed out"
				case "look":
					r.Lines, r.Unsure, r.Digest, r.LookedAt, r.Came = lines, unsure, "0123456789abcdef", began, "looked: 1 to do, and 1 that nobody but a person can decide"
				case "apply":
					r.Lines, r.HeldAt, r.Done, r.Came = nil, time.Time{}, true, "done: 1, and 1 left that nobody but a person can decide"
				case "drop":
					r.HeldAt, r.Came = time.Time{}, "nothing is held any more, and the ledger is as it was"
				}
				if err := d.ledger.SaveRecovery(ctx, before, r); err != nil {
					t.Error(err)
				}
				_, _ = queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
			}
		}
	}()
	return func() string {
		over.Store(true)
		<-ended
		now, err := d.ledger.Recovery(context.Background())
		if err == nil {
			err = d.ledger.SaveRecovery(context.Background(), now, recovery.Record{})
		}
		if err != nil {
			t.Error(err)
		}
		return strings.Join(asked, ", ")
	}
}

func TestALedgerIsRecoveredStepByStep(t *testing.T) {
	d := cloud(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	stops := d.stops(t)
	for _, test := range []struct {
		args   string
		status int
		asks   string
	}{
		{"recover --reason back --dry-run", 0, "look"},
		{"recover --reason back --yes", 0, "hold, look, apply 0123456789abcdef"},
		{"recover --reason back --no-input", undecided, "hold, look"},
		{"recover --reason back --drop", 0, "drop"},
	} {
		t.Run(test.args, func(t *testing.T) {
			asked := d.recovers(t)
			status, stdout, stderr := execute(newRoot(), append(strings.Fields(test.args), "--wait", "1m", "--endpoint", d.Endpoint)...)
			if got := asked(); status != test.status || got != test.asks {
				t.Errorf("status %d, asked %q, said %s", status, got, stderr)
			}
			golden(t, goldenName(test.args)+".txt", stdout)
			golden(t, goldenName(test.args)+".stderr", stderr)
			if held := strings.Contains(test.asks, "hold"); held != (stops().On(pool.StopDestroy) && stops().On(pool.StopOrder) && stops().On(pool.StopRepair)) {
				t.Errorf("the stop switch is %+v", stops())
			}
			if test.status == 0 {
				asked = d.recovers(t)
				goldenOnTerminal(t, test.args, append(strings.Fields(test.args), "--wait", "1m", "--endpoint", d.Endpoint))
				if got := asked(); got != test.asks {
					t.Errorf("on a terminal it asked %q", got)
				}
			}
			if err := d.ledger.SaveStops(t.Context(), pool.Stops{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Nobody answers, as when the function's queue is off.
func TestARecoveryThatDoesNotComeAboutIsSaid(t *testing.T) {
	d := cloud(t)
	d.stops(t)
	status, _, stderr := execute(newRoot(), "recover", "--reason", "back", "--dry-run", "--wait", "1s", "--endpoint", d.Endpoint)
	if status != notWell || !strings.Contains(stderr, "it has not come about after 1s: look is under way") {
		t.Errorf("status %d, said %s", status, stderr)
	}
	if sent := d.sentTo(t, "RecoverQueueUrl"); len(sent) != 1 || sent[0]["type"] != "RecoverRequest" || fmt.Sprint(sent[0]["digest"]) != "<nil>" {
		t.Errorf("it sent %v", sent)
	}
}

// What the function finds is said: that a slot is given back, or what is against it.
func TestASlotThatIsLookedAtAnewIsSaidHowItCame(t *testing.T) {
	d := cloud(t)
	const slot = "share-standard-2/3"
	for _, test := range []struct {
		came   recovery.Answer
		status int
		says   string
	}{
		{recovery.Answer{Came: "it is nobody's: it rests, is closed then, and is free", Done: true}, 0, "came            it is nobody's: it rests, is closed then, and is free\n"},
		{recovery.Answer{Came: "generation 2 is not known to be empty"}, guarded, "headroom: slot share-standard-2/3 stays in quarantine: generation 2 is not known to be empty\nheadroom host show share-standard-2 says how it is.\n"},
	} {
		answered := make(chan error)
		go func() { // as its function would
			answered <- func() error {
				ctx := context.Background()
				url := d.outputs["RecoverQueueUrl"]
				var got *sqs.ReceiveMessageOutput
				for range 60 {
					var err error
					if got, err = sqs.NewFromConfig(d.Config()).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 1}); err != nil || len(got.Messages) > 0 {
						break
					}
				}
				if got == nil || len(got.Messages) != 1 {
					return errors.New("no message came")
				}
				m := got.Messages[0]
				before, err := d.ledger.Recovery(ctx)
				if err != nil {
					return err
				}
				r := before.Clone()
				r.Slot = test.came
				r.Slot.Message, r.Slot.Of = *m.MessageId, slot
				if err := d.ledger.SaveRecovery(ctx, before, r); err != nil {
					return err
				}
				_, err = sqs.NewFromConfig(d.Config()).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
				return err
			}()
		}()
		status, stdout, stderr := execute(newRoot(), "slot", "again", slot, "--reason", "emptied", "--wait=1m", "--endpoint", d.Endpoint)
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		if status != test.status || !strings.Contains(stdout+stderr, test.says) {
			t.Errorf("status %d, said %s%s", status, stdout, stderr)
		}
	}
}

func TestSlotsInDoubtAreCompleted(t *testing.T) {
	d := cloud(t)
	_, stdout, _ := execute(newRoot(), "__complete", "slot", "again", "--endpoint", d.Endpoint, "")
	if !strings.HasPrefix(stdout, "share-standard-2/3\tit may hold somebody's data") {
		t.Errorf("it completes %s", stdout)
	}
}
