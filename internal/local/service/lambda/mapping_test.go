package lambda_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/local/disorder"
	"headroom/internal/local/service/lambda"
)

func TestMessagesAreHandledAndDeleted(t *testing.T) {
	r := newRig(t, nil)
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, nil)
	r.send(url, "ok 1", "ok 2", "ok 3")
	for _, body := range []string{"ok 1", "ok 2", "ok 3"} {
		eventually(t, "it is handled", r.seenTimes(body, 1))
	}
	eventually(t, "the queue is empty", r.empty(url))
	r.mu.Lock()
	defer r.mu.Unlock()
	want := "arn:aws:sts::" + account + ":assumed-role/probe-role/probe:ReceiveMessage"
	if !strings.Contains(strings.Join(r.calls, " "), want) {
		t.Errorf("calls %v lack %s", r.calls, want)
	}
}

func TestOnlyReportedFailuresComeBack(t *testing.T) {
	r := newRig(t, nil)
	url, arn, dead := r.queue()
	r.mapping(r.function(nil), arn, nil)
	r.send(url, "ok", "once", "fail")
	eventually(t, "the failing message is a dead letter", func() bool { return r.count(dead) == "10" })
	eventually(t, "the queue is empty", r.empty(url))
	for body, times := range map[string]int{"ok": 1, "once": 2, "fail": 3} {
		if got := len(r.seen(body)); got != times {
			t.Errorf("%q was handled %d times, want %d", body, got, times)
		}
	}
}

func TestWholeBatchComesBack(t *testing.T) {
	for _, bad := range []string{"error", "panic", "exit", "stranger"} {
		t.Run("after "+bad, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			url, arn, dead := r.queue()
			r.send(url, "ok", bad)
			r.mapping(r.function(nil), arn, nil)
			eventually(t, "both messages are dead letters", func() bool { return r.count(dead) == "20" })
			if got := len(r.seen("ok")); got < 3 {
				t.Errorf("the neighbour was handled %d times, want 3", got)
			}
		})
	}
}

func TestNullAnswerIsSuccess(t *testing.T) {
	r := newRig(t, nil)
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, nil)
	r.send(url, "nothing")
	eventually(t, "it is handled", r.seenTimes("nothing", 1))
	eventually(t, "the queue is empty", r.empty(url))
}

func TestWithoutReportBatchItemFailuresTheAnswerIsIgnored(t *testing.T) {
	r := newRig(t, nil)
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, map[string]any{"FunctionResponseTypes": nil})
	r.send(url, "fail")
	eventually(t, "it is handled", r.seenTimes("fail", 1))
	eventually(t, "the queue is empty", r.empty(url))
}

func TestFailureWaitsForTheVisibilityTimeout(t *testing.T) {
	r := newRig(t, func(c *lambda.Config) { c.RetryDelay = 0 })
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, nil)
	r.send(url, "once")
	eventually(t, "it is handled", r.seenTimes("once", 1))
	time.Sleep(500 * time.Millisecond)
	if got := r.count(url); got != "01" {
		t.Errorf("visible and hidden messages %q, want 01", got)
	}
}

func TestLoadStartsProcessesUpToTheConcurrency(t *testing.T) {
	r := newRig(t, nil)
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, map[string]any{"BatchSize": 1, "ScalingConfig": map[string]any{"MaximumConcurrency": 2}})
	r.send(url, "slow 1", "slow 2", "slow 3", "slow 4", "slow 5", "slow 6")
	eventually(t, "the queue is empty", r.empty(url))
	pids := map[any]bool{}
	for _, body := range []string{"slow 1", "slow 2", "slow 3", "slow 4", "slow 5", "slow 6"} {
		for _, report := range r.seen(body) {
			pids[report["pid"]] = true
		}
	}
	if len(pids) != 2 {
		t.Errorf("%d processes, want 2", len(pids))
	}
}

func TestBatchingWindowGathersMessages(t *testing.T) {
	r := newRig(t, nil)
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, map[string]any{"MaximumBatchingWindowInSeconds": "2"})
	r.send(url, "ok 1")
	eventually(t, "the first is received", func() bool { return r.count(url) == "01" })
	r.send(url, "ok 2")
	for _, body := range []string{"ok 1", "ok 2"} {
		if batch := r.report(body)["batch"]; batch != 2.0 {
			t.Errorf("%s came in a batch of %v, want 2", body, batch)
		}
	}
}

func TestDisorderDeliversTwice(t *testing.T) {
	r := newRig(t, func(c *lambda.Config) {
		c.Disorder = disorder.New(1, disorder.Options{Double: 1, Delay: 100 * time.Millisecond, Shuffle: true})
	})
	url, arn, _ := r.queue()
	r.mapping(r.function(nil), arn, nil)
	r.send(url, "ok")
	eventually(t, "it is handled twice", r.seenTimes("ok", 2))
	eventually(t, "the queue is empty", r.empty(url))
}

func TestMappingNeedsTheRolesPermission(t *testing.T) {
	r := newRig(t, nil)
	_, arn, _ := r.queue()
	function := r.function(nil)
	r.denied = "GetQueueAttributes"
	if err := r.tryMapping(function, arn, nil); err == nil || !strings.Contains(err.Error(), "not authorized to perform: sqs:GetQueueAttributes") {
		t.Errorf("error %v", err)
	}
}

func TestMappingNeedsAVisibilityTimeoutOfAtLeastTheFunctions(t *testing.T) {
	r := newRig(t, nil)
	_, arn, _ := r.queue()
	function := r.function(map[string]any{"Timeout": 60})
	if err := r.tryMapping(function, arn, nil); err == nil || !strings.Contains(err.Error(), "visibility timeout: 12s is less than Function timeout: 1m0s") {
		t.Errorf("error %v", err)
	}
}

func TestKillAtACall(t *testing.T) {
	for name, applied := range map[string]bool{"before it is carried out": false, "before its answer": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			url, arn, _ := r.queue()
			r.mapping(r.function(nil), arn, nil)
			kill := &lambda.Kill{Function: "probe", Call: 2, Applied: applied}
			r.host.Arm(kill)
			r.send(url, "call")
			eventually(t, "it is handled again", r.seenTimes("call", 2))
			eventually(t, "the queue is empty", r.empty(url))
			if !kill.Happened() {
				t.Error("the kill did not happen")
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			// The killed one made two calls, the other three; authorization comes before the kill.
			if got := strings.Count(strings.Join(r.calls, " "), ":ListQueues"); got != 5 {
				t.Errorf("%d calls, want 5", got)
			}
			// What its SDK tries again, or had under way beside it, is not carried out either, although it is gone by now.
			if err := r.host.BeforeCall(r.listed[0]); err == nil {
				t.Error("who was killed may call once more")
			}
		})
	}
}
